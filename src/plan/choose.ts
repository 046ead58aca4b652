/**
 * The choice of kernels and layouts: dynamic programming over the instructions in program order. A state is
 * the set of layouts in which each live tensor exists, and where flash counts the code that is linked already; of all
 * ways to reach a state only the best survives.
 */
import { fail } from "../diagnostics/diagnostic.js";
import type { Layout } from "../kernels/layout.js";
import { layoutConversion } from "../kernels/layout-conversion.js";
import { matches } from "../kernels/matches.js";
import { CONSTANT_BYTES, type Kernel, type KernelCall, type KernelChoice } from "../kernels/types.js";
import type { DeviceProgram, StreamShape, TensorId } from "../program/index.js";
import type { Cpu } from "../targets/index.js";
import {
  aligned,
  givingUp,
  handOver,
  type Live,
  lastReaders,
  liveBytes,
  MAX_WAYS,
  savedBytes,
} from "./states.js";

/** What a plan is good for: few executed instructions, little flash, or little RAM. */
export type Goal = "speed" | "size" | "ram";

/** A state of the search: what has been executed, how, and what it took. */
export interface Node {
  readonly previous: Node | undefined;
  readonly choices: readonly KernelChoice[];
  readonly live: Live;
  /** Descriptor types of the kernels so far: their code is linked once. */
  readonly code: ReadonlySet<string>;
  /** Sum of instructions, sum of constant and code bytes, most bytes live in one step. */
  readonly instructions: number;
  readonly flash: number;
  readonly peak: number;
}

/** States kept per instruction: far more than graphs of a few live tensors have. */
const MAX_STATES = 512;

/** Consecutive steps that run together, row by row. */
export interface ChosenGroup {
  /** First and last step. */
  readonly from: number;
  readonly to: number;
  /** Tensor whose rows are given out, `band` of them at a time. */
  readonly clock: TensorId;
  readonly band: number;
}

/** What a plan is made of: kernels and layout changes in order, and which of them roll. */
export interface ChosenSteps {
  readonly choices: readonly KernelChoice[];
  readonly groups: readonly ChosenGroup[];
  /** Whether the caller gives the input row by row: the first group's clock then counts what was given. */
  readonly pushes?: true;
  /** Present where it gives rows without end: all steps are then one group, and rings share a period. */
  readonly stream?: StreamShape;
}

/** For each instruction every choice that begins with it. */
export type Candidates = readonly (readonly KernelChoice[])[];

/**
 * All candidates of some kernels, with measured costs where there are any (by `choiceKey`).
 *
 * @param rows The most output rows of one call: see `matches`. Without it costs are those of one call for all.
 */
export function candidatesFor(
  program: DeviceProgram,
  kernels: readonly Kernel[],
  cpu: Cpu,
  measured: ReadonlyMap<string, number> = new Map(),
  rows?: number,
): Candidates {
  return program.instructions.map((_, i) =>
    kernels
      .flatMap((k) => matches(k, program, i, cpu, rows))
      .map((choice) => ({ ...choice, cost: measured.get(choiceKey(choice)) ?? choice.cost })),
  );
}

/** Names the work of a choice: its function and every size in its descriptor, but no weights. */
export function choiceKey({ call }: KernelChoice): string {
  const sizes = call.fields.flatMap(([field, value]) =>
    typeof value === "number" ? [`${field}=${value}`] : [],
  );
  return `${call.function}(${sizes.join(",")})`;
}

/**
 * The best sequence of kernels and layout changes that executes the whole program.
 *
 * @param codeOf Bytes of flash that a call's code takes, whatever number of layers share it.
 */
export function chooseKernels(
  program: DeviceProgram,
  candidates: Candidates,
  goal: Goal,
  codeOf: (call: KernelCall) => number,
): ChosenSteps {
  requireKernels(program, candidates);
  const found = search(program, candidates, codeOf, goal, Number.POSITIVE_INFINITY)!;
  // For RAM the least peak comes first; of the plans that keep it the fastest is wanted.
  const choices = path(goal === "ram" ? search(program, candidates, codeOf, "speed", found.peak)! : found);
  return { choices, groups: [] };
}

/** Plans that a search for less RAM is content with. */
const MAX_FRUGAL = 8;

/**
 * The fastest sequence, and behind it those with ever lower peaks that execute up to `share` of its instructions more.
 *
 * @param codeOf As of `chooseKernels`.
 */
export function frugalChoices(
  program: DeviceProgram,
  candidates: Candidates,
  codeOf: (call: KernelCall) => number,
  share: number,
): ChosenSteps[] {
  requireKernels(program, candidates);
  const found = [search(program, candidates, codeOf, "speed", Number.POSITIVE_INFINITY)!];
  while (found.length < MAX_FRUGAL) {
    const next = search(program, candidates, codeOf, "speed", found.at(-1)!.peak - 1);
    if (next === undefined || next.instructions > found[0]!.instructions * (1 + share)) break;
    found.push(next);
  }
  return found.map((node) => ({ choices: path(node), groups: [] }));
}

