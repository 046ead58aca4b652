/** A fault frame in words. */
import { type Elf, nearestSymbol } from "../toolchain/elf.js";
import type { FaultRegisters } from "./messages.js";

const exceptions: Readonly<Record<number, string>> = {
  2: "NMI",
  3: "HardFault",
  4: "MemManage fault",
  5: "BusFault",
  6: "UsageFault",
  7: "SecureFault",
};

/** Bits of the Configurable Fault Status Register, as the Armv7-M and Armv8-M manuals name them. */
const cfsrBits: readonly (readonly [bit: number, meaning: string])[] = [
  [0, "instruction fetch from a forbidden address"],
  [1, "access to a forbidden address"],
  [3, "fault while unstacking"],
  [4, "fault while stacking"],
  [8, "bus error on an instruction fetch"],
  [9, "precise bus error"],
  [10, "imprecise bus error"],
  [11, "bus error while unstacking"],
  [12, "bus error while stacking"],
  [16, "undefined instruction"],
  [17, "invalid state (a jump to ARM code)"],
  [18, "invalid exception return"],
  [19, "no coprocessor (floating-point unit off?)"],
  [20, "stack overflow"],
  [24, "unaligned access"],
  [25, "division by zero"],
];
const MMFAR_VALID = 1 << 7;
const BFAR_VALID = 1 << 15;

/** One line: which fault, why, where. With `elf`, addresses get the name of the function they are in. */
export function describeFault(fault: FaultRegisters, elf?: Elf): string {
  if (fault.stackFull) return "the stack overflowed";
  const name = exceptions[fault.exception] ?? `exception ${fault.exception}`;
  const why = reasons(fault);
  const because = why.length === 0 ? "" : ` (${why.join(", ")})`;
  if (fault.stackLost) return `${name}${because}: the stack pointer ${hex(fault.sp)} is outside RAM`;
  const at = ` at ${place(fault.pc, elf)}`;
  return `${name}${because}${at}, called from ${place(fault.lr, elf)}; ${registers(fault)}`;
}

function reasons(fault: FaultRegisters): string[] {
  if (fault.status === undefined) return [];
  const { cfsr, mmfar, bfar } = fault.status;
  const found = cfsrBits.filter(([bit]) => ((cfsr >>> bit) & 1) === 1).map(([, meaning]) => meaning);
  if ((cfsr & MMFAR_VALID) !== 0) found.push(`address ${hex(mmfar)}`);
  if ((cfsr & BFAR_VALID) !== 0) found.push(`address ${hex(bfar)}`);
  return found;
}

function place(address: number, elf: Elf | undefined): string {
  const symbol = elf === undefined ? undefined : nearestSymbol(elf, (address & ~1) >>> 0);
  return symbol === undefined ? hex(address) : `${hex(address)} <${symbol}>`;
}

function registers(fault: FaultRegisters): string {
  const { r0, r1, r2, r3, r12, lr, xpsr, sp, status } = fault;
  const all = {
    r0,
    r1,
    r2,
    r3,
    r12,
    lr,
    sp,
    xpsr,
    ...(status === undefined ? {} : { cfsr: status.cfsr, hfsr: status.hfsr }),
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${hex(value)}`)
    .join(" ");
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}
