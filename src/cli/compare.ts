import { readFileSync } from "node:fs";
import type { Command } from "commander";
import {
  type BaselineEntry,
  compareFigures,
  figuresOf,
  type Measured,
  readBaseline,
  writeBaseline,
} from "../compare.js";
import { type Diagnostic, ExitCode, fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { profileModel } from "../profile.js";
import { comparisonMarkdown, comparisonText } from "../report/comparison.js";
import { armGccVersion } from "../toolchain/compiler.js";
import { type BatchOptions, batchFromOptions } from "./batch.js";
import { chooseEmulator } from "./choose-emulator.js";
import { boardList, matrix, type Pair } from "./matrix.js";
import { modelCommand } from "./model-command.js";
import { compileFromOptions, type ModelOptions, oneOf, wholeNumber } from "./options.js";
import { type CommandResult, present } from "./output.js";
import { progressLine } from "./progress.js";
import { writeWholeFile } from "./write-file.js";

interface Options extends ModelOptions, BatchOptions {
  readonly board?: readonly string[];
  readonly baseline: string;
  readonly maxGrowth: string;
  readonly update: boolean;
  readonly save?: string;
  readonly format: string;
  readonly timeout: string;
  readonly json: boolean;
}

const DEFAULT_BOARD = "mps2-an386";
const DEFAULT_COUNT = 2;
export const DEFAULT_BASELINE = "bitloom-baseline.json";

export function compareCommand(): Command {
  return modelCommand(
    "compare",
    "compare flash, RAM and executed instructions with a committed baseline; exits 1 when one grew",
    { several: true },
  )
    .option(
      "--board <ids>",
      `boards to build for, as a,b or repeated (default: ${DEFAULT_BOARD}; counted in QEMU)`,
      boardList,
    )
    .option(
      "--baseline <file>",
      "figures to compare with, to be kept under version control",
      DEFAULT_BASELINE,
    )
    .option("--max-growth <percent>", "how much a figure may grow", "1%")
    .option("--update", "write the measured figures into the baseline", false)
    .option("--save <file>", "write the baseline as --update would, to another file")
    .option("--format <kind>", "text, or markdown for a pull request", "text")
    .option("--input <x.npy>", "inputs, the batch in the first axis (default: random ones)")
    .option("--count <n>", `how many inputs (default: all of --input, else ${DEFAULT_COUNT})`)
    .option("--seed <n>", "seed of the random inputs", "1")
    .option("--timeout <seconds>", "longest time for one run", "300")
    .option("--output <kind>", "scores or float32: what the device returns", "scores")
    .addHelpText(
      "after",
      [
        "\nExample:",
        "  bitloom compare mnist.onnx --board microbit,mps2-an386 --update",
        "  bitloom compare mnist.onnx --board microbit,mps2-an386 --max-growth 2%\n",
      ].join("\n"),
    )
    .action((paths: string[], options: Options) => present(options.json, () => run(paths, options)));
}

async function run(paths: readonly string[], options: Options): Promise<CommandResult> {
  const maxGrowth = percentage(options.maxGrowth);
  const format = oneOf("--format", options.format, ["text", "markdown"]);
  const timeoutMs = 1000 * wholeNumber("--timeout", options.timeout, 1, 86400);
  const pairs = matrix(paths, options, DEFAULT_BOARD);
  // An unreadable baseline is told before anything is built.
  const before = baselineFrom(options.baseline);
  const compiler = await armGccVersion();
  const diagnostics = new Map<string, Diagnostic>();
  const measured: Measured[] = [];
  const progress = progressLine(options.json);
  try {
    for (const pair of pairs) {
      const where = `${printable(pair.path, 40)} on ${pair.board.id}: `;
      const { notes, ...figures } = await measure(pair, options, timeoutMs, (m) =>
        progress.update(where + m),
      );
      refuseTwin(measured, figures, pair);
      measured.push(figures);
      for (const d of notes) diagnostics.set(JSON.stringify(d), d);
    }
  } finally {
    progress.clear();
  }
  const comparison = compareFigures(before, compiler, measured, maxGrowth);
  const written = writeBaseline(before, compiler, measured);
  if (options.save !== undefined) writeWholeFile(options.save, written);
  if (options.update) writeWholeFile(options.baseline, written);
  const report =
    format === "markdown" ? comparisonMarkdown(comparison) : comparisonText(comparison, options.update);
  const accepted = options.update ? `\nwrote ${printable(options.baseline, 200)}: commit it` : "";
  return {
    text: format === "markdown" ? report : report + accepted,
    json: { baseline: options.baseline, updated: options.update, ...comparison },
    diagnostics: [...diagnostics.values()],
    exitCode: comparison.passed || options.update ? ExitCode.ok : ExitCode.checkFailed,
  };
}

/** The baseline's entries; none when there is no such file yet. */
function baselineFrom(path: string): BaselineEntry[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  return readBaseline(text, path);
}

async function measure(
  { path, board }: Pair,
  options: Options,
  timeoutMs: number,
  onProgress: (message: string) => void,
): Promise<Measured & { readonly notes: readonly Diagnostic[] }> {
  const model = compileFromOptions(path, options, { cpu: board.cpu });
  const chosen = await chooseEmulator(board, "qemu");
  try {
    const link = chosen.emulator.link;
    const batch = batchFromOptions(model, options, DEFAULT_COUNT);
    const profile = await profileModel(model, batch, { ...chosen, link, timeoutMs, onProgress });
    return {
      model: model.library.name,
      board: board.id,
      figures: figuresOf(profile),
      notes: model.diagnostics,
    };
  } finally {
    await chosen.close();
  }
}

/** The baseline knows models by their names. */
function refuseTwin(measured: readonly Measured[], { model, board }: Measured, { path }: Pair): void {
  if (!measured.some((m) => m.model === model && m.board === board)) return;
  throw fail("compare/name", `another model is called ${model}, too`, {
    where: path,
    remedy: "rename one of the files: names are made from the files'",
  });
}

/** `2%`, `2` or `0.5%`. */
function percentage(text: string): number {
  const value = Number(/^(\d{1,4}(?:\.\d{1,6})?) ?%?$/.exec(text)?.[1] ?? Number.NaN);
  if (Number.isFinite(value)) return value;
  throw fail("cli/max-growth", `--max-growth takes a percentage like 2%, not "${printable(text, 30)}"`);
}
