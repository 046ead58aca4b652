/** What docs/METHODS.md says of a net beside its methods: how it was compiled, and what it took on a Cortex-M4 (`npm run methods`). */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CompiledModel } from "../../../src/compile.js";
import { type Domain, type Instruction, powerRange, powersText } from "../../../src/program/index.js";
import { repoRoot } from "../root.js";

export const SEPARATOR = "; ";

/** How a net is computed. */
export interface NetForm {
  /** What layers multiply, activations × weights, separated by `SEPARATOR`. */
  readonly domains: string;
  readonly kernels: string;
}

/** Figures of a net with the parameters of seed 1 on a Cortex-M4, mean over a few inputs. */
export interface NetFigures extends NetForm {
  readonly instructions: number;
  readonly macs: number;
  readonly flashBytes: number;
  readonly arenaBytes: number;
}

export interface MethodFigures {
  readonly compiler: string;
  readonly nets: Readonly<Record<string, NetFigures>>;
}

const PATH = join(repoRoot, "bench/methods.json");

export function readFigures(): MethodFigures {
  return JSON.parse(readFileSync(PATH, "utf8")) as MethodFigures;
}

export function writeFigures(figures: MethodFigures): void {
  writeFileSync(PATH, `${JSON.stringify(figures, null, 2)}\n`);
}

export function formOf({ program, plan }: CompiledModel): NetForm {
  const multiplied = program.instructions.flatMap((i) => {
    if (i.kind === "conv-bases") return [planesText(i)];
    if (i.kind !== "conv" && i.kind !== "conv-float") return [];
    const weights = i.kind === "conv" ? valuesText({ kind: "codes", ...i.weights }) : floatsText(i.weights);
    return [`${valuesText(program.tensors[i.input]!.domain)} × ${weights}`];
  });
  return {
    domains: distinct(multiplied).join(SEPARATOR),
    kernels: distinct(plan.steps.map(({ choice }) => choice.kernel)).join(SEPARATOR),
  };
}

function floatsText(weights: Float32Array): string {
  const powers = powerRange(weights);
  return powers === undefined ? "f32" : powersText(powers);
}

/** "2 planes of ±1 × 3 bases of ±1". */
function planesText({ planes, bases, coefficients }: Extract<Instruction, { kind: "conv-bases" }>): string {
  const counted = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;
  const count = coefficients.length / (bases[0]!.outputs * bases.length);
  const alphabet = valuesText({ kind: "codes", bits: 1, ...planes });
  const codes = distinct(bases.map((basis) => valuesText({ kind: "codes", ...basis }))).join(", ");
  return `${counted(count, "plane", "planes")} of ${alphabet} × ${counted(bases.length, "basis", "bases")} of ${codes}`;
}

/** The values of a domain, as papers write them. */
function valuesText(domain: Domain): string {
  if (domain.kind === "scalar") return domain.type;
  const { bits, step, offset } = domain;
  if (bits === 1) return step === 2 && offset === -1 ? "±1" : `{${offset}, ${offset + step}}`;
  return bits === 2 && step === 1 && offset === -1 ? "{−1, 0, +1}" : `${bits}-bit`;
}

export function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}
