/** Machines that run generated libraries, and the protocol that feeds them. */
export { describeFault } from "./fault.js";
export { hostEmulator } from "./host.js";
export {
  type FaultRegisters,
  type Hello,
  type TraceHash,
  traceHash,
  type VectorResult,
  type Verdict,
} from "./messages.js";
export { qemuEmulator } from "./qemu.js";
export { createRenodeEmulator, type RenodeEmulator } from "./renode.js";
export { type RunOptions, runVectors, type SessionOptions, VectorSession } from "./session.js";
export type { Emulator, FoundEmulator, Machine, MachineEnd, StartOptions } from "./types.js";
