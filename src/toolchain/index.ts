/** Compilers, ELF files, and what can be learnt from them. */
export { type Armv6MViolation, checkArmv6M } from "./armv6m.js";
export { CpuArch, cpuArch } from "./attributes.js";
export { armGccVersion, type CompileJob, compileAll, objectPath, runTool } from "./compiler.js";
export { DoesNotFit, roomierBoard, type Shortage, shortagesText } from "./does-not-fit.js";
export {
  ELF_MACHINE_ARM,
  type Elf,
  type ElfLoad,
  type ElfSection,
  type ElfSymbol,
  findFunction,
  functionAddress,
  nearestSymbol,
  parseElf,
  readElf,
} from "./elf.js";
export {
  buildFirmware,
  buildHost,
  compileForCpu,
  type Firmware,
  type FirmwareOptions,
  HARNESS_FLAGS,
  type HostOptions,
  type HostProgram,
  LIBRARY_FLAGS,
  type Link,
  linkImage,
  writeBoardFiles,
} from "./firmware.js";
export { imageMismatch } from "./image-mismatch.js";
export type { LibraryOnDisk } from "./library.js";
export { type EntryPoint, type EntryStack, entryStacks, libraryStack } from "./library-stack.js";
export { findRenode, probeTools, RENODE_REMEDY, type ToolStatus } from "./probe.js";
export { type MemoryUse, memoryUse } from "./size.js";
export type { StackUse } from "./stack.js";
export { armBinutil, armGcc, findOnPath, hostCc, missing, type ToolNeed, versionLine } from "./tools.js";
