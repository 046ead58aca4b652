/** Whether an image was built for a board: emulators run many that were not, and flashers write them, wrongly. */
import type { Board, Memory } from "../targets/boards.js";
import type { Cpu } from "../targets/cpus.js";
import { CpuArch, cpuArch } from "./attributes.js";
import { type Elf, type ElfSection, SectionFlag } from "./elf.js";

/** What a core executes, as the images for it say it. Renode's Cortex-M0 executes Thumb-2, a real one does not. */
const accepted: Readonly<Record<Cpu["architecture"], readonly number[]>> = {
  "Armv6-M": [CpuArch.v6M, CpuArch.v6SM],
  "Armv7-M": [CpuArch.v6M, CpuArch.v6SM, CpuArch.v7],
  "Armv7E-M": [CpuArch.v6M, CpuArch.v6SM, CpuArch.v7, CpuArch.v7EM],
  "Armv8-M Baseline": [CpuArch.v6M, CpuArch.v6SM, CpuArch.v8MBase],
  "Armv8-M Mainline": Object.values(CpuArch).filter((arch) => arch !== CpuArch.v81MMain),
  "Armv8.1-M Mainline": Object.values(CpuArch),
};

/** Why the image is not for the board: another core, or memory that the board does not have. Undefined when it is. */
export function imageMismatch(elf: Elf, board: Board): string | undefined {
  const arch = cpuArch(elf);
  if (arch !== undefined && !accepted[board.cpu.architecture].includes(arch)) {
    return `it has instructions that a ${board.cpu.name} lacks`;
  }
  const { flash, ram } = board.memories;
  const stray = elf.sections.find((s) => takesMemory(s) && !isWithin(s, flash) && !isWithin(s, ram));
  if (stray === undefined) return undefined;
  const place = `0x${stray.address.toString(16).padStart(8, "0")}`;
  return `${stray.size} bytes at ${place} (${stray.name}) are outside its flash and RAM`;
}

function takesMemory(section: ElfSection): boolean {
  return (section.flags & SectionFlag.alloc) !== 0 && section.size > 0;
}

function isWithin({ address, size }: ElfSection, memory: Memory): boolean {
  return address >= memory.origin && address + size <= memory.origin + memory.size;
}
