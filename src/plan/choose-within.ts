/**
 * The fastest plan within a limit of RAM: kernels and layouts as in `choose.ts`, and beside steps that run once groups of
 * steps that roll. A state that may still grow is kept unless another is as good in instructions, bytes and scratch.
 */
import { layoutConversion } from "../kernels/layout-conversion.js";
import { inCalls } from "../kernels/rows.js";
import type { KernelChoice } from "../kernels/types.js";
import type { DeviceProgram, StreamShape, TensorId } from "../program/index.js";
import type { Cpu } from "../targets/index.js";
import {
  advance,
  type Candidates,
  type ChosenGroup,
  type ChosenSteps,
  type Node,
  startNode,
} from "./choose.js";
import { extended, madeBytes, type OpenGroup, openGroup, savedBytes, waitsIn } from "./open-group.js";
import { givingUp, handOver, type Live, lastReaders, liveBytes } from "./states.js";
import type { Work } from "./work.js";

/** Rows of the clock in a tick. */
const BANDS = [1, 2, 4] as const;
/** States kept per instruction: alike in group and layouts, of one group, and outside groups. */
const MAX_ALIKE = 8;
const MAX_OF_GROUP = 24;
const MAX_OUTSIDE = 200;
/** States in groups per instruction: fewer where there are many instructions, so that planning takes seconds. */
const openStates = (instructions: number): number =>
  Math.max(32, Math.min(800, Math.floor(6_000 / instructions)));
/** The most instructions of a group. */
const MAX_LENGTH = 40;

interface State extends Node {
  readonly previous: State | undefined;
  /** The group that the choices of this state belong to, if they roll. */
  readonly group?: OpenGroup;
  /** Whether the group goes on. */
  readonly isOpen: boolean;
}

export interface RollingCandidates {
  readonly program: DeviceProgram;
  readonly cpu: Cpu;
  /** Whether the input is given row by row: then a group that begins with the first instruction reads it. */
  readonly pushes: boolean;
  /** Present where rows come without end: then all instructions are one group, which goes on row by row. */
  readonly stream?: StreamShape;
  /** What all searches may do together. */
  readonly work: Work;
  /** By the most rows of one call; `undefined` for whole tensors. */
  of(rows: number | undefined): Candidates;
}

/** Undefined where no plan was found that keeps the limit, or where the search's work is done before it finds one. */
export function chooseWithin(candidates: RollingCandidates, limit: number): ChosenSteps | undefined {
  const { program, work } = candidates;
  const end = program.instructions.length;
  const search = new Search(candidates, limit);
  search.add(0, { ...startNode(program), previous: undefined, isOpen: false });
  for (let index = 0; index < end; index++) {
    if (work.left <= 0) return undefined;
    search.execute(index);
  }
  const found = search.best(end);
  if (found === undefined) return undefined;
  const { pushes, stream } = candidates;
  return {
    ...chosenSteps(found),
    ...(pushes ? { pushes } : {}),
    ...(stream === undefined ? {} : { stream }),
  };
}

class Search {
  readonly #program: DeviceProgram;
  readonly #lastReader: ReadonlyMap<TensorId, number>;
  readonly #states: Map<string, State[]>[];

  constructor(
    readonly candidates: RollingCandidates,
    readonly limit: number,
  ) {
    this.#program = candidates.program;
    this.#lastReader = lastReaders(this.#program);
    this.#states = Array.from({ length: this.#program.instructions.length + 1 }, () => new Map());
  }

  best(index: number): State | undefined {
    const done = this.#statesAt(index).filter((s) => !s.isOpen);
    return done[0];
  }

