import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import type { CompiledModel } from "../compile.js";
import { ExitCode, fail } from "../diagnostics/diagnostic.js";
import { approximation, type Evaluation, evaluate } from "../evaluate.js";
import { readNpy, writeNpy } from "../formats/npy.js";
import { batchFromArray, type InputBatch } from "../inputs.js";
import { approximationText } from "../report/approximation.js";
import { modelCommand } from "./model-command.js";
import { compileFromOptions, type ModelOptions, oneOf } from "./options.js";
import { present } from "./output.js";

interface Options extends ModelOptions {
  readonly input: string;
  readonly output?: string;
  readonly labels?: string;
  readonly reference: string;
  readonly json: boolean;
}

const REFERENCES = ["integer", "float", "both"] as const;

export function runCommand(): Command {
  return modelCommand("run", "run a model in bitloom's references, without a compiler or emulator")
    .requiredOption("--input <x.npy>", "inputs, the batch in the first axis (float32 or integers)")
    .option("--output <y.npy>", "where to write the outputs")
    .option("--labels <y.npy>", "class labels: also print how many are right")
    .option(
      "--reference <which>",
      `${REFERENCES.join(", ")}: what the device computes, what the framework computes, or compare them`,
      "integer",
    )
    .addHelpText(
      "after",
      "\nExample:\n  bitloom run mnist.onnx --input images.npy --labels labels.npy --reference both\n",
    )
    .action((model: string, options: Options) => present(options.json, () => run(model, options)));
}

function run(path: string, options: Options) {
  const which = oneOf("--reference", options.reference, REFERENCES);
  const { output: _path, ...modelOptions } = options;
  const model = compileFromOptions(path, modelOptions);
  const batch = batchFromArray(model.program, readNpy(readFileSync(options.input)), options.input);
  const labels = options.labels === undefined ? undefined : readLabels(options.labels, batch);
  const result = evaluate(model, batch, which);
  // Of a program in fixed point its distance from the model belongs to every result.
  const distance = which === "float" ? undefined : approximation(model, batch);
  if (options.output !== undefined) {
    const { data, dtype } =
      which === "float" ? { data: result.floats, dtype: "float32" as const } : result.outputs;
    writeFileSync(options.output, writeNpy({ shape: outputShape(model, batch, data.length), dtype, data }));
  }
  const right = labels === undefined ? undefined : countRight(result.classes, labels);
  const differs = which === "both" && distance === undefined && result.differing > 0;
  return {
    text: [
      resultText(which, batch, result, right, options.output),
      ...(distance === undefined ? [] : [approximationText(distance)]),
    ].join("\n"),
    json: {
      reference: which,
      count: batch.count,
      ...(right === undefined ? {} : { right }),
      ...(which === "both"
        ? {
            differing: result.differing,
            firstDifference: result.firstDifference ?? null,
            greatestDifference: result.greatestDifference,
            otherClasses: result.otherClasses,
          }
        : {}),
      ...(distance === undefined ? {} : { approximation: distance }),
      seconds: result.seconds,
      classes: Array.from(result.classes),
    },
    diagnostics: model.diagnostics,
    exitCode: differs ? ExitCode.checkFailed : ExitCode.ok,
  };
}

function readLabels(path: string, batch: InputBatch): ArrayLike<number> {
  const { data } = readNpy(readFileSync(path));
  if (data.length === batch.count) return data;
  throw fail("run/labels", `there are ${data.length} labels for ${batch.count} inputs`, { where: path });
}

function countRight(classes: Int32Array, labels: ArrayLike<number>): number {
  return classes.reduce((sum, c, i) => sum + (c === labels[i] ? 1 : 0), 0);
}

function outputShape(model: CompiledModel, batch: InputBatch, total: number): number[] {
  const rest = model.program.output.modelShape.slice(1);
  const perInput = rest.reduce((a, b) => a * b, 1);
  return perInput * batch.count === total ? [batch.count, ...rest] : [batch.count, total / batch.count];
}

function resultText(
  which: (typeof REFERENCES)[number],
  batch: InputBatch,
  result: Evaluation,
  right: number | undefined,
  written: string | undefined,
): string {
  const rate = Math.round(batch.count / Math.max(result.seconds, 1e-6));
  const lines = [
    `${batch.count} inputs in ${result.seconds.toFixed(2)} s (${rate} per second, ${which} reference)`,
  ];
  if (right !== undefined)
    lines.push(`${right} of ${batch.count} right (${((100 * right) / batch.count).toFixed(2)} %)`);
  if (which === "both") {
    lines.push(...comparisonText(result));
  }
  if (written !== undefined) lines.push(`wrote ${written}`);
  return lines.join("\n");
}

/** Float32 sums of scaled products, as frameworks compute them, are off in the last bits; other classes are more. */
function comparisonText({
  differing,
  firstDifference,
  greatestDifference,
  otherClasses,
}: Evaluation): readonly string[] {
  if (differing === 0) return ["integer and float reference give equal outputs on all of them"];
  const classes =
    otherClasses === 0 ? "none of them has another class" : `${otherClasses} have another class`;
  return [
    `integer and float reference differ on ${differing} inputs, first on ${firstDifference}`,
    `by ${greatestDifference.toPrecision(3)} at most; ${classes}`,
  ];
}
