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
import { timeAlongRows } from "./time-along-rows.js";

export type { LoweringOptions } from "./lowering.js";

/** What passes see and tell beside the program. */
interface PassContext {
  readonly options: LoweringOptions;
  readonly diagnostics: Diagnostics;
  streams?: Streams;
}

interface ProgramPass {
  readonly name: string;
  /** The same program where there is nothing to change. */
  run(program: DeviceProgram, context: PassContext): DeviceProgram;
}

/**
 * Program passes, in order. Each but `streams` keeps the meaning of the program; the verifier runs after each that changes
 * anything.
 *
 * 1. `split-concats` moves concatenations of numbers behind what reads them channel by channel.
 * 2. `late-scales` does on integers what is done on their floats and gives the same.
 * 3. `early-readers` brings together what makes a tensor and what alone reads it.
 * 4. `late-pools` moves pools of sums behind their thresholds, onto codes.
 * 5. `fold-flips` turns falling channels into rising ones, so that kernels need no flip.
 * 6. `dead-channels` leaves out channels that no sum depends on.
 * 7. `streams`, with `--streams q16` alone, makes fixed point of floats, and says how far that is from them.
 * 8. `narrow-sums` keeps sums that outlive their layer in 16 bits.
 * 9. `time-along-rows` makes rows of a signal's moments, where it is taken row by row.
 */
const programPasses: readonly ProgramPass[] = Object.freeze([
  { name: "split-concats", run: splitConcats },
  { name: "late-scales", run: lateScales },
  { name: "early-readers", run: earlyReaders },
  { name: "late-pools", run: latePools },
  { name: "fold-flips", run: foldFlips },
  { name: "dead-channels", run: deadChannels },
  { name: "streams", run: streamsPass },
  { name: "narrow-sums", run: narrowSums },
  {
    name: "time-along-rows",
    run: (program, { options }) => (options.pushes ? timeAlongRows(program) : program),
  },
]);

function streamsPass(program: DeviceProgram, context: PassContext): DeviceProgram {
  if (context.options.streams !== "q16") return program;
  const fixed = fixedStreams(program);
  context.streams = fixed.streams;
  reportStreams(fixed.streams, context.diagnostics);
  return fixed.program;
}

/** Stages of the compiler whose state can be printed after them. */
export const passNames: readonly string[] = Object.freeze(["lower", ...programPasses.map((p) => p.name)]);

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
  const context: PassContext = { options, diagnostics };
  let program = lowered;
  for (const pass of programPasses) {
    const changed = pass.run(program, context);
    if (changed !== program) verifyProgram(changed);
    program = changed;
    observe(pass.name, program);
  }
  return { program, diagnostics, ...(context.streams === undefined ? {} : { streams: context.streams }) };
}
