import type { Cpu } from "../targets/index.js";

/** Cores that run the same version of a kernel: with the DSP extension, with Thumb-2 alone, or with Thumb-1. */
export type CoreFamily = "dsp" | "thumb2" | "thumb1";

export function coreFamily(cpu: Cpu): CoreFamily {
  if (cpu.architecture === "Armv6-M" || cpu.architecture === "Armv8-M Baseline") return "thumb1";
  return cpu.architecture === "Armv7-M" ? "thumb2" : "dsp";
}

/** Instructions of each thing that a kernel does (those left out cost nothing), and how often it does it. */
export function weighted<K extends string>(
  instructions: Readonly<Partial<Record<K, number>>>,
  counts: Readonly<Record<K, number>>,
): number {
  let sum = 0;
  for (const key of Object.keys(counts) as K[]) sum += (instructions[key] ?? 0) * counts[key];
  return Math.round(sum);
}
