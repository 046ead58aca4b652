/**
 * Worst-case stack of functions of a linked image. Frames are the compiler's word where it compiled the function, and
 * found by following the code elsewhere (assembly, the compiler's library); who calls whom is read from the image.
 */
import type { CallGraph, CompiledFunction } from "./call-graph.js";
import { functionKey } from "./call-graph.js";
import { Code, disassemble, type Instruction } from "./disassembly.js";
import {
  type Elf,
  type ElfSymbol,
  findSourceFunction,
  functionAddress,
  nearestSymbol,
  readElf,
} from "./elf.js";
import { type StackNode, type StackProblem, type StackUse, stackError, worstPath } from "./stack.js";
import { type Depth, stackDepth } from "./stack-depth.js";
import { effectOf } from "./thumb.js";

/** What is known of functions before the image is read. */
export interface KnownFrames {
  readonly compiled: CallGraph;
  /** Bytes by name of assembly functions, for those that cannot be followed; the others' are compared. */
  readonly declared: ReadonlyMap<string, number>;
}

export class ImageStack {
  readonly #elf: Elf;
  readonly #where: string;
  readonly #code: Code;
  readonly #known: KnownFrames;
  readonly #functions = new Map<number, ElfSymbol[]>();
  readonly #nodes = new Map<number, StackNode<number>>();

  constructor(elf: Elf, instructions: readonly Instruction[], known: KnownFrames, where: string) {
    this.#elf = elf;
    this.#where = where;
    this.#code = new Code(instructions);
    this.#known = known;
    for (const symbol of elf.symbols) {
      if (symbol.kind !== "function" || symbol.section === 0) continue;
      const at = functionAddress(symbol);
      this.#functions.set(at, [...(this.#functions.get(at) ?? []), symbol]);
    }
  }

  /** Reads and disassembles an image. Throws what `readElf` and `disassemble` throw. */
  static async read(path: string, known: KnownFrames): Promise<ImageStack> {
    const [elf, instructions] = await Promise.all([readElf(path), disassemble(path)]);
    return new ImageStack(elf, instructions, known, path);
  }

