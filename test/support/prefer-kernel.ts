import { kernels } from "../../src/kernels/registry.js";
import type { Kernel } from "../../src/kernels/types.js";
import type { DeviceProgram } from "../../src/program/index.js";
import type { Cpu } from "../../src/targets/index.js";

/** The registry in which one variant of a kernel is nearly free: plans take it wherever it matches. */
export function preferring(variant: string): Kernel[] {
  return kernels.map((kernel) => ({
    ...kernel,
    match: (program, index, cpu) =>
      kernel
        .match(program, index, cpu)
        .map((choice) => (choice.kernel === variant ? { ...choice, cost: choice.cost * 1e-6 } : choice)),
  }));
}

/** Names of all kernel variants that match some convolution of a program. */
export function convVariants(program: DeviceProgram, cpu: Cpu): string[] {
  const names = program.instructions.flatMap(({ kind }, index) =>
    kind === "conv" ? kernels.flatMap((k) => k.match(program, index, cpu).map((c) => c.kernel)) : [],
  );
  return [...new Set(names)].sort();
}
