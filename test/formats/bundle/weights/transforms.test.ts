/** What happens to latent weights before they are quantized, against definitions on numbers. */
import { expect, test } from "vitest";
import type { WeightTensor } from "../../../../src/graph/types.js";
import { graphOf, problemOf, type TensorSpec, tensor } from "../../../support/bundle.js";
import { Random } from "../../../support/random-graph.js";

const f = Math.fround;
const seed = Number(process.env.BITLOOM_SEED ?? 1);
const random = new Random(seed);

const SHAPE = [3, 5, 3, 3] as const;
const [OUTPUTS, CHANNELS] = SHAPE;
const TAPS = 9;
const latent = Float32Array.from({ length: OUTPUTS * CHANNELS * TAPS }, () => f(random.normal()));

function spec(
  transforms: readonly unknown[],
  w: TensorSpec,
  tensors: Readonly<Record<string, TensorSpec>> = {},
) {
  const weight_quantizer = { type: "none" };
  const layer = { type: "conv2d", name: "c", weight: "w", weight_transforms: transforms, weight_quantizer };
  return { input: [CHANNELS, 5, 5], layers: [layer], tensors: { w, ...tensors } };
}

function transformed(
  transforms: readonly unknown[],
  tensors?: Readonly<Record<string, TensorSpec>>,
): number[] {
  const { op } = graphOf(spec(transforms, tensor(SHAPE, [...latent]), tensors)).nodes[0]!;
  return [...(op as { weights: WeightTensor }).weights.data];
}

const mean = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0) / all.length;
const at = (o: number, c: number, tap: number): number => latent[(o * CHANNELS + c) * TAPS + tap]!;

/** A number for each weight, by its output, channel and tap. */
function perWeight(of: (o: number, c: number, tap: number) => number): number[] {
  return Array.from(latent, (_, i) =>
    of(Math.floor(i / (CHANNELS * TAPS)), Math.floor(i / TAPS) % CHANNELS, i % TAPS),
  );
}

const channels = [...Array(CHANNELS).keys()];
const taps = [...Array(TAPS).keys()];
const filter = (o: number): number[] => channels.flatMap((c) => taps.map((tap) => at(o, c, tap)));

test("none are made without being asked for", () => {
  expect(transformed([])).toEqual([...latent]);
});

test("centres over the channels of a tap, over an output, over all", () => {
  const perTap = (o: number, tap: number): number => f(mean(channels.map((c) => at(o, c, tap))));
  expect(transformed([{ type: "center", over: "channels" }])).toEqual(
    perWeight((o, c, tap) => f(at(o, c, tap) - perTap(o, tap))),
  );
  expect(transformed([{ type: "center", over: "output" }])).toEqual(
    perWeight((o, c, tap) => f(at(o, c, tap) - f(mean(filter(o))))),
  );
  expect(transformed([{ type: "center", over: "tensor" }])).toEqual(
    perWeight((o, c, tap) => f(at(o, c, tap) - f(mean([...latent])))),
  );
});

test.each([
  [true, CHANNELS * TAPS - 1],
  [false, CHANNELS * TAPS],
])("standard deviations, unbiased: %s", (unbiased, divisor) => {
  const found = transformed([{ type: "standardize", over: "output", unbiased }]);
  const expected = perWeight((o, c, tap) => {
    const m = mean(filter(o));
    const squares = filter(o).reduce((sum, x) => sum + (x - m) ** 2, 0);
    return f(at(o, c, tap) / f(Math.sqrt(squares / divisor)));
  });
  expect(found).toEqual(expected);
});

test("clips, subtracts a number or one per output, takes the tanh, in the order of the list", () => {
  const clip = { type: "clip", min: -0.5, max: 0.25 };
  const clipped = (x: number): number => Math.min(Math.max(x, -0.5), 0.25);
  const k = [0.1, -0.2, 0.3];
  const tensors = { k: tensor([OUTPUTS, 1, 1, 1], k) };
  expect(transformed([clip, { type: "subtract", value: "k" }], tensors)).toEqual(
    perWeight((o, c, tap) => f(clipped(at(o, c, tap)) - f(k[o]!))),
  );
  expect(transformed([{ type: "subtract", value: 0.1 }, clip])).toEqual(
    perWeight((o, c, tap) => clipped(f(at(o, c, tap) - f(0.1)))),
  );
  expect(transformed([{ type: "tanh" }])).toEqual(perWeight((o, c, tap) => f(Math.tanh(at(o, c, tap)))));
});

