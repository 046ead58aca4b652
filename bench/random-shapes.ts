/** Random convolutions, for judging the planner's choices. */
import { xorshift32 } from "../src/compile.js";
import { codeKinds, type LayerShape, planeValues } from "./shapes.js";

/** What random layers multiply. */
export type ShapeKind = "bits" | "codes" | "bases";

/** `count` layers that any core can hold, the same for the same seed. */
export function randomShapes(seed: number, count: number, kind: ShapeKind = "bits"): LayerShape[] {
  const random = xorshift32(seed * 0x9e37_79b9);
  // The first numbers of a small seed are alike.
  for (let i = 0; i < 16; i++) random();
  const pick = <T>(from: readonly T[]): T => from[random() % from.length]!;
  const shapes = new Map<string, LayerShape>();
  while (shapes.size < count) {
    const bits = randomShape(`random-${seed}-${shapes.size}`, pick);
    const shape =
      kind === "codes" ? { ...bits, codes: pick(codeKinds) } : kind === "bases" ? ofBases(bits, pick) : bits;
    // The same layer once only.
    if (!shapes.has(shapeText(shape))) shapes.set(shapeText(shape), shape);
  }
  return [...shapes.values()];
}

function randomShape(id: string, pick: <T>(from: readonly T[]) => T): LayerShape {
  const channels = pick([16, 24, 32, 40, 64, 96, 128, 256]);
  // Few channels on large maps, many on small ones, as in nets.
  const side = channels >= 128 ? pick([1, 2, 4, 7, 8]) : pick([4, 7, 8, 12, 14, 16, 20, 28, 32]);
  const kernel = side === 1 ? 1 : pick([1, 3, 3, 3, 5]);
  const groups = pick([1, 1, 1, 1, 2]);
  return {
    id,
    input: "bits",
    height: side,
    width: side === 1 ? 1 : Math.max(1, side + pick([0, 0, 0, 1, -1, 4])),
    channels,
    outputs: pick([16, 32, 48, 64, 128]),
    kernel: [kernel, kernel],
    stride: side === 1 ? 1 : pick([1, 1, 1, 2]),
    dilation: 1,
    groups,
    padding: side >= kernel ? pick(["same", "same", "valid"] as const) : "same",
    padValue: pick([-1, -1, 0, 1]),
    result: "bits",
  };
}

/** Narrow layers too, of any number of channels; without a pad value taps are left out. */
function ofBases(shape: LayerShape, pick: <T>(from: readonly T[]) => T): LayerShape {
  return {
    ...shape,
    channels: shape.groups * pick([4, 8, 12, 16, 24, 32, 48, 64]),
    outputs: shape.groups * pick([5, 10, 12, 16, 24, 32, 33, 48, 64]),
    height: Math.min(shape.height, 8),
    width: Math.min(shape.width, 10),
    padValue: pick([0, 0, 1]),
    result: pick(["bits", "sums"] as const),
    bases: { planes: pick([1, 2, 2, 3]), count: pick([1, 2, 2, 3, 5]), values: pick(planeValues) },
  };
}

/** A layer in words. */
export function shapeText(s: LayerShape): string {
  const odd = [
    ...(s.stride === 1 ? [] : [`stride ${s.stride}`]),
    ...(s.groups === 1 ? [] : [`${s.groups} groups`]),
    ...(s.codes === undefined ? [] : [`codes ${s.codes.values.count} × ${s.codes.weights.count}`]),
    ...(s.bases === undefined ? [] : [`${s.bases.planes} planes × ${s.bases.count} bases, ${s.result}`]),
    s.padding === "same" && s.kernel[0] > 1 ? `padding ${s.padValue}` : "no padding",
  ];
  return `${s.kernel.join("×")} ${s.channels}→${s.outputs}, ${s.height}×${s.width}, ${odd.join(", ")}`;
}
