/** Memory that a firmware or an object takes. */
import { type Elf, SectionFlag, SectionType } from "./elf.js";

/** Section of the linker script that reserves the stack; counted on its own. */
export const STACK_SECTION = ".stack";

export interface MemoryUse {
  /** Bytes of flash: code, constants, and the initial values of variables. */
  readonly flashBytes: number;
  /** Bytes of RAM: variables, without the stack. */
  readonly ramBytes: number;
  /** Bytes of RAM reserved for the stack; 0 in an object. */
  readonly reservedStackBytes: number;
}

/** Adds up the sections that take memory. */
export function memoryUse(elf: Elf): MemoryUse {
  let flashBytes = 0;
  let ramBytes = 0;
  let reservedStackBytes = 0;
  for (const section of elf.sections) {
    if ((section.flags & SectionFlag.alloc) === 0) continue;
    const inFile = section.type !== SectionType.nobits;
    const writable = (section.flags & SectionFlag.write) !== 0;
    if (section.name === STACK_SECTION) {
      reservedStackBytes += section.size;
      continue;
    }
    if (inFile) flashBytes += section.size;
    if (writable) ramBytes += section.size;
  }
  return { flashBytes, ramBytes, reservedStackBytes };
}
