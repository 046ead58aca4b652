/** What a verification proves, one check at a time, for reports that list checks. */
import { measuredEntries, type Verdict } from "./emulators/index.js";
import type { Board } from "./targets/index.js";
import type { Firmware } from "./toolchain/firmware.js";
import type { EntryStack } from "./toolchain/library-stack.js";

/**
 * `memory`: the image links within the board's memories. `instruction-set`: it has no instruction that the core lacks.
 * `self-test`: the firmware is the model's, and its constants and known answers are right. `outputs`: every input came
 * back with the reference's bits. `stack`: the stack has a bound, and what was measured stayed within it and within its room.
 */
export type CheckName = "memory" | "instruction-set" | "self-test" | "outputs" | "stack";

export interface Check {
  readonly check: CheckName;
  /** Skipped: nothing is known, since the machine did not get that far or does not measure it. */
  readonly verdict: "passed" | "failed" | "skipped";
  /** Figures, or what went wrong: one line. */
  readonly detail: string;
}

/** Something that went wrong other than differing bits, and the check that it belongs to. */
export interface Problem {
  readonly check: CheckName;
  readonly text: string;
}

/** What is known after one image has run. */
export interface Observed {
  readonly board: Board;
  /** The image for the board; absent on the host. */
  readonly firmware?: Pick<Firmware, "flashBytes" | "ramBytes" | "reservedStackBytes"> | undefined;
  /** The machine that ran in the board's place, where the image was linked for its memories and not for the board's. */
  readonly standIn?: string | undefined;
  /** True where the image was searched for instructions that the core lacks. */
  readonly searched: boolean;
  /** True when the firmware introduced itself. */
  readonly started: boolean;
  /** The firmware's own verdict, when it came to its end. */
  readonly verdict?: Verdict | undefined;
  /** Worst-case stack of the functions of the image that ran; absent where it is not known. */
  readonly stack?: readonly EntryStack[] | undefined;
  readonly problems: readonly Problem[];
  readonly vectors: number;
  readonly failedVectors: number;
  readonly differingBits: number;
  /** The first tensor that differed, in words. */
  readonly divergence?: string | undefined;
}

/** The checks of one image, in the order in which they are made. */
export function checksOf(seen: Observed): Check[] {
  const { board, searched } = seen;
  return [
    ...memory(seen),
    ...(searched
      ? [check(seen, "instruction-set", true, `every instruction is one of a ${board.cpu.name}`)]
      : []),
    check(seen, "self-test", seen.started, "constants and known answers are right"),
    outputs(seen),
    stack(seen),
  ];
}

/** None on the host, which has no board's memories. */
function memory({ firmware, board, standIn }: Observed): Check[] {
  if (firmware === undefined) return [];
  if (standIn !== undefined) {
    const detail = `this build was linked for the stand-in ${standIn} only, not for ${board.id}`;
    return [{ check: "memory", verdict: "skipped", detail }];
  }
  const { flash, ram } = board.memories;
  const ramBytes = firmware.ramBytes + firmware.reservedStackBytes;
  const detail = `${firmware.flashBytes} of ${flash.size} bytes of flash, ${ramBytes} of ${ram.size} bytes of RAM`;
  return [{ check: "memory", verdict: "passed", detail }];
}

/** Failed by problems, passed when known, skipped otherwise. */
function check({ problems }: Observed, name: CheckName, known: boolean, detail: string): Check {
  const own = problems.filter((p) => p.check === name);
  if (own.length > 0) return { check: name, verdict: "failed", detail: own.map((p) => p.text).join("; ") };
  if (!known) return { check: name, verdict: "skipped", detail: "the firmware did not get that far" };
  return { check: name, verdict: "passed", detail };
}

function outputs(seen: Observed): Check {
  const { vectors, failedVectors, differingBits, divergence, problems } = seen;
  const own = problems.filter((p) => p.check === "outputs").map((p) => p.text);
  const count = `${vectors - failedVectors} of ${vectors} inputs equal`;
  if (failedVectors === 0 && own.length === 0) return { check: "outputs", verdict: "passed", detail: count };
  const bits = `${count}, ${differingBits} differing output bits`;
  const parts = [...(divergence === undefined ? [] : [divergence]), ...own, bits];
  return { check: "outputs", verdict: "failed", detail: parts.join("; ") };
}

function stack(seen: Observed): Check {
  const { verdict, stack: bounds = [], problems } = seen;
  const measured = verdict !== undefined && verdict.stackSizeBytes > 0;
  if (verdict !== undefined && !measured && !problems.some((p) => p.check === "stack")) {
    return { check: "stack", verdict: "skipped", detail: "this machine does not measure its stack" };
  }
  const room = `${verdict?.stackUsedBytes} of ${verdict?.stackSizeBytes} bytes used`;
  const parts = measuredStacks(verdict, bounds).map((m) => `${m.entry} ${m.taken} of at most ${m.bytes}`);
  return check(seen, "stack", measured, [room, ...parts].join(", "));
}

/** What the machine measured of each function that has a bound. */
function measuredStacks(verdict: Verdict | undefined, bounds: readonly EntryStack[]) {
  return measuredEntries.flatMap((entry) => {
    const bound = bounds.find((s) => s.entry === entry);
    const taken = verdict?.stackOf?.[entry];
    return bound === undefined || taken === undefined ? [] : [{ ...bound, entry, taken }];
  });
}

/** Functions that took more stack than their bound, which is wrong then. */
export function exceededStacks(verdict: Verdict, bounds: readonly EntryStack[]): Problem[] {
  return measuredStacks(verdict, bounds)
    .filter(({ taken, bytes }) => taken > bytes)
    .map(({ function: name, taken, bytes }) => ({
      check: "stack",
      text: `${name} took ${taken} bytes of stack, more than its bound of ${bytes}`,
    }));
}