test("kernels turned by 180 degrees, twice the same kernels", () => {
  expect(transformed([{ type: "flip" }])).toEqual(perWeight((o, c, tap) => at(o, c, TAPS - 1 - tap)));
  expect(transformed([{ type: "flip" }, { type: "flip" }])).toEqual([...latent]);
});

/** numpy's rot90 of a 3 × 3 kernel: counter-clockwise. */
const quarterTurn = (kernel: readonly number[]): number[] =>
  taps.map((tap) => kernel[3 * (tap % 3) + (2 - Math.floor(tap / 3))]!);

test("four orientations are quarter turns, and two half turns; eight have the four", () => {
  const kernelAt = (all: readonly number[], o: number, c: number): number[] =>
    all.slice((o * CHANNELS + c) * TAPS, (o * CHANNELS + c + 1) * TAPS);
  const [two, four, eight] = [2, 4, 8].map((count) => transformed([{ type: "rotations", count }]));
  for (let o = 0; o < OUTPUTS; o++) {
    for (const c of channels) {
      let kernel = kernelAt([...latent], o, c);
      for (let r = 0; r < 4; r++) {
        expect(kernelAt(four!, 4 * o + r, c)).toEqual(kernel);
        expect(kernelAt(eight!, 8 * o + 2 * r, c)).toEqual(kernel);
        if (r % 2 === 0) expect(kernelAt(two!, 2 * o + r / 2, c)).toEqual(kernel);
        kernel = quarterTurn(kernel);
      }
    }
  }
  // An eighth of a turn moves each tap of the ring by one place: the corner comes to the side.
  expect(kernelAt(eight!, 1, 0)[3]).toBe(at(0, 0, 0));
  expect(kernelAt(eight!, 1, 0)[4]).toBe(at(0, 0, 4));
});

test("layers behind turned kernels have an output for each orientation", () => {
  const { nodes, values } = graphOf(spec([{ type: "rotations", count: 4 }], tensor(SHAPE, [...latent])));
  expect(values.get(nodes[0]!.output)!.shape).toEqual([1, 4 * OUTPUTS, 3, 3]);
});

test.each<[string, readonly unknown[], TensorSpec, RegExp]>([
  [
    "equal weights that are divided by their deviation",
    [{ type: "standardize", over: "output", unbiased: true }],
    tensor(SHAPE, new Array(latent.length).fill(2)),
    /the standard deviation of output 0 is 0 — training divides by it/,
  ],
  [
    "kernels of another size that turn",
    [{ type: "rotations", count: 4 }],
    tensor([1, CHANNELS, 5, 5], new Array(25 * CHANNELS).fill(1)),
    /it turns kernels of shape 1×5×5×5 — circulant filters are 3 × 3/,
  ],
  [
    "three orientations",
    [{ type: "rotations", count: 3 }],
    tensor(SHAPE, [...latent]),
    /weight_transforms\[0\]\.count: it is 3 — expected: 2, 4 or 8 orientations/,
  ],
  [
    "an unknown transform",
    [{ type: "centre", over: "output" }],
    tensor(SHAPE, [...latent]),
    /weight_transforms\[0\]\.type: it is "centre" — expected: what training does to the weights/,
  ],
  [
    "a misspelt field",
    [{ type: "standardize", ovr: "output", unbiased: true }],
    tensor(SHAPE, [...latent]),
    /"ovr" is not known here — did you mean over\?/,
  ],
])("refuses %s", (_, transforms, w, message) => {
  expect(problemOf(spec(transforms, w))).toMatch(message);
});

test("refuses transforms that make much of little", () => {
  const eight = { type: "rotations", count: 8 };
  const clip = { type: "clip", min: -1, max: 1 };
  const w = tensor([1, CHANNELS, 3, 3], new Array(TAPS * CHANNELS).fill(1));
  // 45 weights become 45 · 8^6.
  const many = [...new Array(6).fill(eight), clip, clip, clip];
  expect(problemOf(spec(many, w))).toMatch(/more than \d+ constant elements together/);
  expect(problemOf(spec(new Array(7).fill(eight), w))).toMatch(/folding it gives a constant of/);
});

test("refuses to flip what is no kernel", () => {
  const weight_quantizer = { type: "none" };
  const layer = { type: "linear", weight: "w", weight_transforms: [{ type: "flip" }], weight_quantizer };
  expect(problemOf({ input: [2], layers: [layer], tensors: { w: tensor([1, 2], [1, 2]) } })).toMatch(
    /it flips weights that are no kernels — flip the weights of convolutions only/,
  );
});
