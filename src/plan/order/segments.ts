import type { Unit } from "./units.js";

/**
 * Cuts units into runs that follow each other in every order: each ends with a unit that all before it lead to and that
 * leads to all after it. What is best in one run does not depend on the others.
 */
export function segmentsOf(units: readonly Unit[]): number[][] {
  const related = relatives(units);
  const segments: number[][] = [[]];
  units.forEach((_, i) => {
    segments.at(-1)!.push(i);
    if (related[i] === units.length - 1) segments.push([]);
  });
  return segments.filter((s) => s.length > 0);
}

/** For each unit the number of others that must come before or after it. */
function relatives(units: readonly Unit[]): number[] {
  const words = Math.ceil(units.length / 32);
  const before: Uint32Array[] = [];
  const counts = new Array<number>(units.length).fill(0);
  units.forEach(({ inputs }, i) => {
    const all = new Uint32Array(words);
    for (const input of inputs) {
      all[input >> 5]! |= 1 << (input & 31);
      for (let w = 0; w < words; w++) all[w]! |= before[input]![w]!;
    }
    before.push(all);
    for (let j = 0; j < i; j++) {
      if (((all[j >> 5]! >>> (j & 31)) & 1) === 0) continue;
      counts[i]!++;
      counts[j]!++;
    }
  });
  return counts;
}
