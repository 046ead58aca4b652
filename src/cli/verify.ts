import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { CompiledModel } from "../compile.js";
import { ExitCode, fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { boardTarget, connectBoard, type Emulator, findSerialPort } from "../emulators/index.js";
import { chooseTool, flashImage, readImage } from "../flashing/index.js";
import { readNpy } from "../formats/npy.js";
import { batchFromArray, type InputBatch, randomBatch } from "../inputs.js";
import { verificationText } from "../report/verification.js";
import { type Board, findBoard } from "../targets/index.js";
import { verifyFlashed, verifyModel } from "../verify.js";
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
  readonly target?: string;
  readonly flash: boolean;
  readonly tool?: string;
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
    .option(
      "--target <serial[:port]>",
      "a real board instead of an emulator: the one that `bitloom flash` wrote this model to, at its serial port",
    )
    .option("--flash", "with --target: build and flash first, both builds one after the other", false)
    .option("--tool <tool>", "with --flash: which tool (default: the first of the board's that is installed)")
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
  if (options.target !== undefined) return runOnBoard(model, board, options.target, options, timeoutMs);
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

/** On a real board: what it runs already, or what is flashed to it. */
async function runOnBoard(
  model: CompiledModel,
  board: Board,
  target: string,
  options: Options,
  timeoutMs: number,
) {
  if (options.board === undefined) {
    throw fail("cli/target", "--target needs the board", { remedy: "add e.g. --board stm32f4-discovery" });
  }
  const port = portOf(target, board);
  const batch = inputs(model, options);
  const progress = progressLine(options.json);
  const common = { board, timeoutMs, onProgress: progress.update };
  try {
    const result = options.flash
      ? await verifyModel(model, batch, { ...common, emulator: flashingTarget(board, port, options.tool) })
      : await verifyFlashed(model, batch, {
          ...common,
          connect: (inputBytes) => connectBoard({ port, inputBytes }),
        });
    progress.clear();
    return {
      text: verificationText(result, result.passed ? undefined : BOARD_HINT),
      json: { model: model.library.name, inputs: batch.count, port, ...result },
      diagnostics: model.diagnostics,
      exitCode: result.passed ? ExitCode.ok : ExitCode.checkFailed,
    };
  } finally {
    progress.clear();
  }
}

const BOARD_HINT =
  "A board must run this model's harness: `bitloom flash MODEL --board ID`, with the same options for inputs and outputs";

/** `serial:/dev/ttyACM0`, or `serial` for the port with the board's USB ids. */
function portOf(target: string, board: Board): string {
  const match = /^serial(?::(.+))?$/.exec(target);
  if (match === null) {
    throw fail("cli/target", `--target does not know "${printable(target, 60)}"`, {
      remedy: "use serial, or serial:PORT with e.g. /dev/ttyACM0",
    });
  }
  return match[1] ?? findSerialPort(board);
}

/** Flashes each image before it runs. */
function flashingTarget(board: Board, port: string, tool: string | undefined): Emulator {
  const entry = chooseTool(board, tool);
  return boardTarget({ port }, async (image) => flashImage(await readImage(image, board), { board, entry }));
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
