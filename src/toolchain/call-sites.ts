/** Calls between the functions of an image, read from its code: direct ones only. */
import { type Elf, type ElfSymbol, functionAddress } from "./elf.js";

/**
 * Return addresses of every direct call of the function at `address`. A jump to it at the end of another function
 * returns to where that one returns.
 */
export function returnAddresses(elf: Elf, address: number): number[] {
  const found = new Set<number>();
  const seen = new Set<number>();
  const visit = (target: number): void => {
    if (seen.has(target)) return;
    seen.add(target);
    for (const caller of functionsOf(elf)) {
      for (const { to, next, links } of transfersIn(elf, caller)) {
        if (to !== target) continue;
        if (links) found.add(next);
        else if (functionAddress(caller) !== target) visit(functionAddress(caller));
      }
    }
  };
  visit(address);
  return [...found].sort((a, b) => a - b);
}

/**
 * Bytes of code of the function at `address` and of all that it calls, with the constants between. What has no size in
 * the image (assembly without `.size`) and calls through pointers are not seen.
 */
export function codeBytes(elf: Elf, address: number): Map<string, number> {
  const byAddress = new Map(functionsOf(elf).map((s) => [functionAddress(s), s]));
  const sizes = new Map<string, number>();
  const visit = (at: number): void => {
    const symbol = byAddress.get(at);
    if (symbol === undefined || sizes.has(symbol.name)) return;
    sizes.set(symbol.name, symbol.size);
    for (const { to } of transfersIn(elf, symbol)) visit(to);
  };
  visit(address);
  return sizes;
}

function functionsOf(elf: Elf): ElfSymbol[] {
  return elf.symbols.filter((s) => s.kind === "function" && s.section !== 0 && s.size > 0);
}

interface Transfer {
  readonly to: number;
  /** Address of the instruction after it. */
  readonly next: number;
  /** True for a call, false for a jump. */
  readonly links: boolean;
}

/** Calls and unconditional jumps. Constants between the code may look like one, but hardly to where a function begins. */
function transfersIn(elf: Elf, caller: ElfSymbol): Transfer[] {
  const section = elf.sections[caller.section];
  if (section === undefined) return [];
  const start = functionAddress(caller);
  const code = section.data.subarray(start - section.address, start - section.address + caller.size);
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const transfers: Transfer[] = [];
  for (let at = 0; at + 2 <= code.length; ) {
    const first = view.getUint16(at, true);
    const isWide = first >= 0xe800;
    const size = isWide ? 4 : 2;
    const second = isWide && at + 4 <= code.length ? view.getUint16(at + 2, true) : 0;
    const jump = isWide ? wideJump(first, second) : narrowJump(first);
    if (jump !== undefined) {
      transfers.push({ to: start + at + 4 + jump.offset, next: start + at + size, links: jump.links });
    }
    at += size;
  }
  return transfers;
}

/** BL and B in their 32-bit encodings: offset from the instruction's address plus 4. */
function wideJump(first: number, second: number): { offset: number; links: boolean } | undefined {
  const kind = second & 0xd000;
  if ((first & 0xf800) !== 0xf000 || (kind !== 0xd000 && kind !== 0x9000)) return undefined;
  const sign = (first >> 10) & 1;
  const i1 = ((second >> 13) & 1) ^ sign ^ 1;
  const i2 = ((second >> 11) & 1) ^ sign ^ 1;
  const magnitude = (i1 << 23) | (i2 << 22) | ((first & 0x3ff) << 12) | ((second & 0x7ff) << 1);
  return { offset: magnitude - sign * 2 ** 24, links: kind === 0xd000 };
}

/** B in its 16-bit encoding. */
function narrowJump(half: number): { offset: number; links: boolean } | undefined {
  if ((half & 0xf800) !== 0xe000) return undefined;
  return { offset: (((half & 0x7ff) << 21) >> 21) * 2, links: false };
}
