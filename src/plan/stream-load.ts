/** What a stream costs from sample to sample: layers with strides have a row only after several samples. */
import { firstsOf } from "./stream.js";
import type { Plan, PlannedRows, PlannedStream } from "./types.js";

/** How often a step makes a row of its output. */
export interface Pace {
  /** Samples from one row to the next. */
  readonly every: number;
  /** Estimated instructions of one row. */
  readonly instructions: number;
}

export interface StreamLoad {
  /** By step. */
  readonly paces: readonly Pace[];
  /** Estimated instructions of one sample once all steps go on. */
  readonly mean: number;
  readonly most: number;
}

/** Of a plan of an input that never ends. */
export function streamLoad({ program, steps }: Plan, stream: PlannedStream): StreamLoad {
  const choices = steps.map((s) => s.choice);
  const rows = new Map(steps.map((s, i): [number, PlannedRows] => [i, s.rolled!]));
  const firsts = firstsOf(rows, choices, stream.strides);
  const { tensors, input } = stream.program;
  // Costs were estimated for the long program, and are said for one window of it.
  const windows = tensors[input.tensor]!.shape[0] / program.tensors[input.tensor]!.shape[0];
  const paces = choices.map(({ output, cost }): Pace => {
    const instructions = Math.round((cost * windows) / tensors[output]!.shape[0]);
    return { every: stream.strides[output]!, instructions };
  });
  const sums = Array.from({ length: stream.unit }, (_, at) =>
    paces.reduce(
      (sum, { every, instructions }, i) => sum + ((at - firsts.get(i)!) % every === 0 ? instructions : 0),
      0,
    ),
  );
  return { paces, mean: sums.reduce((a, b) => a + b, 0) / stream.unit, most: Math.max(...sums) };
}
