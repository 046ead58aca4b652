import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { CompiledModel } from "../compile.js";
import { ExitCode, fail } from "../diagnostics/diagnostic.js";
import { readNpy } from "../formats/npy.js";
import { batchFromArray, type InputBatch, randomBatch } from "../inputs.js";
import { verificationText } from "../report/verification.js";
import { findBoard } from "../targets/index.js";
import { verifyModel } from "../verify.js";
import { chooseEmulator } from "./choose-emulator.js";
import { modelCommand } from "./model-command.js";
import { compileFromOptions, type ModelOptions, oneOf, wholeNumber } from "./options.js";
import { present } from "./output.js";
import { progressLine } from "./progress.js";

interface Options extends ModelOptions {
  readonly board?: string;
  readonly emulator?: string;
  readonly input?: string;
  readonly count?: string;
  readonly seed: string;
  readonly link: string;
  readonly timeout: string;
  readonly json: boolean;
}

const DEFAULT_BOARD = "mps2-an386";
const DEFAULT_COUNT = 20;

export function verifyCommand(): Command {
  return modelCommand("verify", "build a model for a board, run it in an emulator, and compare every bit")
    .option(
      "--board <id>",
      `board to build for (default: ${DEFAULT_BOARD}, a Cortex-M4; see \`bitloom boards\`)`,
    )
    .option(
      "--emulator <which>",
      "renode, qemu or host (default: Renode where it is installed and knows the board, else QEMU)",
    )
    .option("--input <x.npy>", "inputs, the batch in the first axis (default: random ones)")
    .option("--count <n>", `how many inputs (default: all of --input, else ${DEFAULT_COUNT})`)
    .option("--seed <n>", "seed of the random inputs", "1")
    .option("--link <kind>", "uart, or semihosting: faster, QEMU only", "uart")
    .option("--timeout <seconds>", "longest time for one run", "60")
    .option("--output <kind>", "scores or float32: what the device returns", "scores")
    .addHelpText(
      "after",
      "\nExample:\n  bitloom verify mnist.onnx --board microbit --input images.npy --count 200\n",
    )
    .action((model: string, options: Options) => present(options.json, () => run(model, options)));
}

async function run(path: string, options: Options) {
  const timeoutMs = 1000 * wholeNumber("--timeout", options.timeout, 1, 86400);
  const board = findBoard(options.board ?? DEFAULT_BOARD);
  const model = compileFromOptions(path, options, { cpu: board.cpu });
  const wanted =
    options.emulator === undefined
      ? undefined
      : oneOf("--emulator", options.emulator, ["renode", "qemu", "host"]);
  const chosen = await chooseEmulator(board, wanted);
  const link = oneOf("--link", options.link, ["uart", "semihosting"]);
  if (link !== "uart" && chosen.emulator.link !== link) {
    throw fail("cli/link", `${chosen.emulator.id} has no ${link} link`, {
      remedy: "use --link uart, or --emulator qemu",
    });
  }
  const batch = inputs(model, options);
  const progress = progressLine(options.json);
  try {
    const result = await verifyModel(model, batch, {
      ...chosen,
      link,
      timeoutMs,
      onProgress: progress.update,
    });
    progress.clear();
    return {
      text: verificationText(result, chosen.note),
      json: { model: model.library.name, inputs: batch.count, ...result },
      diagnostics: model.diagnostics,
      exitCode: result.passed ? ExitCode.ok : ExitCode.checkFailed,
    };
  } finally {
    progress.clear();
    await chosen.close();
  }
}

function inputs(model: CompiledModel, options: Options): InputBatch {
  const count = options.count === undefined ? undefined : wholeNumber("--count", options.count, 1, 1_000_000);
  if (options.input === undefined) {
    return randomBatch(
      model.program,
      count ?? DEFAULT_COUNT,
      wholeNumber("--seed", options.seed, 0, 2 ** 32 - 1),
    );
  }
  const batch = batchFromArray(
    model.program,
    readNpy(readFileSync(options.input), options.input),
    options.input,
  );
  return { ...batch, count: Math.min(count ?? batch.count, batch.count) };
}
