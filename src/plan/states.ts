/** What a search for a plan carries along: which tensors exist in which layouts, and what they take. */
import { type Layout, layoutBytes } from "../kernels/layout.js";
import { layoutConversion } from "../kernels/layout-conversion.js";
import type { KernelChoice } from "../kernels/types.js";
import { type DeviceProgram, inputsOf, type TensorId } from "../program/index.js";
import { isCallers } from "./lifetimes.js";
import { ARENA_ALIGN } from "./types.js";

/** Ways to prepare the inputs of one choice: eight inputs that are all converted and read later have as many. */
export const MAX_WAYS = 256;

/** Layouts in which live tensors exist. */
export type Live = ReadonlyMap<TensorId, ReadonlySet<Layout>>;

/** The change of layout that the caller's output needs after a choice, if any; undefined where there is none. */
export function handOver(program: DeviceProgram, choice: KernelChoice): KernelChoice[] | undefined {
  if (choice.output !== program.output.tensor || choice.outputLayout === "channels") return [];
  const conversion = layoutConversion(program, choice.output, choice.outputLayout, "channels");
  return conversion === undefined ? undefined : [conversion];
}

/** Every way to keep at least one layout of each live tensor. */
export function givingUp(live: Live): Live[] {
  let ways: Live[] = [live];
  for (const [id, layouts] of live) {
    if (layouts.size < 2) continue;
    ways = ways.flatMap((way) => [way, ...[...layouts].map((only) => new Map(way).set(id, new Set([only])))]);
    ways = ways.slice(0, MAX_WAYS);
  }
  return ways;
}

/** Index of the instruction that reads a tensor last; the output is read by the caller. */
export function lastReaders(program: DeviceProgram): ReadonlyMap<TensorId, number> {
  const last = new Map<TensorId, number>();
  program.instructions.forEach((instruction, i) => {
    for (const id of inputsOf(instruction)) last.set(id, i);
  });
  last.set(program.output.tensor, program.instructions.length);
  return last;
}

/** Bytes of the arena that live tensors take; the caller's input and output are not in it. */
export function liveBytes(program: DeviceProgram, live: Live): number {
  let sum = 0;
  for (const [id, layouts] of live) {
    for (const layout of layouts) {
      if (!isCallers(program, id, layout)) sum += aligned(layoutBytes(program.tensors[id]!, layout));
    }
  }
  return sum;
}

/**
 * Bytes that the output of a step that runs once does not take, since it may lie over an input.
 *
 * @param after What is read later.
 */
export function savedBytes(
  program: DeviceProgram,
  { inPlace = [], inputs, inputLayouts, output, outputLayout }: KernelChoice,
  after: Live,
): number {
  if (isCallers(program, output, outputLayout)) return 0;
  const bytes = layoutBytes(program.tensors[output]!, outputLayout);
  const free = inPlace.map((i) => {
    const [id, layout] = [inputs[i]!, inputLayouts[i]!];
    const isKept = after.get(id)?.has(layout) || isCallers(program, id, layout);
    return isKept ? 0 : Math.min(bytes, layoutBytes(program.tensors[id]!, layout));
  });
  return aligned(Math.max(0, ...free));
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / ARENA_ALIGN) * ARENA_ALIGN;
}
