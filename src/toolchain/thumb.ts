/** What an instruction does to the stack pointer and to the flow of control, read from its disassembly. */
import type { Instruction } from "./disassembly.js";

/** Where control goes after an instruction. */
export type Flow =
  | { readonly kind: "next" }
  /** To `to`, or on where it is conditional. */
  | { readonly kind: "jump"; readonly to: number; readonly conditional: boolean }
  | { readonly kind: "call"; readonly to: number }
  /** A call of what a register holds. */
  | { readonly kind: "indirect-call" }
  /** To the caller, or on where it is conditional. */
  | { readonly kind: "return"; readonly conditional: boolean }
  /** To what a register, a table or memory holds. */
  | { readonly kind: "computed"; readonly register?: string }
  /** Not on: an undefined instruction, or what is none. */
  | { readonly kind: "end" };

export interface Effect {
  /** Bytes that the stack pointer moves down, negative where it moves up; undefined where it gets another value. */
  readonly down: number | undefined;
  readonly flow: Flow;
}

const NEXT: Flow = { kind: "next" };

/** The effect of one instruction. */
export function effectOf(instruction: Instruction): Effect {
  const base = baseOf(instruction);
  return { down: stackMove(base, instruction.operands), flow: flowOf(base, instruction) };
}

/** Registers that an instruction takes from the stack, with their order; empty for any other. */
export function poppedRegisters(instruction: Instruction): readonly string[] {
  return isPop(baseOf(instruction), instruction.operands) ? listed(instruction.operands) : [];
}

/** The mnemonic without width and, in an IT block, condition. */
function baseOf({ mnemonic, conditional }: Instruction): string {
  const plain = mnemonic.replace(/\.[nw]$/, "");
  return conditional && !plain.startsWith("it") ? plain.slice(0, -2) : plain;
}

function isPop(base: string, operands: string): boolean {
  return base === "pop" || (/^ldm(ia|fd)?$/.test(base) && operands.startsWith("sp!"));
}

function stackMove(base: string, operands: string): number | undefined {
  if (/^v?push$/.test(base) || (/^v?stm(db|fd)$/.test(base) && operands.startsWith("sp!"))) {
    return listBytes(operands);
  }
  if (isPop(base, operands) || base === "vpop" || (/^vldm(ia)?$/.test(base) && operands.startsWith("sp!"))) {
    return -listBytes(operands);
  }
  const written = /\[sp, #(-?\d+)\]!$/.exec(operands) ?? /\[sp\], #(-?\d+)$/.exec(operands);
  if (written !== null) return -Number(written[1]);
  if (operands.includes("sp!")) return undefined;
  if (!/^sp(,|$)/.test(operands) || /^(cmp|cmn|tst|teq|v?stm|v?ldm)/.test(base)) return 0;
  const step = /^sp, (?:sp, )?#(\d+)$/.exec(operands);
  if (step === null) return undefined;
  if (/^subw?$/.test(base)) return Number(step[1]);
  return /^addw?$/.test(base) ? -Number(step[1]) : undefined;
}

function flowOf(base: string, { operands, conditional }: Instruction): Flow {
  if (base.startsWith(".") || base === "udf") return { kind: "end" };
  const to = target(operands);
  if (base === "bl") return to === undefined ? { kind: "end" } : { kind: "call", to };
  if (base === "blx") return { kind: "indirect-call" };
  if (base === "b" && to !== undefined) return { kind: "jump", to, conditional };
  if (isConditionalJump(base) && to !== undefined) return { kind: "jump", to, conditional: true };
  if (/^(bx|bxns)$/.test(base)) {
    return operands === "lr" ? { kind: "return", conditional } : { kind: "computed", register: operands };
  }
  if (isPop(base, operands)) {
    return listed(operands).includes("pc") ? { kind: "return", conditional } : NEXT;
  }
  if (base === "ldr" && operands.startsWith("pc, [sp], ")) return { kind: "return", conditional };
  if (base === "mov" && operands === "pc, lr") return { kind: "return", conditional };
  const writesPc = /^pc(,|$)/.test(operands) || (/^ldm/.test(base) && listed(operands).includes("pc"));
  if (writesPc || /^(tbb|tbh|bf)/.test(base)) return { kind: "computed" };
  return NEXT;
}

/** Branches with a condition of their own, and the ends of loops. */
function isConditionalJump(base: string): boolean {
  return /^(b(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)|cbn?z|wls|wlstp\.\d+|le|letp)$/.test(base);
}

/** Address that a branch names: the last operand, e.g. `lr, 12c <loop+0x4>`. */
function target(operands: string): number | undefined {
  const found = /(?:^|, )([0-9a-f]+) <[^>]*>$/.exec(operands);
  return found === null ? undefined : Number.parseInt(found[1]!, 16);
}

/** Registers in braces, ranges taken apart. */
function listed(operands: string): string[] {
  const list = /\{(.*)\}/.exec(operands)?.[1] ?? "";
  return list.split(/, */).flatMap((item) => {
    const range = /^([a-z])(\d+)-[a-z](\d+)$/.exec(item);
    if (range === null) return item === "" ? [] : [item];
    const [, kind, first, last] = range as unknown as [string, string, string, string];
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => `${kind}${Number(first) + i}`);
  });
}

const vectorBytes: Readonly<Record<string, number>> = { d: 8, q: 16 };

function listBytes(operands: string): number {
  return listed(operands).reduce((sum, r) => sum + (/^[dq]\d/.test(r) ? vectorBytes[r[0]!]! : 4), 0);
}
