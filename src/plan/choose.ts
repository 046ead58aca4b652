/**
 * The choice of kernels and layouts: dynamic programming over the instructions in program order. A state is
 * the set of layouts in which each live tensor exists; of all ways to reach a state only the best survives.
 */
import { fail } from "../diagnostics/diagnostic.js";
import { type Layout, layoutBytes } from "../kernels/layout.js";
import { layoutConversion } from "../kernels/layout-conversion.js";
import { CONSTANT_BYTES, type Kernel, type KernelChoice } from "../kernels/types.js";
import { type DeviceProgram, inputsOf, type TensorId } from "../program/index.js";
import type { Cpu } from "../targets/index.js";
import { ARENA_ALIGN } from "./types.js";

/** What a plan is good for: few executed instructions, little flash, or little RAM. */
export type Goal = "speed" | "size" | "ram";

interface Node {
  readonly previous: Node | undefined;
  readonly choices: readonly KernelChoice[];
  readonly live: ReadonlyMap<TensorId, ReadonlySet<Layout>>;
  /** Sum of instructions, sum of constant bytes, most bytes live in one step. */
  readonly instructions: number;
  readonly flash: number;
  readonly peak: number;
}

/** States kept per instruction: far more than graphs of a few live tensors have. */
const MAX_STATES = 512;

/** The best sequence of kernels and layout changes that executes the whole program. */
export function chooseKernels(
  program: DeviceProgram,
  kernels: readonly Kernel[],
  cpu: Cpu,
  goal: Goal,
): KernelChoice[] {
  const candidates = program.instructions.map((_, i) => kernels.flatMap((k) => k.match(program, i, cpu)));
  requireKernels(program, candidates);
  if (goal !== "ram") return search(program, candidates, goal, Number.POSITIVE_INFINITY)!;
  // The least peak first; of the plans that keep it, the fastest.
  const least = peakOf(program, search(program, candidates, goal, Number.POSITIVE_INFINITY)!);
  return search(program, candidates, "speed", least)!;
}

function requireKernels(program: DeviceProgram, candidates: readonly (readonly KernelChoice[])[]): void {
  const covered = new Set(candidates.flatMap((c) => c.flatMap((choice) => choice.covers)));
  program.instructions.forEach((instruction, i) => {
    if (covered.has(i)) return;
    throw fail("plan/no-kernel", `no kernel computes ${instruction.kind} of this size`, {
      where: program.tensors[instruction.output]!.name,
    });
  });
}

function search(
  program: DeviceProgram,
  candidates: readonly (readonly KernelChoice[])[],
  goal: Goal,
  peakLimit: number,
): KernelChoice[] | undefined {
  const end = program.instructions.length;
  const lastReader = lastReaders(program);
  const start: Node = {
    previous: undefined,
    choices: [],
    live: new Map([[program.input.tensor, new Set<Layout>(["channels"])]]),
    instructions: 0,
    flash: 0,
    peak: 0,
  };
  const states = Array.from({ length: end + 1 }, () => new Map<string, Node>());
  states[0]!.set(stateKey(start), start);
  for (let index = 0; index < end; index++) {
    for (const node of best(states[index]!, goal)) {
      for (const choice of candidates[index]!) {
        const next = advance(program, node, choice, lastReader);
        if (next === undefined || next.peak > peakLimit) continue;
        const into = states[index + choice.covers.length]!;
        const key = stateKey(next);
        const known = into.get(key);
        if (known === undefined || compare(next, known, goal) < 0) into.set(key, next);
      }
    }
  }
  const [found] = best(states[end]!, goal);
  return found === undefined ? undefined : path(found);
}

