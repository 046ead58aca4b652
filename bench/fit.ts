/**
 * Fits a kernel's cost to what was measured by bench/choice.ts: non-negative coefficients of a few terms, such that the
 * sum of squared relative errors is least.
 *
 *   npx tsx bench/choice.ts --seed 100 --count 40 --json m4.json
 *   npx tsx bench/fit.ts m4.json --kernel conv_pairs --terms "1, outputs, height*width*outputs"
 *
 * A term is a product of numbers and of names: the fields of the kernel's descriptor, and of the layer height, width (of
 * the output), channels, outputs, groups, taps (of the kernel), macs, rowWords (32 pixels to a word: of all output rows),
 * estimate (the kernel's own), and the parts of the kernel's work: `--terms work` takes all of these. Without --terms the ratio of measurement and estimate is printed.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { outputSize } from "../src/program/index.js";
import type { MeasuredCandidate } from "./choice.js";
import { shapeText } from "./random-shapes.js";
import { windowOf } from "./shapes.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { kernel: { type: "string" }, terms: { type: "string" } },
});

const all = positionals.flatMap((path) => JSON.parse(readFileSync(path, "utf8")) as MeasuredCandidate[]);
const kernels = values.kernel === undefined ? [...new Set(all.map((c) => c.kernel))] : [values.kernel];
for (const kernel of kernels) {
  const own = all.filter((c) => c.kernel === kernel);
  if (values.terms === undefined) printRatios(kernel, own);
  else
    printFit(
      kernel,
      own,
      values.terms
        .split(",")
        .flatMap((t) => (t.trim() === "work" ? Object.keys(own[0]?.work ?? {}) : [t.trim()])),
    );
}

function printRatios(kernel: string, own: readonly MeasuredCandidate[]): void {
  const ratios = own.map((c) => c.measured / c.estimate).sort((a, b) => a - b);
  const at = (part: number): string => ratios[Math.floor(part * (ratios.length - 1))]!.toFixed(3);
  process.stdout.write(
    `${kernel}: ${own.length} measured; measured / estimated: least ${at(0)}, median ${at(0.5)}, most ${at(1)}\n`,
  );
}

function printFit(kernel: string, own: readonly MeasuredCandidate[], terms: readonly string[]): void {
  const rows = own.map((c) => {
    const variables = variablesOf(c);
    return terms.map((term) => termValue(term, variables) / c.measured);
  });
  const coefficients = nonNegativeLeastSquares(rows);
  const errors = rows.map((row) => row.reduce((sum, x, i) => sum + x * coefficients[i]!, 0) - 1);
  const worst = Math.max(...errors.map(Math.abs));
  const rms = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
  process.stdout.write(`${kernel}: ${own.length} measured\n`);
  for (const [i, term] of terms.entries()) {
    process.stdout.write(`  ${coefficients[i]!.toPrecision(5)} × ${term}\n`);
  }
  const far = errors.reduce((a, e, i) => (Math.abs(e) > Math.abs(errors[a]!) ? i : a), 0);
  process.stdout.write(`  farthest: ${shapeText(own[far]!.shape)}\n`);
  process.stdout.write(`  error: ${(100 * rms).toFixed(2)} % rms, ${(100 * worst).toFixed(2)} % at most\n`);
}

function variablesOf({
  shape,
  fields,
  work,
  macs,
  estimate,
}: MeasuredCandidate): Readonly<Record<string, number>> {
  const window = windowOf(shape);
  const height = outputSize(shape.height, window, 0);
  const width = outputSize(shape.width, window, 1);
  return {
    ...fields,
    ...work,
    height,
    width,
    channels: shape.channels,
    outputs: shape.outputs,
    groups: shape.groups,
    taps: shape.kernel[0] * shape.kernel[1],
    rowWords: height * Math.ceil(width / 32),
    macs,
    estimate,
  };
}

function termValue(term: string, variables: Readonly<Record<string, number>>): number {
  return term.split("*").reduce((product, factor) => {
    const name = factor.trim();
    const value = variables[name] ?? Number(name);
    if (Number.isNaN(value)) {
      throw new Error(`there is no ${name}; there are ${Object.keys(variables).join(", ")}`);
    }
    return product * value;
  }, 1);
}

/** Coefficients ≥ 0 with the least Σ (row · coefficients − 1)²: coordinate descent, which few terms allow. */
function nonNegativeLeastSquares(rows: readonly (readonly number[])[]): number[] {
  const count = rows[0]?.length ?? 0;
  const products = Array.from({ length: count }, (_, i) =>
    Array.from({ length: count }, (_, j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0)),
  );
  const right = Array.from({ length: count }, (_, i) => rows.reduce((sum, row) => sum + row[i]!, 0));
  const coefficients = new Array<number>(count).fill(0);
  for (let turn = 0; turn < 20_000; turn++) {
    for (let i = 0; i < count; i++) {
      const others = products[i]!.reduce((sum, p, j) => sum + (j === i ? 0 : p * coefficients[j]!), 0);
      coefficients[i] = products[i]![i] === 0 ? 0 : Math.max(0, (right[i]! - others) / products[i]![i]!);
    }
  }
  return coefficients;
}
