/**
 * Boxes of YOLO heads, written after darknet's own passes: every cell is decoded, then suppression zeroes scores, class by
 * class. In any arithmetic: float64, or the device's with each operation rounded.
 */
import type { Value } from "./arithmetic.js";

export interface HeadRule {
  /** [width, height] in cells. */
  readonly anchors: readonly (readonly [number, number])[];
  readonly classes: number;
  readonly isSoftmax: boolean;
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  readonly anyClass: boolean;
  readonly candidates: number;
  readonly boxes: number;
}

export interface HeadArithmetic {
  readonly exp: (x: number) => number;
  readonly round: (x: number) => number;
}

export const FLOAT64: HeadArithmetic = { exp: Math.exp, round: (x) => x };

export interface Boxes {
  /** x, y, width, height, score and class of each box. */
  readonly rows: readonly (readonly number[])[];
  /** The least difference that decided anything, but for exact ties. */
  readonly margin: number;
}

interface Detection {
  readonly place: readonly [x: number, y: number, width: number, height: number];
  /** Score of each class; 0 where it is out. */
  readonly scores: number[];
}

/** The boxes of batch entry `n` of a head [batch, anchors · (5 + classes), rows, columns]. */
export function detect(head: Value, n: number, rule: HeadRule, arithmetic: HeadArithmetic): Boxes {
  let margin = Number.POSITIVE_INFINITY;
  const decided = (difference: number): boolean => {
    if (difference !== 0) margin = Math.min(margin, Math.abs(difference));
    return difference > 0;
  };
  const found = detections(head, n, rule, arithmetic);
  for (const { scores } of found)
    scores.forEach((s, c) => {
      if (!decided(s - rule.scoreThreshold)) scores[c] = 0;
    });
  for (const { detection, c } of inOrder(found).slice(rule.candidates)) detection.scores[c] = 0;
  const passes = rule.anyClass ? [undefined] : Array.from({ length: rule.classes }, (_, c) => c);
  for (const only of passes) {
    const order = inOrder(found).filter(({ c }) => only === undefined || c === only);
    order.forEach(({ detection: a, c }, i) => {
      if (a.scores[c] === 0) return;
      for (const { detection: b, c: other } of order.slice(i + 1)) {
        if (b.scores[other] === 0) continue;
        if (a === b || decided(iou(a.place, b.place, arithmetic.round) - rule.iouThreshold))
          b.scores[other] = 0;
      }
    });
  }
  const left = inOrder(found);
  left.forEach(({ score }, i) => {
    if (i > 0) decided(left[i - 1]!.score - score);
  });
  const rows = left.slice(0, rule.boxes).map(({ detection, score, c }) => [...detection.place, score, c]);
  return { rows, margin };
}

/** All scores that are not 0, the greatest first; equal ones as they were found. */
function inOrder(found: readonly Detection[]) {
  return found
    .flatMap((detection) => detection.scores.map((score, c) => ({ detection, score, c })))
    .filter(({ score }) => score !== 0)
    .sort((a, b) => b.score - a.score);
}

function detections(
  { shape, data }: Value,
  n: number,
  { anchors, classes, isSoftmax }: HeadRule,
  { exp, round }: HeadArithmetic,
): Detection[] {
  const [, channels, rows, columns] = shape as [number, number, number, number];
  const logistic = (x: number): number =>
    x >= 0 ? round(1 / round(1 + exp(-x))) : round(exp(x) / round(1 + exp(x)));
  const found: Detection[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      anchors.forEach(([width, height], anchor) => {
        const entry = (i: number): number =>
          data[((n * channels + anchor * (5 + classes) + i) * rows + row) * columns + column]!;
        const raw = Array.from({ length: classes }, (_, c) => entry(5 + c));
        const greatest = Math.max(...raw);
        const powers = raw.map((v) => exp(round(v - greatest)));
        const sum = powers.reduce((a, b) => round(a + b), 0);
        const ofClasses = isSoftmax ? powers.map((p) => round(p / sum)) : raw.map(logistic);
        const objectness = logistic(entry(4));
        found.push({
          place: [
            round(round(logistic(entry(0)) + column) / columns),
            round(round(logistic(entry(1)) + row) / rows),
            round(round(width * exp(entry(2))) / columns),
            round(round(height * exp(entry(3))) / rows),
          ],
          scores: ofClasses.map((p) => round(objectness * p)),
        });
      });
    }
  }
  return found;
}

function iou(a: Detection["place"], b: Detection["place"], round: (x: number) => number): number {
  const shared = ([p, q]: readonly [number, number], [lp, lq]: readonly [number, number]): number =>
    round(
      Math.min(round(p + round(lp / 2)), round(q + round(lq / 2))) -
        Math.max(round(p - round(lp / 2)), round(q - round(lq / 2))),
    );
  const width = shared([a[0], b[0]], [a[2], b[2]]);
  const height = shared([a[1], b[1]], [a[3], b[3]]);
  if (width < 0 || height < 0) return 0;
  const both = round(width * height);
  const all = round(round(round(a[2] * a[3]) + round(b[2] * b[3])) - both);
  return both === 0 || all === 0 ? 0 : round(both / all);
}
