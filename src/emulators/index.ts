/** Machines that run generated libraries, and the protocol that feeds them. */
export { describeFault } from "./fault.js";
export { hostEmulator } from "./host.js";
export {
  type FaultRegisters,
  type Hello,
  type MeasuredEntry,
  measuredEntries,
  type TraceHash,
  traceHash,
  type VectorResult,
  type Verdict,
} from "./messages.js";
export { MonitorView } from "./monitor-view.js";
export { addressOf } from "./profiled-function.js";
export { qemuEmulator } from "./qemu.js";
export { explainPluginFailure } from "./qemu-plugin.js";
export { createRenodeEmulator, type RenodeEmulator } from "./renode.js";
export { checkRenodeFolder, type RenodeFile, renodeFiles, requireRenode } from "./renode-files.js";
export { boardTarget, connectBoard, type SerialOptions } from "./serial-machine.js";
export { HARNESS_BAUD, openSerialPort, type SerialPort } from "./serial-port.js";
export { findSerialPort, listSerialPorts, type PortInfo, portUsers } from "./serial-ports.js";
export { type RunOptions, runVectors, type SessionOptions, VectorSession } from "./session.js";
export type { Emulator, FoundEmulator, FunctionCall, Machine, MachineEnd, StartOptions } from "./types.js";