  has(name: string): boolean {
    return findSourceFunction(this.#elf, name) !== undefined;
  }

  /**
   * The stack of each function, by its name in the source. Throws every problem of all of them as one error (exit 1):
   * `stack/recursion`, `stack/indirect-call`, `stack/variable-frame`, `stack/unknown-frame`, `stack/declared-frame`.
   */
  worst(names: readonly string[]): StackUse[] {
    const found = names.map((name) => {
      const symbol = findSourceFunction(this.#elf, name);
      if (symbol === undefined) {
        const problem = { code: "stack/unknown-frame", function: name } as const;
        return { bytes: 0, path: [], problems: [{ ...problem, message: `the image has no ${name}` }] };
      }
      return worstPath((at: number) => this.#node(at), functionAddress(symbol));
    });
    const problems = found.flatMap((f) => f.problems);
    if (problems.length > 0) throw stackError(problems, this.#where);
    return found.map(({ bytes, path }) => ({ bytes, path }));
  }

  #node(at: number): StackNode<number> {
    const known = this.#nodes.get(at);
    if (known !== undefined) return known;
    const compiled = this.#compiled(at);
    const node = compiled === undefined ? this.#followed(at) : this.#compiledNode(at, compiled);
    this.#nodes.set(at, node);
    return node;
  }

  #compiled(at: number): CompiledFunction | undefined {
    for (const { name, file } of this.#functions.get(at) ?? []) {
      const compiled = this.#known.compiled.get(functionKey(name, file));
      if (compiled !== undefined) return compiled;
    }
    return undefined;
  }

  #compiledNode(at: number, compiled: CompiledFunction) {
    const { name, isVariable, callsThroughPointer } = compiled;
    const frameBytes = Math.max(compiled.frameBytes, this.#depthOf(at));
    const problems: StackProblem[] = [];
    const problem = (code: StackProblem["code"], message: string): void => {
      problems.push({ code, function: name, message });
    };
    if (isVariable) problem("stack/variable-frame", `${name} takes stack of a size that only running tells`);
    if (callsThroughPointer) problem("stack/indirect-call", `${name} calls through a pointer`);
    const calls = this.#parts(at).flatMap((part) => this.#callsIn(part, frameBytes));
    return { name, frameBytes, calls, problems };
  }

  /**
   * What following the code of a compiled function shows of its frame, 0 where it cannot be followed. GCC's figure leaves out
   * the words of a structure that came in registers and is stored beside the rest of it, above the frame.
   */
  #depthOf(at: number): number {
    const { deepest, obstacle } = this.#depth(at, (to) => this.#isFunction(to));
    return obstacle === undefined ? deepest : 0;
  }

  /** The symbol of a compiled function, and those of code that GCC has put elsewhere because it runs rarely. */
  #parts(at: number): ElfSymbol[] {
    const symbols = this.#functions.get(at)!.filter((s) => s.size > 0);
    const names = symbols.map((s) => `${s.name}.cold`);
    return [...symbols.slice(0, 1), ...this.#elf.symbols.filter((s) => s.size > 0 && names.includes(s.name))];
  }

  /**
   * Calls in a compiled function. A branch to another one comes at its end, with the frame given back; a BL into its own
   * middle is how an Armv6-M core jumps far.
   */
  #callsIn(part: ElfSymbol, frameBytes: number): { to: number; depth: number }[] {
    const start = functionAddress(part);
    return [...this.#code.range(start, part.size)].flatMap((instruction) => {
      const { flow } = effectOf(instruction);
      if (flow.kind !== "call" && flow.kind !== "jump") return [];
      const { kind, to } = flow;
      const isInside = to > start && to < start + part.size;
      if (isInside || (kind === "jump" && (to === start || !this.#isFunction(to)))) return [];
      return [{ to, depth: kind === "call" ? frameBytes : 0 }];
    });
  }

  /** Code that GCC has put elsewhere is no function of its own. */
  #isFunction(at: number): boolean {
    return this.#functions.get(at)?.some((s) => !s.name.endsWith(".cold")) ?? false;
  }

  /** @param isKnown Functions that are not followed as parts of this one where it jumps to them. */
  #depth(at: number, isKnown: (address: number) => boolean): Depth {
    return stackDepth(this.#code, {
      start: at,
      size: Math.max(0, ...(this.#functions.get(at) ?? []).map((s) => s.size)),
      isKnown,
      isFunction: (to) => this.#functions.has(to),
    });
  }

  #followed(at: number): StackNode<number> {
    const name = this.#functions.get(at)?.[0]?.name ?? nearestSymbol(this.#elf, at) ?? `0x${at.toString(16)}`;
    const depth = this.#depth(at, (to) => this.#compiled(to) !== undefined);
    const declared = this.#known.declared.get(name);
    const problems: StackProblem[] = [];
    const problem = (code: StackProblem["code"], message: string): void => {
      problems.push({ code, function: name, message });
    };
    if (depth.indirect.length > 0) problem("stack/indirect-call", `${name} calls through a register`);
    if (depth.obstacle !== undefined && declared === undefined) {
      problem("stack/unknown-frame", `${name} cannot be followed: ${depth.obstacle}`);
    }
    const isWrong = depth.obstacle === undefined ? declared !== depth.deepest : declared! < depth.deepest;
    if (declared !== undefined && isWrong) {
      problem("stack/declared-frame", `${name} declares ${declared} bytes and takes ${depth.deepest}`);
    }
    if (depth.obstacle === undefined) {
      return { name, frameBytes: depth.deepest, calls: depth.calls, problems };
    }
    const frameBytes = declared ?? depth.deepest;
    return { name, frameBytes, calls: depth.calls.map(({ to }) => ({ to, depth: frameBytes })), problems };
  }
}
