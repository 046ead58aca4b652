import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { type CompiledModel, version } from "../compile.js";
import { fail } from "../diagnostics/diagnostic.js";
import { didYouMean, printable } from "../diagnostics/text.js";
import {
  checkedIdentity,
  type Identity,
  type PackageFile,
  packageFiles,
  packageNames,
} from "../emit/index.js";
import { checkRenodeFolder, renodeFiles, requireRenode } from "../emulators/index.js";
import { printGraph } from "../graph/index.js";
import type { ModelGraph } from "../graph/types.js";
import { passNames } from "../passes/registry.js";
import { type Plan, printPlan } from "../plan/index.js";
import { type DeviceProgram, printProgram } from "../program/index.js";
import { summarize, summaryText } from "../report/summary.js";
import { type Board, type Cpu, findBoard } from "../targets/index.js";
import { readLockFile } from "../tuning/lock-file.js";
import { cpuOf, fitReport } from "./compile-fit.js";
import { modelCommand } from "./model-command.js";
import { compileFromOptions, type ModelOptions, oneOf } from "./options.js";
import { present } from "./output.js";
import { checkedReportPath, writeReport } from "./report-file.js";
import { writeFolder } from "./write-folder.js";

interface Options extends ModelOptions {
  readonly out?: string;
  readonly board?: string;
  readonly cpu?: string;
  readonly tune?: string;
  readonly report?: string;
  readonly printAfter?: string;
  readonly package: string;
  readonly packageVersion?: string;
  readonly packageVendor?: string;
  readonly packageUrl?: string;
  readonly renode?: boolean;
  readonly json: boolean;
}

/** Below the library's folder. */
const RENODE_FOLDER = "renode";

const STAGES = ["import", ...passNames, "plan"];

export function compileCommand(): Command {
  return modelCommand("compile", "generate a C library from a trained model")
    .option("-o, --out <dir>", "folder for the library; made if it does not exist")
    .option("--board <id>", "check that the library fits this board (see `bitloom boards`)")
    .option("--cpu <id>", "target core, e.g. cortex-m0 (the same C runs on all; sets the build flags)")
    .option("--tune <file>", "measured costs of kernels, made by `bitloom tune` for the same core")
    .option("--output <kind>", "scores (integers, with their meaning in the header) or float32", "scores")
    .option("--package <kind>", `what the library is laid out for: ${packageNames.join(", ")}`, "c")
    .option("--package-version <version>", "version of the package, 1.0.0 by default")
    .option("--package-vendor <name>", "publisher of the package, bitloom by default")
    .option("--package-url <address>", "home page of the package, none by default")
    .option("--renode", "also write a script, a platform and a test suite for Renode (needs --board)")
    .option("--report <file>", "write an HTML page: the memory map over time, the layers, the board")
    .option("--print-after <stage>", `print the compiler's state after a stage: ${STAGES.join(", ")}`)
    .addHelpText(
      "after",
      "\nExample:\n  bitloom compile mnist.onnx --board microbit -o firmware/mnist --report mnist.html\n  bitloom compile mnist.onnx --board nrf52840-dk --package zephyr -o modules/mnist\n",
    )
    .action((model: string, options: Options) => present(options.json, () => run(model, options)));
}

