/**
 * Estimated cycles: one table per core, from what Arm publishes, for memories without wait states. Caches, wait
 * states, bus contention and alignment are left out, so the figures are estimates, never measurements.
 */
import { type Counter, type Counts, instructionClasses } from "./counters.js";

export interface CoreTimings {
  /** Where the figures come from, and what is simplified. */
  readonly source: string;
  /** Cycles per count: of a class per instruction, of the other counters in addition. */
  readonly cycles: Readonly<Partial<Record<Counter, number>>>;
}

const everyInstructionTakesOne: CoreTimings["cycles"] = Object.fromEntries(
  instructionClasses.map((name) => [name, 1]),
);

/** P, the refill of the pipeline, "ranges from 1 to 3": the middle. */
const REFILL = 2;
/** Divisions take "2 to 12" cycles, fewer for small quotients: the middle. */
const DIVIDE = 7;

const armv7mLoadsAndStores: CoreTimings["cycles"] = {
  // 2 cycles, or 1 where it overlaps with the access before.
  load: 2,
  "pipelined-loads": -1,
  // "STR Rx,[Ry,#imm] is always one cycle"; with a register offset 2.
  store: 1,
  "indexed-stores": 1,
  // 1 + N.
  "load-multiple": 1,
  "store-multiple": 1,
  "return-multiple": 1,
  "loaded-words": 1,
  "stored-words": 1,
  "branches-taken": REFILL,
  "table-branch": 2,
  divide: DIVIDE,
};

const cortexM4: CoreTimings["cycles"] = {
  ...everyInstructionTakesOne,
  ...armv7mLoadsAndStores,
  "float-accumulate": 3,
  "float-divide": 14,
  // 1 + N words, counted above.
  "float-load": 1,
  "float-store": 1,
};

/** The table of each core that has one, by the core's id. */
export const coreTimings: Readonly<Record<string, CoreTimings>> = Object.freeze({
  "cortex-m0": {
    source: "Cortex-M0 Technical Reference Manual (DDI 0432), table 3-1, single-cycle multiplier",
    cycles: {
      ...everyInstructionTakesOne,
      load: 2,
      store: 2,
      "load-multiple": 1,
      "store-multiple": 1,
      // 4 + N with the refill.
      "return-multiple": 2,
      "loaded-words": 1,
      "stored-words": 1,
      // A taken branch takes 3, a call 4.
      "branches-taken": 2,
      call: 2,
      system: 4,
    },
  },
  "cortex-m0plus": {
    source: "Cortex-M0+ Technical Reference Manual (DDI 0484), table 3-1, single-cycle multiplier",
    cycles: {
      ...everyInstructionTakesOne,
      load: 2,
      store: 2,
      "load-multiple": 1,
      "store-multiple": 1,
      // 3 + N with the refill.
      "return-multiple": 2,
      "loaded-words": 1,
      "stored-words": 1,
      // A taken branch takes 2, a call 3.
      "branches-taken": 1,
      call: 2,
      system: 3,
    },
  },
  "cortex-m3": {
    source: "Cortex-M3 Technical Reference Manual (DDI 0337), table 3-1 and “Load/store timings”",
    cycles: {
      ...everyInstructionTakesOne,
      ...armv7mLoadsAndStores,
      "multiply-add": 2,
      // "3 to 5" and "4 to 7".
      "multiply-long": 4,
      "multiply-add-long": 5.5,
    },
  },
  "cortex-m4": {
    source: "Cortex-M4 Technical Reference Manual (DDI 0439), tables 3-1 and 7-1 and “Load/store timings”",
    cycles: cortexM4,
  },
  "cortex-m7": {
    source:
      "Arm publishes no timings for the Cortex-M7: one instruction at a time, two words per cycle, taken branches predicted; its dual issue can halve the figure at best",
    cycles: {
      ...everyInstructionTakesOne,
      "load-multiple": 0.5,
      "store-multiple": 0.5,
      "return-multiple": 0.5,
      "loaded-words": 0.5,
      "stored-words": 0.5,
      "float-load": 0.5,
      "float-store": 0.5,
      "float-accumulate": 3,
      "float-divide": 14,
      "table-branch": 2,
      divide: DIVIDE,
    },
  },
  "cortex-m33": {
    source:
      "Arm publishes no timings for the Cortex-M33: those of the Cortex-M4, its predecessor of like design",
    cycles: cortexM4,
  },
  "cortex-m55": {
    source:
      "two 32-bit beats per cycle, so 2 cycles per vector instruction, whose overlap with others is left out; loop ends are free; everything else as for the Cortex-M4",
    cycles: {
      ...cortexM4,
      loop: 0,
      mve: 2,
      "mve-load": 2,
      "mve-store": 2,
    },
  },
});

/** Estimated cycles of what was counted, or undefined where the core has no table. */
export function estimateCycles(core: string, counts: Counts): number | undefined {
  const cycles = coreTimings[core]?.cycles;
  if (cycles === undefined) return undefined;
  const total = (Object.entries(counts) as [Counter, number][]).reduce(
    (sum, [name, count]) => sum + count * (cycles[name] ?? 0),
    0,
  );
  return Math.round(total);
}
