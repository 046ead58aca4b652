import type { Diagnostics } from "../diagnostics/diagnostic.js";
import type { ModelGraph } from "../graph/types.js";
import { type DeviceProgram, verifyProgram } from "../program/index.js";
import { deadChannels } from "./dead-channels.js";
import { earlyReaders } from "./early-readers.js";
import { foldFlips } from "./fold-flips.js";
import { latePools } from "./late-pools.js";
import { lateScales } from "./late-scales.js";
import { lower } from "./lower.js";
import type { LoweringOptions } from "./lowering.js";
import { narrowSums } from "./narrow-sums.js";
import { reportStreams } from "./report-streams.js";
import { splitConcats } from "./split-concats.js";
import { fixedStreams, type Streams } from "./streams.js";

export type { LoweringOptions } from "./lowering.js";

/**
 * Program passes, in order. Each keeps the meaning of the program; the verifier runs after each that changes anything.
 *
 * 1. `split-concats` moves concatenations of numbers behind what reads them channel by channel.
 * 2. `late-scales` does on integers what is done on their floats and gives the same.
 * 3. `early-readers` brings together what makes a tensor and what alone reads it.
 * 4. `late-pools` moves pools of sums behind their thresholds, onto codes.
 * 5. `fold-flips` turns falling channels into rising ones, so that kernels need no flip.
 * 6. `dead-channels` leaves out channels that no sum depends on.
 * 7. `narrow-sums` keeps sums that outlive their layer in 16 bits.
 *
 * With `--streams q16` one more, which does not keep it, and says by how much: 8. `streams`.
 */
const programPasses: readonly { readonly name: string; run(program: DeviceProgram): DeviceProgram }[] =
  Object.freeze([
    { name: "split-concats", run: splitConcats },
    { name: "late-scales", run: lateScales },
    { name: "early-readers", run: earlyReaders },
    { name: "late-pools", run: latePools },
    { name: "fold-flips", run: foldFlips },
    { name: "dead-channels", run: deadChannels },
    { name: "narrow-sums", run: narrowSums },
  ]);

/** Stages of the compiler whose state can be printed after them. */
export const passNames: readonly string[] = Object.freeze([
  "lower",
  ...programPasses.map((p) => p.name),
  "streams",
]);

export interface Lowered {
  readonly program: DeviceProgram;
  readonly diagnostics: Diagnostics;
  /** What became fixed point, where the options ask for it. */
  readonly streams?: Streams;
}

/** Lowers a graph and runs all passes. `observe` sees the program after each, by name. */
export function lowerGraph(
  graph: ModelGraph,
  options: LoweringOptions = {},
  observe: (pass: string, program: DeviceProgram) => void = () => {},
): Lowered {
  const { program: lowered, diagnostics } = lower(graph, options);
  verifyProgram(lowered);
  observe("lower", lowered);
  let program = lowered;
  for (const pass of programPasses) {
    const changed = pass.run(program);
    if (changed !== program) verifyProgram(changed);
    program = changed;
    observe(pass.name, program);
  }
  if (options.streams !== "q16") {
    observe("streams", program);
    return { program, diagnostics };
  }
  const fixed = fixedStreams(program);
  verifyProgram(fixed.program);
  observe("streams", fixed.program);
  reportStreams(fixed.streams, diagnostics);
  return { ...fixed, diagnostics };
}
