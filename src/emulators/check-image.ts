/** Refuses an image that was not built for the board: emulators run many of them all the same, wrongly. */
import { type BitloomError, fail } from "../diagnostics/diagnostic.js";
import type { Board, Memory } from "../targets/boards.js";
import type { Cpu } from "../targets/cpus.js";
import { CpuArch, cpuArch } from "../toolchain/attributes.js";
import { type Elf, type ElfSection, SectionFlag } from "../toolchain/elf.js";

/** What a core executes, as the images for it say it. Renode's Cortex-M0 executes Thumb-2, a real one does not. */
const accepted: Readonly<Record<Cpu["architecture"], readonly number[]>> = {
  "Armv6-M": [CpuArch.v6M, CpuArch.v6SM],
  "Armv7-M": [CpuArch.v6M, CpuArch.v6SM, CpuArch.v7],
  "Armv7E-M": [CpuArch.v6M, CpuArch.v6SM, CpuArch.v7, CpuArch.v7EM],
  "Armv8-M Baseline": [CpuArch.v6M, CpuArch.v6SM, CpuArch.v8MBase],
  "Armv8-M Mainline": Object.values(CpuArch).filter((arch) => arch !== CpuArch.v81MMain),
  "Armv8.1-M Mainline": Object.values(CpuArch),
};

/** Throws `emulator/wrong-image` (exit 2) when the image is for another core, or lies outside the board's memories. */
export function checkImage(elf: Elf, board: Board, image: string): void {
  const wrong = (why: string): BitloomError =>
    fail("emulator/wrong-image", `it was not built for ${board.id}: ${why}`, {
      where: image,
      remedy: `build it for ${board.id}`,
    });
  const arch = cpuArch(elf);
  if (arch !== undefined && !accepted[board.cpu.architecture].includes(arch)) {
    throw wrong(`it has instructions that a ${board.cpu.name} lacks`);
  }
  const { flash, ram } = board.memories;
  const stray = elf.sections.find((s) => takesMemory(s) && !isWithin(s, flash) && !isWithin(s, ram));
  if (stray !== undefined) {
    const place = `0x${stray.address.toString(16).padStart(8, "0")}`;
    throw wrong(`${stray.size} bytes at ${place} (${stray.name}) are outside its flash and RAM`);
  }
}

function takesMemory(section: ElfSection): boolean {
  return (section.flags & SectionFlag.alloc) !== 0 && section.size > 0;
}

function isWithin({ address, size }: ElfSection, memory: Memory): boolean {
  return address >= memory.origin && address + size <= memory.origin + memory.size;
}
