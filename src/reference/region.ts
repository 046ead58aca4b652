/**
 * Boxes of a YOLO region head, as darknet's `get_region_boxes` and `do_nms_sort` find them (src/region_layer.c, src/box.c).
 * docs/NUMERICS.md has every step; what the model's and the device's reference round differently is an argument.
 */
import type { RegionRule } from "../program/types.js";

const f = Math.fround;

/** Functions of the head's numbers. */
export interface RegionFunctions {
  readonly sigmoid: (x: number) => number;
  /** Width or height in the map's size: `anchor · e^t / cells`. */
  readonly size: (t: number, anchor: number, cells: number) => number;
  readonly softmax: (line: readonly number[]) => ArrayLike<number>;
}

/** Where the head's numbers are. */
export interface RegionInput {
  readonly height: number;
  readonly width: number;
  readonly at: (channel: number, y: number, x: number) => number;
}

type Box = readonly [x: number, y: number, width: number, height: number];

interface Candidate {
  readonly box: Box;
  readonly score: number;
  /** Tells boxes apart. */
  readonly place: number;
  readonly classIndex: number;
}

/** Rows of x, y, width, height, score and class for `count` boxes, the best first; 0 behind the last. */
export function regionBoxes(
  rule: RegionRule,
  input: RegionInput,
  functions: RegionFunctions,
  count: number,
): Float32Array {
  // Array.prototype.sort is stable: of equal scores the first stays first.
  const best = candidatesOf(rule, input, functions)
    .sort((a, b) => b.score - a.score)
    .slice(0, rule.candidates);
  const kept: Candidate[] = [];
  for (const candidate of best) {
    if (!kept.some((better) => suppresses(rule, better, candidate))) kept.push(candidate);
  }
  const rows = new Float32Array(count * 6);
  kept.slice(0, count).forEach(({ box, score, classIndex }, i) => {
    rows.set([...box, score, classIndex], i * 6);
  });
  return rows;
}

/** Pairs of box and class whose score exceeds the threshold, by row, column, anchor and class. */
function candidatesOf(rule: RegionRule, input: RegionInput, functions: RegionFunctions): Candidate[] {
  const { anchors, classes, scoreThreshold } = rule;
  const { height, width } = input;
  const count = anchors.length / 2;
  const found: Candidate[] = [];
  for (let place = 0; place < height * width * count; place++) {
    const anchor = place % count;
    const x = Math.floor(place / count) % width;
    const y = Math.floor(place / count / width);
    const t = Array.from({ length: 5 + classes }, (_, i) => input.at(anchor * (5 + classes) + i, y, x));
    const objectness = functions.sigmoid(t[4]!);
    if (!(objectness > scoreThreshold)) continue;
    const box: Box = [
      f(f(functions.sigmoid(t[0]!) + x) / width),
      f(f(functions.sigmoid(t[1]!) + y) / height),
      functions.size(t[2]!, anchors[2 * anchor]!, width),
      functions.size(t[3]!, anchors[2 * anchor + 1]!, height),
    ];
    const line = t.slice(5);
    const ofClasses =
      rule.classScores === "softmax" ? functions.softmax(line) : line.map((v) => functions.sigmoid(v));
    for (let classIndex = 0; classIndex < classes; classIndex++) {
      const score = f(objectness * ofClasses[classIndex]!);
      if (score > scoreThreshold) found.push({ box, score, place, classIndex });
    }
  }
  return found;
}

function suppresses({ suppression, iouThreshold }: RegionRule, better: Candidate, other: Candidate): boolean {
  if (suppression === "class" && better.classIndex !== other.classIndex) return false;
  return better.place === other.place || overlap(better.box, other.box) > iouThreshold;
}

/** Intersection over union; 0 where either is 0. */
function overlap(a: Box, b: Box): number {
  const width = common(a[0], a[2], b[0], b[2]);
  const height = common(a[1], a[3], b[1], b[3]);
  const intersection = width < 0 || height < 0 ? 0 : f(width * height);
  const union = f(f(f(a[2] * a[3]) + f(b[2] * b[3])) - intersection);
  return intersection === 0 || union === 0 ? 0 : f(intersection / union);
}

/** Length that two intervals share, by their centres and lengths; below 0 where they are apart. */
function common(x1: number, length1: number, x2: number, length2: number): number {
  const [half1, half2] = [f(length1 / 2), f(length2 / 2)];
  const left = Math.max(f(x1 - half1), f(x2 - half2));
  const right = Math.min(f(x1 + half1), f(x2 + half2));
  return f(right - left);
}
