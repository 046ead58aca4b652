import { readFileSync } from "node:fs";
import type { CompiledModel } from "../compile.js";
import { readNpy } from "../formats/npy.js";
import { batchFromArray, type InputBatch, randomBatch } from "../inputs.js";
import { wholeNumber } from "./options.js";

/** Options of every command that feeds a model with inputs. */
export interface BatchOptions {
  readonly input?: string;
  readonly count?: string;
  readonly seed: string;
}

/** The inputs that the options ask for: those of a file, or random ones, `defaultCount` of them. */
export function batchFromOptions(
  { program }: CompiledModel,
  { input, count: asked, seed }: BatchOptions,
  defaultCount: number,
): InputBatch {
  const count = asked === undefined ? undefined : wholeNumber("--count", asked, 1, 1_000_000);
  if (input === undefined) {
    return randomBatch(program, count ?? defaultCount, wholeNumber("--seed", seed, 0, 2 ** 32 - 1));
  }
  const batch = batchFromArray(program, readNpy(readFileSync(input), input), input);
  return { ...batch, count: Math.min(count ?? batch.count, batch.count) };
}