export function requireKernels(program: DeviceProgram, candidates: Candidates): void {
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
  candidates: Candidates,
  codeOf: (call: KernelCall) => number,
  goal: Goal,
  peakLimit: number,
): Node | undefined {
  const end = program.instructions.length;
  const lastReader = lastReaders(program);
  const start = startNode(program);
  const states = Array.from({ length: end + 1 }, () => new Map<string, Node>());
  states[0]!.set(stateKey(start, goal), start);
  for (let index = 0; index < end; index++) {
    for (const node of best(states[index]!, goal)) {
      for (const choice of candidates[index]!) {
        const into = states[index + choice.covers.length]!;
        for (const next of advance(program, node, choice, lastReader, codeOf)) {
          if (next.peak > peakLimit) continue;
          const key = stateKey(next, goal);
          const known = into.get(key);
          if (known === undefined || compare(next, known, goal) < 0) into.set(key, next);
        }
      }
    }
  }
  return best(states[end]!, goal)[0];
}

/** Nothing is executed, only the input exists. */
export function startNode(program: DeviceProgram): Node {
  return {
    previous: undefined,
    choices: [],
    live: new Map([[program.input.tensor, new Set<Layout>(["channels"])]]),
    code: new Set(),
    instructions: 0,
    flash: 0,
    peak: 0,
  };
}

/** A state between the layout changes of one choice. */
interface Prepared {
  readonly live: Live;
  readonly steps: readonly KernelChoice[];
  readonly peak: number;
}

/**
 * Executes a choice after a node, with the changes of layout that it needs: one node for every way in which
 * layouts that are no longer needed can be given up.
 */
export function advance(
  program: DeviceProgram,
  node: Node,
  choice: KernelChoice,
  lastReader: ReadonlyMap<TensorId, number>,
  codeOf: (call: KernelCall) => number,
): Node[] {
  const handedOver = handOver(program, choice);
  if (handedOver === undefined) return [];
  const last = choice.covers.at(-1)!;
  const isReadLater = (id: TensorId): boolean => (lastReader.get(id) ?? -1) > last;
  return prepare(program, node, choice, isReadLater).flatMap(({ live: before, steps, peak: peakBefore }) => {
    const during = new Map(before).set(choice.output, new Set([choice.outputLayout]));
    const needed = liveBytes(program, during) + aligned(choice.scratchBytes);
    const after = new Map([...during].filter(([id]) => isReadLater(id)));
    if (handedOver.length > 0) after.set(choice.output, new Set<Layout>(["channels"]));
    const all = [...steps, choice, ...handedOver];
    const instructions = node.instructions + all.reduce((sum, s) => sum + s.cost, 0);
    const fresh = new Map(
      all.filter(({ call }) => !node.code.has(call.type)).map(({ call }) => [call.type, codeOf(call)]),
    );
    const code = fresh.size === 0 ? node.code : new Set([...node.code, ...fresh.keys()]);
    const bytes = [...fresh.values(), ...all.map(constantBytes)];
    const flash = node.flash + bytes.reduce((sum, b) => sum + b, 0);
    return givingUp(after).map((live) => ({
      previous: node,
      choices: all,
      live,
      code,
      instructions,
      flash,
      peak: Math.max(peakBefore, needed - savedBytes(program, choice, live)),
    }));
  });
}

/**
 * Brings a choice's inputs into its layouts; none where that is impossible. Only of inputs that are read later the layout
 * they had may be kept: with many inputs there are few ways.
 */
function prepare(
  program: DeviceProgram,
  node: Node,
  choice: KernelChoice,
  isReadLater: (id: TensorId) => boolean,
): Prepared[] {
  let states: Prepared[] = [{ live: node.live, steps: [], peak: node.peak }];
  for (const [i, id] of choice.inputs.entries()) {
    const wanted = choice.inputLayouts[i]!;
    states = states.flatMap((state) => {
      const layouts = state.live.get(id);
      if (layouts === undefined || layouts.has(wanted)) return layouts === undefined ? [] : [state];
      const [from] = layouts;
      const conversion = layoutConversion(program, id, from!, wanted);
      if (conversion === undefined) return [];
      const both = new Map(state.live).set(id, new Set([...layouts, wanted]));
      const bytes = liveBytes(program, both) + aligned(conversion.scratchBytes);
      const steps = [...state.steps, conversion];
      const isStillRead = choice.inputs.some((other, j) => other === id && choice.inputLayouts[j] === from);
      const kept = { live: both, steps, peak: Math.max(state.peak, bytes) };
      if (isStillRead) return [kept];
      const live = new Map(both).set(id, new Set([wanted]));
      const peak = Math.max(state.peak, bytes - savedBytes(program, conversion, live));
      const moved = { live, steps, peak };
      return isReadLater(id) ? [kept, moved] : [moved];
    });
    states = states.slice(0, MAX_WAYS);
  }
  return states;
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

function stateKey({ live, code }: Node, goal: Goal): string {
  const layouts = [...live].map(([id, all]) => `${id}:${[...all].sort().join("+")}`);
  return [...layouts.sort(), ...(goal === "size" ? [...code].sort() : [])].join(" ");
}

function path(node: Node): KernelChoice[] {
  const choices: KernelChoice[] = [];
  for (let at: Node | undefined = node; at !== undefined; at = at.previous) choices.unshift(...at.choices);
  return choices;
}