  add(index: number, state: State): void {
    if (state.peak > this.limit) return;
    const states = this.#states[index]!;
    const key = stateKey(state);
    const alike = states.get(key) ?? [];
    if (alike.some((other) => isAsGood(this.#program, other, state))) return;
    const rest = alike.filter((other) => !isAsGood(this.#program, state, other));
    states.set(key, promising(this.#program, [...rest, state], MAX_ALIKE));
  }

  /** Executes every candidate for an instruction after every state before it. */
  execute(index: number): void {
    for (const state of this.#statesAt(index)) {
      if (state.isOpen) this.#roll(state, state.group!, index);
      else {
        this.#once(state, index);
        this.#begin(state, index);
      }
    }
    this.#states[index]!.clear();
  }

  #statesAt(index: number): State[] {
    const byGroup = new Map<string, State[]>();
    for (const states of this.#states[index]!.values()) {
      for (const state of states) {
        const key = state.isOpen ? state.group!.key : "";
        byGroup.set(key, [...(byGroup.get(key) ?? []), state]);
      }
    }
    const outside = byGroup.get("") ?? [];
    byGroup.delete("");
    const open = [...byGroup.values()].flatMap((all) => promising(this.#program, all, MAX_OF_GROUP));
    return [
      ...promising(this.#program, outside, MAX_OUTSIDE),
      ...promising(this.#program, open, openStates(this.#program.instructions.length)),
    ];
  }

  #once(state: State, index: number): void {
    if (this.candidates.pushes && index === 0) return;
    for (const choice of this.candidates.of(undefined)[index]!) {
      this.candidates.work.left--;
      for (const next of advance(this.#program, state, choice, this.#lastReader, () => 0)) {
        const { live, choices, code, instructions, flash, peak } = next;
        this.add(index + choice.covers.length, {
          previous: state,
          isOpen: false,
          ...{ live, choices, code, instructions, flash, peak },
        });
      }
    }
  }

  #begin(state: State, index: number): void {
    const pushes = this.candidates.pushes && index === 0;
    const clocks = new Set(this.candidates.of(undefined)[index]!.flatMap((c) => c.inputs.slice(0, 1)));
    const outside = liveBytes(this.#program, state.live);
    for (const clock of clocks) {
      const height = this.#program.tensors[clock]!.shape[0];
      for (const band of this.candidates.stream === undefined ? BANDS : [1]) {
        if (band < height) this.#roll(state, openGroup(index, clock, band, outside, pushes), index);
      }
    }
  }

  #roll(state: State, group: OpenGroup, index: number): void {
    for (const rows of BANDS.filter((r) => r <= group.band)) {
      for (const choice of this.candidates.of(rows)[index]!) {
        this.candidates.work.left -= 1 + group.made.length;
        const next = this.#rolled(state, group, choice, rows);
        if (next === undefined) continue;
        const into = index + choice.covers.length;
        // Of a stream everything is one group.
        if (this.candidates.stream !== undefined || into - group.start < MAX_LENGTH) this.add(into, next);
        if (this.candidates.stream !== undefined && into < this.#program.instructions.length) continue;
        for (const closed of this.#closed(next)) this.add(into, closed);
      }
    }
  }

  /** A choice as one more step of a group, after the changes of layout that it needs; none if its calls have other rows. */
  #rolled(state: State, group: OpenGroup, choice: KernelChoice, rows: number): State | undefined {
    const program = this.#program;
    const handedOver = handOver(program, choice);
    if (handedOver === undefined) return undefined;
    let now = group;
    const live = new Map(state.live);
    const steps: KernelChoice[] = [];
    for (const [i, id] of choice.inputs.entries()) {
      const layouts = live.get(id);
      if (layouts === undefined) return undefined;
      if (layouts.has(choice.inputLayouts[i]!)) continue;
      const [from] = layouts;
      const change = layoutConversion(program, id, from!, choice.inputLayouts[i]!);
      if (change === undefined) return undefined;
      const { limit } = waitsIn(program, now, change);
      steps.push(inCalls(program, change, this.candidates.cpu, limit));
      now = extended(program, now, change);
      live.set(id, new Set([...layouts, choice.inputLayouts[i]!]));
    }
    const { limit } = waitsIn(program, now, choice);
    if (
      Math.min(limit, program.tensors[choice.output]!.shape[0]) !==
      Math.min(rows, program.tensors[choice.output]!.shape[0])
    )
      return undefined;
    now = extended(program, now, choice);
    steps.push(choice);
    for (const change of handedOver) {
      now = extended(program, now, change);
      steps.push(inCalls(program, change, this.candidates.cpu, limit));
    }
    const peak = Math.max(state.peak, groupBytes(program, now, new Map()));
    if (peak > this.limit) return undefined;
    live.set(choice.output, new Set(handedOver.length > 0 ? ["channels"] : [choice.outputLayout]));
    const last = choice.covers.at(-1)!;
    const after: Live = new Map([...live].filter(([id]) => (this.#lastReader.get(id) ?? -1) > last));
    return {
      previous: state,
      choices: steps,
      live: after,
      code: state.code,
      instructions: state.instructions + steps.reduce((sum, s) => sum + s.cost, 0),
      flash: 0,
      peak,
      group: now,
      isOpen: true,
    };
  }

  /** The group ends: what is read later is whole, in one of its layouts or in several. */
  #closed(state: State): State[] {
    const group = state.group!;
    // Of a pushed input nothing is left.
    if (group.clockSlots > 0 && state.live.has(group.clock)) return [];
    return givingUp(state.live).map((live) => {
      const apart = groupBytes(this.#program, group, live);
      // Within the limit nothing has to lie over anything.
      const saved = apart > this.limit ? savedBytes(this.#program, group, live) : 0;
      return { ...state, live, isOpen: false, peak: Math.max(state.peak, apart - saved) };
    });
  }
}

/** Of too many states half are those with the fewest instructions, half those with the fewest bytes. */
function promising(program: DeviceProgram, states: State[], most: number): State[] {
  const fastest = states.sort((a, b) => a.instructions - b.instructions);
  if (fastest.length <= most) return fastest;
  const [kept, others] = [fastest.slice(0, most / 2), fastest.slice(most / 2)];
  const bytesOf = (s: State): number =>
    s.group === undefined ? s.peak : Math.max(s.peak, groupBytes(program, s.group, new Map()));
  const leanest = others.map((state) => ({ state, bytes: bytesOf(state) })).sort((a, b) => a.bytes - b.bytes);
  return [...kept, ...leanest.slice(0, most / 2).map(({ state }) => state)];
}

function groupBytes(program: DeviceProgram, group: OpenGroup, kept: Live): number {
  return group.outside + madeBytes(program, group, kept) + group.scratch;
}

/** Whether a state is no worse than another that has the same future. */
function isAsGood(program: DeviceProgram, a: State, b: State): boolean {
  if (a.instructions > b.instructions) return false;
  if (!a.isOpen || !b.isOpen) return true;
  const [x, y] = [a.group!, b.group!];
  return x.scratch <= y.scratch && madeBytes(program, x, new Map()) <= madeBytes(program, y, new Map());
}

function stateKey({ live, group, isOpen }: State): string {
  const layouts = [...live].map(([id, all]) => `${id}:${[...all].sort().join("+")}`).sort();
  return `${isOpen ? group!.key : ""} ${layouts.join(" ")}`;
}

/** Choices and groups on the way to a state. */
function chosenSteps(end: State): ChosenSteps {
  const states: State[] = [];
  for (let at: State | undefined = end; at !== undefined; at = at.previous) states.unshift(at);
  const choices: KernelChoice[] = [];
  const groups: ChosenGroup[] = [];
  let key: string | undefined;
  for (const { choices: steps, group, isOpen } of states) {
    const from = choices.length;
    choices.push(...steps);
    if (group !== undefined) {
      const known = key === group.key ? groups.pop()! : { from, clock: group.clock, band: group.band };
      groups.push({ ...known, to: choices.length - 1 });
    }
    key = isOpen ? group!.key : undefined;
  }
  return { choices, groups };
}
