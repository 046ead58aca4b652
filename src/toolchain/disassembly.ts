/** What `arm-none-eabi-objdump` says of an image's code, one value per instruction. */
import { runTool } from "./compiler.js";
import { armBinutil } from "./tools.js";

export interface Instruction {
  /** Symbol that objdump prints above it. */
  readonly symbol: string;
  readonly address: number;
  /** 2 or 4; of data between code, as much as objdump shows on the line. */
  readonly bytes: number;
  /** In lower case, as disassembled, e.g. `ldr.w`; of data, e.g. `.word`. */
  readonly mnemonic: string;
  /** Without comments, e.g. `r0, [sp, #4]`. */
  readonly operands: string;
  /** Whether it is in an IT block: its mnemonic ends with the condition. */
  readonly conditional: boolean;
}

/** Disassembles an ELF file. Throws `toolchain/objdump` (exit 1), or `toolchain/missing` (exit 3) without objdump. */
export async function disassemble(elf: string): Promise<Instruction[]> {
  return parseDisassembly(await runTool(armBinutil("objdump"), ["-d", "-z", elf], "toolchain/objdump", elf));
}

/** Reads a listing of `arm-none-eabi-objdump -d -z`: lines that are no instruction are left out. */
export function parseDisassembly(listing: string): Instruction[] {
  const found: Instruction[] = [];
  let symbol = "?";
  let inBlock = 0;
  for (const line of listing.split("\n")) {
    symbol = /^[0-9a-f]+ <(.+)>:$/.exec(line)?.[1] ?? symbol;
    const code = /^\s*([0-9a-f]+):\t([0-9a-f ]+?)\s*\t(.+)$/.exec(line);
    if (code === null) continue;
    const [, address, bytes, text] = code as unknown as [string, string, string, string];
    const [mnemonic = "", ...operands] = text.replace(/\s*@(?! <UNDEFINED>).*$/, "").split(/\s+/);
    const opensBlock = /^it[te]{0,3}$/.test(mnemonic);
    found.push({
      symbol,
      address: Number.parseInt(address, 16),
      bytes: bytes.replaceAll(" ", "").length / 2,
      mnemonic: mnemonic.toLowerCase(),
      operands: operands.join(" "),
      conditional: inBlock > 0,
    });
    inBlock = opensBlock ? mnemonic.length - 1 : Math.max(0, inBlock - 1);
  }
  return found;
}

/** Instructions by address, for following them. */
export class Code {
  readonly #at: ReadonlyMap<number, Instruction>;

  constructor(instructions: readonly Instruction[]) {
    this.#at = new Map(instructions.map((i) => [i.address, i]));
  }

  at(address: number): Instruction | undefined {
    return this.#at.get(address);
  }

  /** Those from `start` on, `bytes` bytes of them. */
  *range(start: number, bytes: number): Generator<Instruction> {
    for (let at = start; at < start + bytes; ) {
      const instruction = this.at(at);
      if (instruction !== undefined) yield instruction;
      at += instruction?.bytes ?? 2;
    }
  }
}
