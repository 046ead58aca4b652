/** CPU cores and boards. */
export {
  type Board,
  findBoard,
  listBoardIds,
  listBoards,
  type Memory,
  type QemuMachine,
  qemuBoard,
  type UartDriver,
} from "./boards.js";
export { type Cpu, findCpu, isArmv6M, listCpus } from "./cpus.js";
export { dataMemories, type NamedMemory } from "./data-memories.js";