/** Executes a choice after a node, with the changes of layout that it needs; undefined where one is impossible. */
function advance(
  program: DeviceProgram,
  node: Node,
  choice: KernelChoice,
  lastReader: ReadonlyMap<TensorId, number>,
): Node | undefined {
  const live = new Map([...node.live].map(([id, layouts]) => [id, new Set(layouts)]));
  const steps: KernelChoice[] = [];
  let peak = node.peak;
  for (const [i, id] of choice.inputs.entries()) {
    const wanted = choice.inputLayouts[i]!;
    const layouts = live.get(id);
    if (layouts === undefined) return undefined;
    if (layouts.has(wanted)) continue;
    const [from] = layouts;
    const conversion = layoutConversion(program, id, from!, wanted);
    if (conversion === undefined) return undefined;
    steps.push(conversion);
    layouts.add(wanted);
    peak = Math.max(peak, liveBytes(program, live) + conversion.scratchBytes);
  }
  if (choice.output === program.output.tensor && choice.outputLayout !== "channels") return undefined;
  live.set(choice.output, new Set([choice.outputLayout]));
  peak = Math.max(peak, liveBytes(program, live) + aligned(choice.scratchBytes));
  const last = choice.covers.at(-1)!;
  for (const id of live.keys()) if ((lastReader.get(id) ?? -1) <= last) live.delete(id);
  steps.push(choice);
  return {
    previous: node,
    choices: steps,
    live,
    instructions: node.instructions + steps.reduce((sum, s) => sum + s.cost, 0),
    flash: node.flash + steps.reduce((sum, s) => sum + constantBytes(s), 0),
    peak,
  };
}

/** Index of the instruction that reads a tensor last; the output is read by the caller. */
function lastReaders(program: DeviceProgram): ReadonlyMap<TensorId, number> {
  const last = new Map<TensorId, number>();
  program.instructions.forEach((instruction, i) => {
    for (const id of inputsOf(instruction)) last.set(id, i);
  });
  last.set(program.output.tensor, program.instructions.length);
  return last;
}

/** Bytes of the arena that live tensors take; the caller's input and output are not in it. */
function liveBytes(program: DeviceProgram, live: ReadonlyMap<TensorId, ReadonlySet<Layout>>): number {
  let sum = 0;
  for (const [id, layouts] of live) {
    for (const layout of layouts) {
      const isCallers =
        layout === "channels" && (id === program.input.tensor || id === program.output.tensor);
      if (!isCallers) sum += aligned(layoutBytes(program.tensors[id]!, layout));
    }
  }
  return sum;
}

function peakOf(program: DeviceProgram, choices: readonly KernelChoice[]): number {
  const lastReader = lastReaders(program);
  let node: Node = {
    previous: undefined,
    choices: [],
    live: new Map([[program.input.tensor, new Set<Layout>(["channels"])]]),
    instructions: 0,
    flash: 0,
    peak: 0,
  };
  for (const choice of choices) {
    if (choice.covers.length > 0) node = advance(program, node, choice, lastReader)!;
  }
  return node.peak;
}

/** Bytes of the constants of a choice. */
export function constantBytes(choice: KernelChoice): number {
  return choice.call.constants.reduce((sum, c) => sum + c.values.length * CONSTANT_BYTES[c.type], 0);
}

function compare(a: Node, b: Node, goal: Goal): number {
  const order: readonly (keyof Pick<Node, "instructions" | "flash" | "peak">)[] =
    goal === "speed"
      ? ["instructions", "flash", "peak"]
      : goal === "size"
        ? ["flash", "instructions", "peak"]
        : ["peak", "instructions", "flash"];
  for (const field of order) if (a[field] !== b[field]) return a[field] - b[field];
  return 0;
}

/** The states in the order of the goal, the best first, at most MAX_STATES. */
function best(states: ReadonlyMap<string, Node>, goal: Goal): Node[] {
  return [...states.values()].sort((a, b) => compare(a, b, goal)).slice(0, MAX_STATES);
}

function stateKey({ live }: Node): string {
  return [...live]
    .map(([id, layouts]) => `${id}:${[...layouts].sort().join("+")}`)
    .sort()
    .join(" ");
}

function path(node: Node): KernelChoice[] {
  const choices: KernelChoice[] = [];
  for (let at: Node | undefined = node; at !== undefined; at = at.previous) choices.unshift(...at.choices);
  return choices;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ARENA_ALIGN) * ARENA_ALIGN;
}
