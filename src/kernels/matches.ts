import type { DeviceProgram } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import { inCalls } from "./rows.js";
import type { Kernel, KernelChoice } from "./types.js";

const known = new WeakMap<DeviceProgram, WeakMap<Kernel, Map<string, readonly KernelChoice[]>>>();

/**
 * What a kernel answers, asked once: packing constants takes long, and programs never change.
 *
 * @param rows The most output rows that one call is asked for; without it calls make whole tensors. Costs are those of all
 *   calls for a tensor together.
 */
export function matches(
  kernel: Kernel,
  program: DeviceProgram,
  index: number,
  cpu: Cpu,
  rows?: number,
): readonly KernelChoice[] {
  const ofProgram = known.get(program) ?? new WeakMap<Kernel, Map<string, readonly KernelChoice[]>>();
  known.set(program, ofProgram);
  const ofKernel = ofProgram.get(kernel) ?? new Map<string, readonly KernelChoice[]>();
  ofProgram.set(kernel, ofKernel);
  const key = `${cpu.id} ${index} ${rows ?? "all"}`;
  const answer = ofKernel.get(key) ?? answerOf(kernel, program, index, cpu, rows);
  ofKernel.set(key, answer);
  return answer;
}

function answerOf(
  kernel: Kernel,
  program: DeviceProgram,
  index: number,
  cpu: Cpu,
  rows: number | undefined,
): readonly KernelChoice[] {
  if (rows === undefined || kernel.countsRows) return kernel.match(program, index, cpu, rows);
  // The same choices, and the same packed constants, at another cost.
  return matches(kernel, program, index, cpu).map((choice) => inCalls(program, choice, cpu, rows));
}
