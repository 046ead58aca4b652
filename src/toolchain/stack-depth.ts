/**
 * How deep code takes the stack, found by following it through an image instruction by instruction. For functions that
 * no compiler tells of: assembly, and the compiler's own library.
 */
import type { Code, Instruction } from "./disassembly.js";
import { effectOf, type Flow, poppedRegisters } from "./thumb.js";

/** A call, and how far the stack is down by then. */
export interface Call {
  readonly to: number;
  /** Bytes below the stack pointer at the function's start. */
  readonly depth: number;
}

export interface Depth {
  /** Bytes at the deepest place that was reached, callees not counted. */
  readonly deepest: number;
  readonly calls: readonly Call[];
  /** Addresses at which the code calls what a register holds. */
  readonly indirect: readonly number[];
  /** Why it could not be followed everywhere; then `deepest` and `calls` are of the part that was, and `deepest` is 0 of a loop. */
  readonly obstacle?: string;
}

/** An instruction may be met with several depths, where one before it is conditional. With more it is in a loop that pushes. */
const MAX_DEPTHS = 16;

/** Where to start, and what is known of the functions around. */
export interface Followed {
  readonly start: number;
  /** Bytes of the function's code; 0 where the image does not tell. */
  readonly size: number;
  /** Functions whose depth is known otherwise: a jump to one is a call, too. Others are followed as parts of this one. */
  readonly isKnown: (address: number) => boolean;
  /** Whether a function starts here. A call of anything else is followed within the caller's frame, which it may give back. */
  readonly isFunction: (address: number) => boolean;
}

/**
 * Follows the code from `start` until it returns. Where a compiler's table of jumps leads is the code of the function that
 * nothing else reaches, with the depth of the jump: compiled code has one depth at each place.
 */
export function stackDepth(code: Code, followed: Followed): Depth {
  const walk = new Walk(code, followed);
  walk.run();
  return walk.result();
}

class Walk {
  readonly #code: Code;
  readonly #function: Followed;
  readonly #seen = new Map<number, Set<number>>();
  readonly #queue: { readonly at: number; readonly depth: number; readonly before?: Instruction }[] = [];
  readonly #calls = new Map<string, Call>();
  readonly #indirect = new Set<number>();
  #deepest = 0;
  #isLoop = false;
  #tableDepth: number | undefined;
  /** Depths at calls of parts: where a jump by LR may lead back to. */
  readonly #partDepths = new Set<number>();
  #obstacle: string | undefined;

  constructor(code: Code, followed: Followed) {
    this.#code = code;
    this.#function = followed;
  }

  run(): void {
    const { start, size } = this.#function;
    this.#go(start, 0);
    this.#drain();
    for (const instruction of this.#code.range(start, this.#tableDepth === undefined ? 0 : size)) {
      if (this.#seen.has(instruction.address) || isFiller(instruction)) continue;
      this.#go(instruction.address, this.#tableDepth!);
      this.#drain();
    }
  }

  #drain(): void {
    for (let state = this.#queue.pop(); state !== undefined; state = this.#queue.pop()) {
      this.#step(state.at, state.depth, state.before);
    }
  }

  result(): Depth {
    return {
      deepest: this.#isLoop ? 0 : this.#deepest,
      calls: [...this.#calls.values()],
      indirect: [...this.#indirect],
      ...(this.#obstacle === undefined ? {} : { obstacle: this.#obstacle }),
    };
  }

  #step(at: number, depth: number, before: Instruction | undefined): void {
    const instruction = this.#code.at(at);
    const effect = instruction && effectOf(instruction);
    if (instruction === undefined || effect === undefined) this.#stop("it runs into what is no code", at);
    else if (effect.down === undefined) this.#stop("the stack pointer gets a computed value", at);
    else this.#execute(instruction, effect.flow, { depth, down: effect.down }, before);
  }

  #execute(
    instruction: Instruction,
    flow: Flow,
    { depth, down }: { depth: number; down: number },
    before: Instruction | undefined,
  ): void {
    const after = depth + down;
    this.#deepest = Math.max(this.#deepest, after);
    // Not executed, an instruction leaves the depth as it was; that is the only way on behind a conditional return.
    const isConditional = instruction.conditional || ("conditional" in flow && flow.conditional);
    if (isConditional && (down !== 0 || flow.kind !== "next")) this.#next(instruction, depth);
    switch (flow.kind) {
      case "next":
        this.#next(instruction, after);
        break;
      case "jump":
        if (flow.to !== this.#function.start && this.#function.isKnown(flow.to)) this.#call(flow.to, after);
        else this.#go(flow.to, after);
        break;
      case "call":
        if (this.#function.isFunction(flow.to)) this.#call(flow.to, after);
        else this.#part(flow.to, after);
        this.#next(instruction, after);
        break;
      case "indirect-call":
        this.#indirect.add(instruction.address);
        this.#next(instruction, after);
        break;
      case "return":
        if (after !== 0) this.#returnInside(instruction, after);
        break;
      case "computed":
        if (!isReturn(flow.register, after, before)) this.#table(after, instruction.address);
        break;
      case "end":
        this.#end(instruction, before);
    }
  }

  #part(to: number, depth: number): void {
    this.#partDepths.add(depth);
    this.#go(to, depth);
  }

  #returnInside({ operands, address }: Instruction, depth: number): void {
    if (operands === "lr" && this.#partDepths.has(depth)) return;
    this.#stop("it returns with another stack pointer, or jumps by LR", address);
  }

  /** A jump by a table, in a function that has an end and one such depth only. */
  #table(depth: number, address: number): void {
    if (this.#function.size > 0 && (this.#tableDepth ?? depth) === depth) this.#tableDepth = depth;
    else this.#stop("it jumps to a computed address", address);
  }

  /** A trap ends a path; behind a call that does not return there may be constants. */
  #end({ mnemonic, address }: Instruction, before: Instruction | undefined): void {
    if (mnemonic.startsWith("udf") || (before !== undefined && isCall(before))) return;
    this.#stop("it runs into what is no code", address);
  }

  #next(instruction: Instruction, depth: number): void {
    this.#go(instruction.address + instruction.bytes, depth, instruction);
  }

  #go(at: number, depth: number, before?: Instruction): void {
    const depths = this.#seen.get(at) ?? new Set();
    if (depths.has(depth)) return;
    if (depths.size === MAX_DEPTHS) {
      this.#isLoop = true;
      this.#stop("its depth grows in a loop", at);
    } else {
      this.#seen.set(at, depths.add(depth));
      this.#queue.push({ at, depth, ...(before === undefined ? {} : { before }) });
    }
  }

  #call(to: number, depth: number): void {
    this.#calls.set(`${to} ${depth}`, { to, depth });
  }

  #stop(why: string, at: number): void {
    this.#obstacle ??= `${why} at 0x${at.toString(16)}`;
  }
}

/** Armv6-M returns so where registers have to be moved first: the last popped is the return address. */
function isReturn(register: string | undefined, depth: number, before: Instruction | undefined): boolean {
  if (depth !== 0 || register === undefined || before === undefined) return false;
  return poppedRegisters(before).at(-1) === register;
}

/** Constants, and what aligns them. */
function isFiller({ mnemonic, operands }: Instruction): boolean {
  return mnemonic.startsWith(".") || /^nop(\.[nw])?$/.test(mnemonic) || operands === "r8, r8";
}

function isCall(instruction: Instruction): boolean {
  return effectOf(instruction).flow.kind === "call";
}
