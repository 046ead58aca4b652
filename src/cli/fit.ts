/** `bitloom fit`: which boards can run a model. */
import { basename } from "node:path";
import type { Command } from "commander";
import type { CompiledModel } from "../compile.js";
import { type Diagnostic, ExitCode } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { createRenodeEmulator, type Emulator, qemuEmulator } from "../emulators/index.js";
import { type BoardFit, type FitRun, fitBoards } from "../fit.js";
import { fitMarkdown, fitText } from "../report/fit.js";
import { findBoard, listBoards } from "../targets/index.js";
import { type BatchOptions, batchFromOptions } from "./batch.js";
import { boardList } from "./matrix.js";
import { modelCommand } from "./model-command.js";
import { compileFromOptions, type ModelOptions, oneOf, wholeNumber } from "./options.js";
import { type CommandResult, present } from "./output.js";
import { progressLine } from "./progress.js";

interface Options extends ModelOptions, BatchOptions {
  readonly board?: readonly string[];
  readonly build: boolean;
  readonly verify: boolean;
  readonly format: string;
  readonly timeout: string;
  readonly json: boolean;
}

const DEFAULT_COUNT = 3;

export function fitCommand(): Command {
  return modelCommand("fit", "say which boards can run a model, and how each is flashed")
    .option(
      "--board <ids>",
      "these boards only, as a,b or repeated (default: all of `bitloom boards`)",
      boardList,
    )
    .option("--build", "link an image for each board, for exact figures (needs the Arm compiler)", false)
    .option(
      "--verify",
      "also run the images in QEMU and Renode, as far as installed, and compare every bit",
      false,
    )
    .option("--format <kind>", "text, or markdown for documents", "text")
    .option("--input <x.npy>", "with --verify: inputs, the batch in the first axis (default: random ones)")
    .option("--count <n>", `how many inputs (default: all of --input, else ${DEFAULT_COUNT})`)
    .option("--seed <n>", "seed of the random inputs", "1")
    .option("--timeout <seconds>", "longest time for one run", "60")
    .option("--output <kind>", "scores or float32: what the device returns", "scores")
    .addHelpText(
      "after",
      [
        "\nExits 1 where a board that --board names has no room, where no board has, and where a run failed.",
        "\nExample:",
        "  bitloom fit mnist.onnx",
        "  bitloom fit mnist.onnx --board microbit,raspberry-pi-pico --verify\n",
      ].join("\n"),
    )
    .action((path: string, options: Options) => present(options.json, () => run(path, options)));
}

async function run(path: string, options: Options): Promise<CommandResult> {
  const format = oneOf("--format", options.format, ["text", "markdown"]);
  const timeoutMs = 1000 * wholeNumber("--timeout", options.timeout, 1, 86400);
  const boards =
    options.board === undefined ? listBoards() : [...new Set(options.board)].map((id) => findBoard(id));
  const diagnostics = new Map<string, Diagnostic>();
  let name = "";
  const file = printable(basename(path), 60);
  const renode = createRenodeEmulator();
  const progress = progressLine(options.json);
  const emulators: Omit<FitRun, "batch"> = {
    timeoutMs,
    qemu: await ifFound(qemuEmulator),
    renode: await ifFound(renode),
  };
  try {
    const rows = await fitBoards(boards, {
      compile: (cpu, banks) => {
        const model = compileFromOptions(path, options, { cpu, ...(banks === undefined ? {} : { banks }) });
        if (banks !== undefined) return model;
        name = model.library.name;
        for (const d of model.diagnostics) diagnostics.set(JSON.stringify(d), d);
        return model;
      },
      link: options.build || options.verify,
      run: options.verify
        ? { ...emulators, batch: (model: CompiledModel) => batchFromOptions(model, options, DEFAULT_COUNT) }
        : undefined,
      onProgress: progress.update,
    });
    return {
      text: format === "markdown" ? fitMarkdown(file, rows) : fitText(file, rows),
      json: { model: name, file: path, linked: options.build || options.verify, boards: rows.map(rowJson) },
      diagnostics: [...diagnostics.values()],
      exitCode: exitCodeOf(rows, options.board !== undefined),
    };
  } finally {
    progress.clear();
    await renode.close();
  }
}

async function ifFound(emulator: Emulator): Promise<Emulator | undefined> {
  return (await emulator.find()) === undefined ? undefined : emulator;
}

function rowJson({ board, ...row }: BoardFit): object {
  return { board: board.id, core: board.cpu.id, ...row };
}

function exitCodeOf(rows: readonly BoardFit[], areNamed: boolean): ExitCode {
  const lacking = rows.filter((row) => row.fits === "no").length;
  const hasFailed = rows.some((row) => [row.qemu, row.renode].some((t) => t.verdict === "failed"));
  const isLacking = areNamed ? lacking > 0 : lacking === rows.length;
  return hasFailed || isLacking ? ExitCode.checkFailed : ExitCode.ok;
}
