/** Executed instructions by class, and cycles estimated from them. */
export {
  type Counts,
  extraCounters,
  type InstructionClass,
  instructionClasses,
  instructionsIn,
  parseCounts,
} from "./counters.js";
export { type CoreTimings, coreTimings, estimateCycles } from "./timings.js";
