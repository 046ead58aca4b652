import type { Diagnostics } from "../diagnostics/diagnostic.js";
import type { ModelGraph } from "../graph/types.js";
import { type DeviceProgram, verifyProgram } from "../program/index.js";
import { deadChannels } from "./dead-channels.js";
import { foldFlips } from "./fold-flips.js";
import { latePools } from "./late-pools.js";
import { lower } from "./lower.js";
import type { LoweringOptions } from "./lowering.js";
import { timeAlongRows } from "./time-along-rows.js";

export type { LoweringOptions } from "./lowering.js";

/**
 * Program passes, in order. Each keeps the meaning of the program; the verifier runs after each.
 *
 * 1. `late-pools` moves pools of sums behind their thresholds, onto codes.
 * 2. `fold-flips` turns falling channels into rising ones, so that kernels need no flip.
 * 3. `dead-channels` leaves out channels that no sum depends on.
 * 4. `time-along-rows` makes rows of a signal's moments, where it is taken row by row.
 */
const programPasses: readonly {
  readonly name: string;
  run(program: DeviceProgram, options: LoweringOptions): DeviceProgram;
}[] = Object.freeze([
  { name: "late-pools", run: latePools },
  { name: "fold-flips", run: foldFlips },
  { name: "dead-channels", run: deadChannels },
  {
    name: "time-along-rows",
    run: (program: DeviceProgram, { pushes = false }: LoweringOptions) =>
      pushes ? timeAlongRows(program) : program,
  },
]);

/** Stages of the compiler whose state can be printed after them. */
export const passNames: readonly string[] = Object.freeze(["lower", ...programPasses.map((p) => p.name)]);

/** Lowers a graph and runs all passes. `observe` sees the program after each, by name. */
export function lowerGraph(
  graph: ModelGraph,
  options: LoweringOptions = {},
  observe: (pass: string, program: DeviceProgram) => void = () => {},
): { program: DeviceProgram; diagnostics: Diagnostics } {
  const { program: lowered, diagnostics } = lower(graph, options);
  verifyProgram(lowered);
  observe("lower", lowered);
  let program = lowered;
  for (const pass of programPasses) {
    program = pass.run(program, options);
    verifyProgram(program);
    observe(pass.name, program);
  }
  return { program, diagnostics };
}
