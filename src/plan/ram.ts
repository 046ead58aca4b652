/** Plans for little RAM: the least that is found, the fastest within a limit, and the whole curve between. */

import { bufferAlign } from "./align.js";
import type { ChosenSteps } from "./choose.js";
import { chooseWithin, type RollingCandidates } from "./choose-within.js";
import { placeChosen } from "./in-place.js";

/** Limits tried on the way to the least RAM, and to one that the placed arena keeps. */
const MAX_TRIALS = 12;

/** Bytes by which what a search counts may exceed what its plan needs; of a stream, for each of its rings. */
const SLACK = 24;
const SLACK_OF_RING = 7;

/** What the search for places counts as, where the first tries do not meet the bound: a second or two. */
const PLACING = 250_000;

/** A plan before it has names, with the bytes of its arena. */
export interface Sized {
  readonly chosen: ChosenSteps;
  readonly arenaBytes: number;
  /** The most bytes that are live at a time. */
  readonly lowerBound: number;
  /** Whether no places of the same buffers need fewer bytes. */
  readonly proven: boolean;
}

export function sized(candidates: RollingCandidates, chosen: ChosenSteps): Sized {
  const align = bufferAlign(candidates.cpu);
  const { arenaBytes, lowerBound, proven } = placeChosen(candidates.program, chosen, align);
  return { chosen, arenaBytes, lowerBound, proven };
}

/** The fastest plan found whose arena has at most `limit` bytes. */
export function fastestWithin(candidates: RollingCandidates, limit: number): Sized | undefined {
  // The search rounds every buffer up to 8 bytes, places do not.
  const { stream, program } = candidates;
  const rings = stream === undefined ? 0 : SLACK_OF_RING * program.instructions.length;
  let allowed = limit + Math.max(SLACK, rings);
  for (let trial = 0; trial < MAX_TRIALS; trial++) {
    const chosen = chooseWithin(candidates, allowed);
    if (chosen === undefined) return undefined;
    const found = sized(candidates, chosen);
    if (found.arenaBytes > found.lowerBound) candidates.work.left -= PLACING;
    if (found.arenaBytes <= limit) return found;
    // Live bytes kept the limit, but could not be placed in so little: another plan is wanted.
    allowed = Math.min(allowed - 8, found.lowerBound + SLACK - 8 * (1 + trial));
  }
  return undefined;
}

/** The plan with the least arena that halving finds, and of those the fastest, no larger than `start`. */
export function leastRam(candidates: RollingCandidates, start: Sized): Sized {
  let best = start;
  let tooLittle = 0;
  // To one part in 64 of what is found.
  for (let trial = 0; trial < MAX_TRIALS && best.arenaBytes - tooLittle > 8 + best.arenaBytes / 64; trial++) {
    const limit = Math.floor((best.arenaBytes + tooLittle) / 16) * 8;
    const found = fastestWithin(candidates, limit);
    if (found === undefined) tooLittle = limit;
    else best = found;
  }
  return best;
}