function run(path: string, options: Options) {
  const stage = options.printAfter;
  if (stage === undefined && options.out === undefined && options.report === undefined) {
    throw fail("cli/out", "nothing to do: no output folder was given", {
      remedy: "add -o DIR, e.g. -o firmware/model, or --report FILE",
    });
  }
  if (stage !== undefined && !STAGES.includes(stage)) {
    throw fail("cli/stage", `there is no stage "${printable(stage, 30)}"`, {
      remedy: `use one of ${STAGES.join(", ")}; did you mean ${didYouMean(stage, STAGES) ?? STAGES[0]}?`,
    });
  }
  const kind = oneOf("--package", options.package, packageNames);
  const identity = checkedIdentity(identityOptions(options));
  const report = checkedReportPath(options.report);
  const renode = renodeBoard(options);
  const cpu = cpuOf(options);
  const measured = options.tune === undefined ? undefined : measurementsFrom(options.tune, cpu);
  let printed = "";
  const model = compileFromOptions(path, options, {
    ...(cpu === undefined ? {} : { cpu }),
    ...(measured === undefined ? {} : { measured }),
    observe: (name, state) => {
      if (name === stage) printed = stageText(state);
    },
  });
  const fit = fitReport(model, options.board);
  const files = options.out === undefined ? [] : packageFiles(model.library, kind, identity);
  const extras = renode === undefined ? [] : filesForRenode(model.library.name, renode);
  if (options.out !== undefined) writeFolder(options.out, [...files, ...extras]);
  if (report !== undefined) writeReport(report, model, options, { board: boardOf(options), cpu, measured });
  return {
    text: [
      ...(printed === "" ? [] : [printed.trimEnd()]),
      ...(options.out === undefined ? [] : [resultText(model, files, options.out, fit.text, extras)]),
      ...(report === undefined ? [] : [`wrote ${printable(report, 200)}`]),
    ].join("\n"),
    json: {
      name: model.library.name,
      folder: options.out ?? null,
      package: kind,
      files: [...files, ...extras].map((f) => f.path),
      report: report ?? null,
      modelCrc: model.library.modelCrc,
      ...summarize(model.plan),
      ...(model.streams === undefined ? {} : { streams: model.streams }),
      fit: fit.json,
      ...(stage === undefined ? {} : { printed }),
    },
    diagnostics: model.diagnostics,
  };
}

function boardOf({ board }: Options): Board | undefined {
  return board === undefined ? undefined : findBoard(board);
}

/** The board that Renode's files are for, checked before anything is compiled; undefined without `--renode`. */
function renodeBoard({ renode, board: id, out }: Options): Board | undefined {
  if (renode !== true) return undefined;
  if (id === undefined || out === undefined) {
    throw fail("cli/renode", "--renode needs a board and a folder", {
      remedy: "add --board ID and -o DIR; `bitloom boards` says which boards Renode has",
    });
  }
  const board = findBoard(id);
  requireRenode(board);
  checkRenodeFolder(resolve(join(out, RENODE_FOLDER)));
  return board;
}

function measurementsFrom(path: string, cpu: Cpu | undefined): ReadonlyMap<string, number> {
  if (cpu === undefined) {
    throw fail("cli/tune", "--tune needs to know the core", {
      remedy: "add --board or --cpu, the one that `bitloom tune` was run for",
    });
  }
  return readLockFile(readFileSync(path, "utf8"), cpu, path);
}

function stageText(state: ModelGraph | DeviceProgram | Plan): string {
  if ("nodes" in state) return printGraph(state);
  return "steps" in state ? printPlan(state) : printProgram(state);
}

function identityOptions({ packageVersion, packageVendor, packageUrl }: Options): Partial<Identity> {
  return {
    ...(packageVersion === undefined ? {} : { version: packageVersion }),
    ...(packageVendor === undefined ? {} : { vendor: packageVendor }),
    ...(packageUrl === undefined ? {} : { url: packageUrl }),
  };
}

/** In a folder of their own within the library's. */
function filesForRenode(name: string, board: Board): PackageFile[] {
  return renodeFiles(name, version, board).map(({ path, text }) => ({
    path: `${RENODE_FOLDER}/${path}`,
    content: text,
  }));
}

function resultText(
  model: CompiledModel,
  files: readonly PackageFile[],
  folder: string,
  fit: string,
  renode: readonly PackageFile[],
): string {
  const { name } = model.library;
  const how = files.some((f) => f.path === "README.md")
    ? "README.md says how to add it to a project"
    : `include ${name}.h, call ${name}_init and ${name}_run`;
  return [
    summaryText(summarize(model.plan)),
    ...(fit === "" ? [] : [fit]),
    "",
    `wrote ${files.length} files to ${printable(folder, 200)}: ${how}`,
    ...(renode.length === 0 ? [] : [`wrote ${renode.map((f) => f.path).join(", ")}`]),
  ].join("\n");
}
