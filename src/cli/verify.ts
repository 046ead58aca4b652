import { basename } from "node:path";
import type { Command } from "commander";
import type { CompiledModel } from "../compile.js";
import { type BitloomError, type Diagnostic, ExitCode, fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { type Approximation, approximation } from "../evaluate.js";
import { junitXml } from "../report/junit.js";
import { textTable } from "../report/table.js";
import { verificationText } from "../report/verification.js";
import type { Link } from "../toolchain/firmware.js";
import { type Verification, verifyModel } from "../verify.js";
import { type BatchOptions, batchFromOptions } from "./batch.js";
import { type ChosenEmulator, chooseEmulator } from "./choose-emulator.js";
import { boardList, matrix, type Pair, shard } from "./matrix.js";
import { modelCommand } from "./model-command.js";
import { compileFromOptions, type ModelOptions, oneOf, wholeNumber } from "./options.js";
import { asBitloomError, type CommandResult, present } from "./output.js";
import { progressLine } from "./progress.js";
import { type BoardOptions, DEFAULT_COUNT, verifyOnBoard } from "./verify-on-board.js";
import { writeWholeFile } from "./write-file.js";

interface Options extends ModelOptions, BatchOptions, BoardOptions {
  readonly board?: readonly string[];
  readonly emulator?: string;
  readonly shard?: string;
  readonly junit?: string;
  readonly link: string;
  readonly timeout: string;
  readonly json: boolean;
}

const DEFAULT_BOARD = "mps2-an386";

export function verifyCommand(): Command {
  return modelCommand("verify", "build models for boards, run them in an emulator, and compare every bit", {
    several: true,
  })
    .option(
      "--board <ids>",
      `boards to build for, as a,b or repeated (default: ${DEFAULT_BOARD}, a Cortex-M4; see \`bitloom boards\`)`,
      boardList,
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
    .option("--shard <i/n>", "do the i-th of n equal parts of models × boards, for n runners")
    .option("--junit <file>", "write JUnit XML: a suite for each build, a case for each check")
    .option("--link <kind>", "uart, or semihosting: faster, QEMU only", "uart")
    .option("--timeout <seconds>", "longest time for one run", "60")
    .option("--output <kind>", "scores or float32: what the device returns", "scores")
    .addHelpText(
      "after",
      [
        "\nExample:",
        "  bitloom verify mnist.onnx --board microbit --input images.npy --count 200",
        "  bitloom verify a.onnx b.onnx --board microbit,mps2-an386 --shard 1/2 --junit report.xml\n",
      ].join("\n"),
    )
    .action((paths: string[], options: Options) => present(options.json, () => run(paths, options)));
}

/** What came of one pair; `verification` or `error`. */
interface Outcome {
  readonly pair: Pair;
  readonly chosen: ChosenEmulator;
  readonly model?: CompiledModel;
  readonly inputs?: number;
  readonly verification?: Verification;
  /** How far a program in fixed point is from the model. */
  readonly approximation?: Approximation;
  readonly error?: BitloomError;
  readonly seconds: number;
}

async function run(paths: readonly string[], options: Options): Promise<CommandResult> {
  const timeoutMs = 1000 * wholeNumber("--timeout", options.timeout, 1, 86400);
  const pairs = matrix(paths, options, DEFAULT_BOARD);
  if (options.target !== undefined) return verifyOnBoard(pairs, options.target, { ...options, timeoutMs });
  const part = shard(pairs, options.shard);
  const link = oneOf("--link", options.link, ["uart", "semihosting"]);
  // What can be refused is refused before the first build takes its time.
  const machines = await machinesFor(part, options.emulator, link);
  const progress = progressLine(options.json);
  const outcomes: Outcome[] = [];
  try {
    for (const [index, pair] of part.entries()) {
      const chosen = machines.get(pair.board.id)!;
      const where = part.length === 1 ? "" : `${printable(basename(pair.path), 40)} on ${pair.board.id}: `;
      const onProgress = (message: string): void => progress.update(where + message);
      outcomes.push(await verifyPair(pair, chosen, options, { link, timeoutMs, onProgress }));
      if (part[index + 1]?.board.id !== pair.board.id) await chosen.close();
    }
  } finally {
    progress.clear();
    for (const chosen of machines.values()) await chosen.close();
  }
  if (options.junit !== undefined) writeWholeFile(options.junit, junitXml(outcomes.map(junitRun)));
  const [only] = outcomes;
  return only !== undefined && pairs.length === 1 && options.shard === undefined
    ? singleResult(only)
    : matrixResult(outcomes, pairs.length, options.shard);
}

/** The emulator of each board. */
async function machinesFor(
  pairs: readonly Pair[],
  emulator: string | undefined,
  link: Link,
): Promise<Map<string, ChosenEmulator>> {
  const wanted =
    emulator === undefined ? undefined : oneOf("--emulator", emulator, ["renode", "qemu", "host"]);
  const machines = new Map<string, ChosenEmulator>();
  for (const { board } of pairs) {
    if (machines.has(board.id)) continue;
    const chosen = await chooseEmulator(board, wanted);
    if (link !== "uart" && chosen.emulator.link !== link) {
      throw fail("cli/link", `${chosen.emulator.id} has no ${link} link`, {
        remedy: "use --link uart, or --emulator qemu",
      });
    }
    machines.set(board.id, chosen);
  }
  return machines;
}

/** Never throws for what is wrong with this model or board; a missing tool ends everything. */
async function verifyPair(
  pair: Pair,
  chosen: ChosenEmulator,
  options: Options,
  limits: { link: Link; timeoutMs: number; onProgress: (message: string) => void },
): Promise<Outcome> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  let model: CompiledModel | undefined;
  try {
    model = compileFromOptions(pair.path, options, { cpu: pair.board.cpu });
    const batch = batchFromOptions(model, options, DEFAULT_COUNT);
    const target = chosen.board.id === pair.board.id ? {} : { target: pair.board };
    const verification = await verifyModel(model, batch, { ...chosen, ...target, ...limits });
    const distance = approximation(model, batch);
    return {
      ...{ pair, chosen, model, inputs: batch.count, verification, seconds: seconds() },
      ...(distance === undefined ? {} : { approximation: distance }),
    };
  } catch (error) {
    const known = asBitloomError(error);
    if (known === undefined || known.exitCode === ExitCode.toolMissing) throw error;
    return { pair, chosen, ...(model === undefined ? {} : { model }), error: known, seconds: seconds() };
  }
}

/** One model on one board: the fields of its run, with the list of runs beside them. */
function singleResult(outcome: Outcome): CommandResult {
  const { verification, error, model } = outcome;
  if (verification === undefined) throw error;
  const fields = runJson(outcome);
  return {
    text: verificationText(verification, outcome.chosen.note, outcome.approximation),
    json: { ...fields, runs: [fields] },
    diagnostics: model?.diagnostics ?? [],
    exitCode: exitCodeOf(outcome),
  };
}

function matrixResult(outcomes: readonly Outcome[], pairs: number, part: string | undefined): CommandResult {
  const failed = outcomes.filter((o) => exitCodeOf(o) !== ExitCode.ok);
  const share = part === undefined ? "" : `, part ${part} of ${pairs} runs`;
  const rows = outcomes.map((o) => [
    exitCodeOf(o) !== ExitCode.ok ? "FAIL" : isPartial(o) ? "PASS (no traces)" : "PASS",
    nameOf(o),
    o.pair.board.id,
    machineOf(o.chosen),
    o.seconds.toFixed(1),
  ]);
  const partial = outcomes.filter((o) => isPartial(o) && !failed.includes(o));
  const details = [...failed, ...partial].map(
    (o) => `${nameOf(o)} for ${o.pair.board.id}:\n${detailText(o)}\n`,
  );
  const verdict = `${failed.length === 0 ? "PASS" : "FAIL"}: ${outcomes.length - failed.length} of ${outcomes.length} passed${share}${partial.length === 0 ? "" : `, ${partial.length} of them as flashed only: traces were not checked`}`;
  return {
    text: [...details, textTable(["", "model", "board", "machine", "s"], rows), "", verdict].join("\n"),
    json: {
      passed: failed.length === 0,
      seconds: outcomes.reduce((total, o) => total + o.seconds, 0),
      shard: part ?? null,
      runs: outcomes.map((o) => ({ ...runJson(o), diagnostics: diagnosticsOf(o) })),
    },
    diagnostics: unique(outcomes.flatMap(diagnosticsOf)),
    exitCode: outcomes.map(exitCodeOf).reduce((worst, code) => (code > worst ? code : worst), ExitCode.ok),
  };
}

/** Whether a build could not run, so that nothing is known of it. */
function isPartial({ verification }: Outcome): boolean {
  return verification !== undefined && verification.notChecked.length > 0;
}

function detailText(outcome: Outcome): string {
  const { verification, error } = outcome;
  return verification === undefined
    ? (error?.diagnostics ?? []).map((d) => `  ${d.message}`).join("\n")
    : verificationText(verification, outcome.chosen.note, outcome.approximation);
}

function runJson(outcome: Outcome): object {
  const { pair, chosen, inputs, verification, seconds } = outcome;
  const ran = verification ?? {
    emulator: chosen.emulator.id,
    board: chosen.board.id,
    passed: false,
    builds: [],
    notChecked: [],
    seconds,
  };
  const distance = outcome.approximation;
  return {
    ...{ model: nameOf(outcome), file: pair.path, target: pair.board.id, inputs: inputs ?? 0, ...ran },
    ...(distance === undefined ? {} : { approximation: distance }),
  };
}

function junitRun(outcome: Outcome) {
  const { pair, chosen, verification, error, seconds } = outcome;
  return {
    model: nameOf(outcome),
    board: pair.board.id,
    machine: machineOf(chosen),
    builds: verification?.builds ?? [],
    notChecked: verification?.notChecked ?? [],
    ...(error === undefined ? {} : { failure: error }),
    seconds,
  };
}

function nameOf({ model, pair }: Outcome): string {
  return model?.library.name ?? printable(basename(pair.path), 60);
}

function machineOf({ emulator, board }: ChosenEmulator): string {
  return emulator.id === "host" ? "host" : `${emulator.id} ${board.id}`;
}

function exitCodeOf({ verification, error }: Outcome): ExitCode {
  if (verification === undefined) return error?.exitCode ?? ExitCode.checkFailed;
  return verification.passed ? ExitCode.ok : ExitCode.checkFailed;
}

function diagnosticsOf({ model, error }: Outcome): readonly Diagnostic[] {
  return [...(model?.diagnostics ?? []), ...(error?.diagnostics ?? [])];
}

/** Boards repeat what there is to say about a model. */
function unique(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...new Map(diagnostics.map((d) => [JSON.stringify(d), d])).values()];
}
