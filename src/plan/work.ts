/**
 * Work that searches may still do together, in states that are looked at. It is counted and not timed, so that what is found
 * is the same on every machine.
 */
export interface Work {
  left: number;
}

/** For searches that have other bounds, and must come to their end. */
export function unlimited(): Work {
  return { left: Number.POSITIVE_INFINITY };
}
