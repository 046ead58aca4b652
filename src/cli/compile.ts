import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { CompiledModel } from "../compile.js";
import { fail } from "../diagnostics/diagnostic.js";
import { didYouMean, printable } from "../diagnostics/text.js";
import {
  checkedIdentity,
  type Identity,
  type PackageFile,
  packageFiles,
  packageNames,
} from "../emit/index.js";
import { printGraph } from "../graph/index.js";
import type { ModelGraph } from "../graph/types.js";
import { passNames } from "../passes/registry.js";
import { type Plan, printPlan } from "../plan/index.js";
import { type DeviceProgram, printProgram } from "../program/index.js";
import { summarize, summaryText } from "../report/summary.js";
import type { Cpu } from "../targets/index.js";
import { readLockFile } from "../tuning/lock-file.js";
import { cpuOf, fitReport } from "./fit.js";
import { modelCommand } from "./model-command.js";
import { compileFromOptions, type ModelOptions, oneOf } from "./options.js";
import { present } from "./output.js";
import { writeFolder } from "./write-folder.js";

interface Options extends ModelOptions {
  readonly out?: string;
  readonly board?: string;
  readonly cpu?: string;
  readonly tune?: string;
  readonly printAfter?: string;
  readonly package: string;
  readonly packageVersion?: string;
  readonly packageVendor?: string;
  readonly packageUrl?: string;
  readonly json: boolean;
}

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
    .option("--print-after <stage>", `print the compiler's state after a stage: ${STAGES.join(", ")}`)
    .addHelpText("after", "\nExample:\n  bitloom compile mnist.onnx --board microbit -o firmware/mnist\n")
    .action((model: string, options: Options) => present(options.json, () => run(model, options)));
}

function run(path: string, options: Options) {
  const stage = options.printAfter;
  if (stage === undefined && options.out === undefined) {
    throw fail("cli/out", "nothing to do: no output folder was given", {
      remedy: "add -o DIR, e.g. -o firmware/model",
    });
  }
  if (stage !== undefined && !STAGES.includes(stage)) {
    throw fail("cli/stage", `there is no stage "${printable(stage, 30)}"`, {
      remedy: `use one of ${STAGES.join(", ")}; did you mean ${didYouMean(stage, STAGES) ?? STAGES[0]}?`,
    });
  }
  const kind = oneOf("--package", options.package, packageNames);
  const identity = checkedIdentity(identityOptions(options));
  const cpu = cpuOf(options);
  let printed = "";
  const model = compileFromOptions(path, options, {
    ...(cpu === undefined ? {} : { cpu }),
    ...(options.tune === undefined ? {} : { measured: measurementsFrom(options.tune, cpu) }),
    observe: (name, state) => {
      if (name === stage) printed = stageText(state);
    },
  });
  const fit = fitReport(model, options.board);
  const files = options.out === undefined ? [] : packageFiles(model.library, kind, identity);
  if (options.out !== undefined) writeFolder(options.out, files);
  return {
    text: printed + (options.out === undefined ? "" : resultText(model, files, options.out, fit.text)),
    json: {
      name: model.library.name,
      folder: options.out ?? null,
      package: kind,
      files: files.map((f) => f.path),
      modelCrc: model.library.modelCrc,
      ...summarize(model.plan),
      fit: fit.json,
      ...(stage === undefined ? {} : { printed }),
    },
    diagnostics: model.diagnostics,
  };
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

function resultText(
  model: CompiledModel,
  files: readonly PackageFile[],
  folder: string,
  fit: string,
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
  ].join("\n");
}
