import type { Diagnostics } from "../diagnostics/diagnostic.js";
import type { ModelGraph } from "../graph/types.js";
import { type DeviceProgram, verifyProgram } from "../program/index.js";
import { deadChannels } from "./dead-channels.js";
import { foldFlips } from "./fold-flips.js";
import { latePools } from "./late-pools.js";
import { lower } from "./lower.js";
import type { LoweringOptions } from "./lowering.js";
import { reportStreams } from "./report-streams.js";
import { fixedStreams, type Streams } from "./streams.js";

export type { LoweringOptions } from "./lowering.js";

/**
 * Program passes, in order. Each keeps the meaning of the program; the verifier runs after each.
 *
 * 1. `late-pools` moves pools of sums behind their thresholds, onto codes.
 * 2. `fold-flips` turns falling channels into rising ones, so that kernels need no flip.
 * 3. `dead-channels` leaves out channels that no sum depends on.
 *
 * With `--streams q16` one more, which does not keep it, and says by how much: 4. `streams`.
 */
const programPasses: readonly { readonly name: string; run(program: DeviceProgram): DeviceProgram }[] =
  Object.freeze([
    { name: "late-pools", run: latePools },
    { name: "fold-flips", run: foldFlips },
    { name: "dead-channels", run: deadChannels },
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
    program = pass.run(program);
    verifyProgram(program);
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
