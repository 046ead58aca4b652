import { didYouMean, printable } from "../../diagnostics/text.js";

/** Guesses at what was meant are of use for the first few names; each compares with many. */
const MOST_GUESSES = 20;
const MOST_CANDIDATES = 500;
const LONGEST_GUESSED = 60;

/** Suggests names for those that do not exist, as often as is of use. */
export class Guesser {
  #left = MOST_GUESSES;

  /** `did you mean …?`, or what else helps. */
  remedy(wrong: string, names: readonly string[], otherwise: string): string {
    if (wrong.length > LONGEST_GUESSED || this.#left-- <= 0) return otherwise;
    const near = names.filter((n) => Math.abs(n.length - wrong.length) <= wrong.length / 3 + 1);
    const guess = didYouMean(wrong, near.slice(0, MOST_CANDIDATES));
    return guess === undefined ? otherwise : `did you mean ${printable(guess, 60)}?`;
  }
}
