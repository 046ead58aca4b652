/** Where banks begin and end in the memory map, and their names beside it. */
import { bytesText, px } from "./text.js";

/** Pixels that the names take beside the map. */
export const BANKS_WIDTH = 96;
/** Pixels between the baselines of two lines. */
const LINE = 13;

export interface BankMark {
  /** A bracket along the bank's addresses. */
  readonly path: string;
  readonly x: number;
  readonly lines: readonly { readonly text: string; readonly y: number }[];
  /** Height of the line above which the next bank begins; of the last one the top of the arena. */
  readonly end: number;
  readonly tooltip: string;
}

/** Lines of a name: which bank, and its bytes. */
const LINES = 2;

interface Side {
  /** Where the map ends. */
  readonly right: number;
  readonly bottom: number;
  /** Pixels of a byte. */
  readonly upward: number;
}

/** Marks for banks that follow each other upwards, at the right of a map. */
export function bankMarks(banks: readonly number[], { right, bottom, upward }: Side): BankMark[] {
  const starts = banks.map((_, bank) => banks.slice(0, bank).reduce((a, b) => a + b, 0));
  const at = (bytes: number): number => px(bottom - bytes * upward);
  const middles = banks.map((bytes, bank) => at(starts[bank]! + bytes / 2));
  const top = at(starts.at(-1)! + banks.at(-1)!);
  const lasts = apart(
    middles.map((y) => y + LINE * (LINES / 2) - 3),
    top + LINE,
  );
  return banks.map((bytes, bank) => {
    const [start, end] = [starts[bank]!, starts[bank]! + bytes];
    const texts = [`bank ${bank}`, bytesText(bytes)];
    return {
      path: `M${px(right + 4)} ${at(start)}h5V${at(end)}h-5`,
      x: px(right + 15),
      lines: texts.map((text, i) => ({ text, y: px(lasts[bank]! - (LINES - 1 - i) * LINE) })),
      end: at(end),
      tooltip: `bank ${bank}: ${bytesText(bytes)}, addresses ${start} to ${end - 1} of the map`,
    };
  });
}

/** Baselines from the lowest name upwards, moved so far that no name stands on another and none above `top`. */
function apart(wanted: readonly number[], top: number): number[] {
  const moved: number[] = [];
  for (const y of wanted) moved.push(Math.min(y, (moved.at(-1) ?? Number.POSITIVE_INFINITY) - LINES * LINE));
  let least = top;
  for (let i = moved.length - 1; i >= 0; i--) {
    moved[i] = Math.max(moved[i]!, least);
    least = moved[i]! + LINES * LINE;
  }
  return moved;
}
