/** What is counted while an image runs; qemu-plugin/thumb.h and profile.c have the same names. */

/** Classes of instructions: every executed instruction is in exactly one. */
export const instructionClasses = [
  "alu",
  "multiply",
  "multiply-add",
  "multiply-long",
  "multiply-add-long",
  "divide",
  "load",
  "store",
  "load-multiple",
  "store-multiple",
  "return-multiple",
  "branch",
  "call",
  "jump",
  "table-branch",
  "it",
  "nop",
  "system",
  "loop",
  "float",
  "float-accumulate",
  "float-divide",
  "float-load",
  "float-store",
  "mve",
  "mve-load",
  "mve-store",
] as const;

/** What cycle estimates need beside the classes. */
export const extraCounters = [
  /** Words that load-multiple, return-multiple and float-load move. */
  "loaded-words",
  "stored-words",
  /** Single loads straight after another single access that they do not depend on. */
  "pipelined-loads",
  /** Single stores to the sum of two registers, not straight after another single access. */
  "indexed-stores",
  /** All changes of control, calls and returns included. */
  "branches-taken",
  "branches-not-taken",
] as const;

export type InstructionClass = (typeof instructionClasses)[number];
export type Counter = InstructionClass | (typeof extraCounters)[number];

/** Counts by name; absent is 0. */
export type Counts = Readonly<Partial<Record<Counter, number>>>;

/** Sum over the classes: the executed instructions. */
export function instructionsIn(counts: Counts): number {
  return instructionClasses.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
}

/** Counts of both together. */
export function addCounts(a: Counts, b: Counts): Counts {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<Counter>;
  return Object.fromEntries([...names].map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]));
}

/** A line of the plugin's report after its first word: names and counts in turn. Unknown names are an error. */
export function parseCounts(words: readonly string[]): Counts {
  const known = new Set<string>([...instructionClasses, ...extraCounters]);
  const counts: Partial<Record<Counter, number>> = {};
  for (let i = 0; i + 1 < words.length; i += 2) {
    const name = words[i]!;
    if (!known.has(name)) throw new Error(`the profile plugin reports an unknown count "${name}"`);
    counts[name as Counter] = Number(words[i + 1]);
  }
  return counts;
}
