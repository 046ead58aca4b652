import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { fail } from "../diagnostics/diagnostic.js";
import { findBoard, qemuBoard } from "../targets/index.js";
import { armGccVersion } from "../toolchain/compiler.js";
import { writeLockFile } from "../tuning/lock-file.js";
import { measureProgram, tuningBoard } from "../tuning/measure.js";
import { cpuOf } from "./compile-fit.js";
import { modelCommand } from "./model-command.js";
import { compileFromOptions, type ModelOptions } from "./options.js";
import { present } from "./output.js";
import { progressLine } from "./progress.js";

interface Options extends ModelOptions {
  readonly board?: string;
  readonly cpu?: string;
  readonly out?: string;
  readonly json: boolean;
}

export function tuneCommand(): Command {
  return modelCommand("tune", "measure the kernels that could execute a model, for `compile --tune`")
    .option("--board <id>", "board whose core is measured (see `bitloom boards`)")
    .option("--cpu <id>", "core to measure, e.g. cortex-m4")
    .option("-o, --out <file>", "lock file to write, to be kept beside the model")
    .option("--output <kind>", "scores or float32: what the device returns", "scores")
    .addHelpText("after", "\nExample:\n  bitloom tune mnist.onnx --cpu cortex-m4 -o mnist.tune.json\n")
    .action((model: string, options: Options) => present(options.json, () => run(model, options)));
}

async function run(path: string, options: Options) {
  const cpu = cpuOf(options);
  if (cpu === undefined || options.out === undefined) {
    throw fail("cli/tune", "tuning needs a core and a file to write", {
      remedy: "add e.g. --cpu cortex-m4 -o model.tune.json",
    });
  }
  const own = options.board === undefined ? undefined : qemuBoard(findBoard(options.board));
  const board = own ?? tuningBoard(cpu);
  const model = compileFromOptions(path, options, { cpu });
  const progress = progressLine(options.json);
  try {
    const { instructions, unmeasured } = await measureProgram(model.program, {
      board,
      onProgress: progress.update,
    });
    const compiler = await armGccVersion();
    writeFileSync(options.out, writeLockFile({ cpu: cpu.id, compiler, instructions }));
    progress.clear();
    const rest =
      unmeasured.length === 0
        ? ""
        : `; ${unmeasured.length} keep their estimate, since they could not run alone`;
    return {
      text: `measured ${instructions.size} ways to execute the layers on ${board.id}${rest}\nwrote ${options.out}: compile with --tune ${options.out}`,
      json: {
        cpu: cpu.id,
        board: board.id,
        compiler,
        file: options.out,
        instructions: Object.fromEntries(instructions),
        unmeasured,
      },
      diagnostics: model.diagnostics,
    };
  } finally {
    progress.clear();
  }
}
