import type { DeviceProgram } from "../program/types.js";
import type { Cpu } from "../targets/index.js";
import type { Kernel, KernelChoice } from "./types.js";

const known = new WeakMap<DeviceProgram, WeakMap<Kernel, Map<string, readonly KernelChoice[]>>>();

/** What a kernel answers, asked once: packing constants takes long, and programs never change. */
export function matches(
  kernel: Kernel,
  program: DeviceProgram,
  index: number,
  cpu: Cpu,
): readonly KernelChoice[] {
  const ofProgram = known.get(program) ?? new WeakMap<Kernel, Map<string, readonly KernelChoice[]>>();
  known.set(program, ofProgram);
  const ofKernel = ofProgram.get(kernel) ?? new Map<string, readonly KernelChoice[]>();
  ofProgram.set(kernel, ofKernel);
  const key = `${cpu.id} ${index}`;
  const answer = ofKernel.get(key) ?? kernel.match(program, index, cpu);
  ofKernel.set(key, answer);
  return answer;
}
