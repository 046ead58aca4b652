import type { Command } from "commander";
import { printable } from "../diagnostics/text.js";
import { profileModel } from "../profile.js";
import { profileText } from "../report/profile.js";
import { findBoard } from "../targets/index.js";
import { type BatchOptions, batchFromOptions } from "./batch.js";
import { chooseEmulator } from "./choose-emulator.js";
import { modelCommand } from "./model-command.js";
import { compileFromOptions, type ModelOptions, oneOf, wholeNumber } from "./options.js";
import { present } from "./output.js";
import { progressLine } from "./progress.js";
import { checkedReportPath, writeReport } from "./report-file.js";

interface Options extends ModelOptions, BatchOptions {
  readonly board?: string;
  readonly emulator: string;
  readonly report?: string;
  readonly timeout: string;
  readonly json: boolean;
}

const DEFAULT_BOARD = "mps2-an386";
const DEFAULT_COUNT = 2;

export function profileCommand(): Command {
  return modelCommand("profile", "count what each layer executes, and what it takes of flash, RAM and stack")
    .option(
      "--board <id>",
      `board to build for (default: ${DEFAULT_BOARD}, a Cortex-M4; see \`bitloom boards\`)`,
    )
    .option("--emulator <which>", "qemu (classes and estimated cycles, too) or renode (instructions)", "qemu")
    .option("--input <x.npy>", "inputs, the batch in the first axis (default: random ones)")
    .option("--count <n>", `how many inputs (default: all of --input, else ${DEFAULT_COUNT})`)
    .option("--seed <n>", "seed of the random inputs", "1")
    .option("--report <file>", "write an HTML page: what was counted, and the memory map over time")
    .option("--timeout <seconds>", "longest time for one run", "300")
    .option("--output <kind>", "scores or float32: what the device returns", "scores")
    .addHelpText("after", "\nExample:\n  bitloom profile mnist.onnx --board microbit\n")
    .action((model: string, options: Options) => present(options.json, () => run(model, options)));
}

async function run(path: string, options: Options) {
  const timeoutMs = 1000 * wholeNumber("--timeout", options.timeout, 1, 86400);
  const report = checkedReportPath(options.report);
  const board = findBoard(options.board ?? DEFAULT_BOARD);
  const model = compileFromOptions(path, options, { cpu: board.cpu });
  const chosen = await chooseEmulator(board, oneOf("--emulator", options.emulator, ["renode", "qemu"]));
  const progress = progressLine(options.json);
  try {
    const profile = await profileModel(model, batchFromOptions(model, options, DEFAULT_COUNT), {
      ...chosen,
      link: chosen.emulator.link,
      timeoutMs,
      onProgress: progress.update,
    });
    progress.clear();
    if (report !== undefined) writeReport(report, model, options, { board, cpu: board.cpu, profile });
    const wrote = report === undefined ? [] : ["", `wrote ${printable(report, 200)}`];
    return {
      text: [profileText(profile, chosen.note), ...wrote].join("\n"),
      json: { model: model.library.name, report: report ?? null, ...profile },
      diagnostics: model.diagnostics,
    };
  } finally {
    progress.clear();
    await chosen.close();
  }
}
