/** Steps along the horizontal axis: how wide a step is drawn, and how it is named. */
import type { ReportedStep } from "./data.js";
import { fitText, nameText, px, textWidth } from "./text.js";

/** Pixels that the steps and what stands at their right take together, if they are neither too few nor too many for it. */
const WIDTH = 984;
const WIDEST = 246;
const NARROWEST = 3;

/** Size of the names' font. */
const NAME_SIZE = 10.5;
/** Narrowest column in which a name fits at a slope. */
const SLOPED_COLUMN = 13;
const SLOPE_DEGREES = 60;
/** Longest sloped name in pixels: the table has the whole. */
const SLOPED_LENGTH = 170;
/** Pixels between two numbers where only some columns have one. */
const NUMBER_ROOM = 26;

export interface AxisName {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  /** Attribute of the text element. */
  readonly transform: string;
  readonly anchor: "middle" | "end";
}

export interface Columns {
  /** Pixels per step, and of all steps. */
  readonly column: number;
  readonly width: number;
  readonly names: readonly AxisName[];
  /** Pixels that the names take beneath the axis. */
  readonly namesHeight: number;
}

/** Columns for the steps; `left` and `bottom` are where the axis begins, `beside` what is wanted at their right. */
export function columnsOf(
  steps: readonly Pick<ReportedStep, "kernel">[],
  left: number,
  bottom: number,
  beside = 0,
): Columns {
  const room = (WIDTH - beside) / Math.max(1, steps.length);
  const column = Math.min(WIDEST, Math.max(NARROWEST, room));
  const names = steps.map(({ kernel }, i) => `${i} ${nameText(kernel)}`);
  return { column, width: column * steps.length, ...axisNames(names, column, left, bottom) };
}

function axisNames(
  names: readonly string[],
  column: number,
  left: number,
  bottom: number,
): Pick<Columns, "names" | "namesHeight"> {
  const middle = (i: number): number => px(left + (i + 0.5) * column);
  const longest = Math.max(0, ...names.map((n) => textWidth(n, NAME_SIZE)));
  if (longest <= column - 8) {
    const y = bottom + 16;
    return {
      names: names.map((text, i) => ({ text, x: middle(i), y, transform: "", anchor: "middle" })),
      namesHeight: 24,
    };
  }
  if (column >= SLOPED_COLUMN) return slopedNames(names, middle, bottom);
  const every = [2, 5, 10, 20, 50, 100].find((n) => n * column >= NUMBER_ROOM) ?? 200;
  return {
    names: names.flatMap((_, i) =>
      i % every === 0
        ? [{ text: String(i), x: middle(i), y: bottom + 16, transform: "", anchor: "middle" as const }]
        : [],
    ),
    namesHeight: 24,
  };
}

function slopedNames(
  names: readonly string[],
  middle: (i: number) => number,
  bottom: number,
): Pick<Columns, "names" | "namesHeight"> {
  const y = bottom + 12;
  const texts = names.map((name) => fitText(name, SLOPED_LENGTH, NAME_SIZE));
  const longest = Math.max(...texts.map((t) => textWidth(t, NAME_SIZE)));
  return {
    names: texts.map((text, i) => {
      const x = px(middle(i) + 3);
      return { text, x, y, transform: `rotate(-${SLOPE_DEGREES} ${x} ${y})`, anchor: "end" };
    }),
    namesHeight: Math.ceil(longest * Math.sin((SLOPE_DEGREES * Math.PI) / 180)) + 20,
  };
}
