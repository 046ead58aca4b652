/**
 * Methods whose activations or weights are sums of planes, each as a small net: the device program and its C on the host
 * equal the method's own definition (test/support/unfolded.ts) in every bit of the outputs, and no map of floats is kept.
 */
import { describe, expect, test } from "vitest";
import { hostEmulator } from "../../src/emulators/index.js";
import { randomBatch } from "../../src/inputs.js";
import { lowerGraph } from "../../src/passes/registry.js";
import { planProgram } from "../../src/plan/index.js";
import { inDeviceOrder, inModelOrder } from "../../src/program/index.js";
import { scoresAsFloat } from "../../src/reference/device.js";
import { compileDevice } from "../../src/reference/device-fast.js";
import { findBoard } from "../../src/targets/index.js";
import { verifyModel } from "../../src/verify.js";
import { graphOf, tensor } from "../support/bundle.js";
import { compileGraph, full } from "../support/models.js";
import { Random } from "../support/random-graph.js";
import { INPUT, INPUT_AFFINE, type Method, unfoldedNet, type Weights } from "../support/unfolded.js";

const f = Math.fround;
const INPUTS = full ? 1000 : 200;
const options = { input: { type: "u8", affine: INPUT_AFFINE } } as const;

function count(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** ±1 with one scale for the layer, from latent weights. */
function signs(random: Random, outputs: number, shape: readonly number[], name: string): Weights {
  const latent = Array.from({ length: outputs * count(shape) }, () => f(random.normal()));
  const scale = f(0.3 + random.next());
  return {
    codes: [latent.map((w) => (w >= 0 ? 1 : -1))],
    coefficients: [Array<number>(outputs).fill(scale)],
    quantizer: { type: "sign", sign_of_zero: 1, scale },
    tensors: { [`${name}.0`]: tensor([outputs, ...shape], latent) },
  };
}

/** Bases as they are, with coefficients for the layer or, [output][basis], for each output. */
function given(
  codes: readonly (readonly number[])[],
  own: readonly number[] | readonly (readonly number[])[],
  [outputs, ...shape]: readonly [number, ...number[]],
  name: string,
): Weights {
  const flat = own.flat();
  const isPerOutput = flat.length > codes.length;
  const coefficients = codes.map((_, m) =>
    Array.from({ length: outputs }, (_, n) => flat[isPerOutput ? n * codes.length + m : m]!),
  );
  const bases = codes.map((c, m) => [`${name}.${m}`, tensor([outputs, ...shape], c)] as const);
  const shapeOfOwn = isPerOutput ? [outputs, codes.length] : [codes.length];
  return {
    codes,
    coefficients,
    quantizer: {
      type: "bases",
      codes: codes.map((_, m) => `${name}.${m}`),
      coefficients: `${name}.coefficients`,
    },
    tensors: { ...Object.fromEntries(bases), [`${name}.coefficients`]: tensor(shapeOfOwn, flat) },
  };
}

/** ReBNet: the sign of what is left, level after level. */
function rebnet(scales: readonly number[]): Method {
  const coefficients = scales.map(f);
  return {
    coefficients,
    encode(x) {
      let rest = f(x);
      return coefficients.map((g) => {
        const bit = rest >= 0 ? 1 : -1;
        rest = f(rest - f(g * bit));
        return bit;
      });
    },
    layer: { type: "residual_sign", scales: "scales", sign_of_zero: 1 },
    tensors: { scales: tensor([scales.length], coefficients) },
    weights: signs,
  };
}

/** ABC-Net: bases of weights from their mean and deviation, bits of activations side by side. */
const abc: Method = (() => {
  const shifts = [0.7, -0.9, 0.05].map(f);
  const coefficients = [0.61, 0.43, 0.27].map(f);
  return {
    coefficients,
    encode: (x) => shifts.map((v) => (Math.min(Math.max(f(x + v), 0), 1) >= 0.5 ? 1 : -1)),
    layer: {
      type: "bases",
      shifts: "shifts",
      coefficients: "betas",
      threshold: 0.5,
      at_threshold: "above",
    },
    tensors: { shifts: tensor([3], shifts), betas: tensor([3], coefficients) },
    weights(random, outputs, shape, name) {
      const latent = Array.from({ length: outputs * count(shape) }, () => random.normal());
      const mean = latent.reduce((a, b) => a + b, 0) / latent.length;
      const deviation = Math.sqrt(latent.reduce((a, w) => a + (w - mean) ** 2, 0) / latent.length);
      const bases = [-1, 0, 1].map((u) => latent.map((w) => (w - mean + u * deviation >= 0 ? 1 : -1)));
      const alphas = [0.9, -0.21, 0.37].map((a) => f(a * (0.5 + random.next())));
      return given(bases, alphas, [outputs, ...shape], name);
    },
  };
})();

/** LQ-Nets: two bases each, one of activations negative, thresholds halfway between sorted levels, strictly above. */
const lqNets: Method = (() => {
  const basis = [0.93, -0.31].map(f);
  const level = ([a, b]: readonly number[]): number => f(f(basis[0]! * a!) + basis[1]! * b!);
  const sorted = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ].sort((a, b) => level(a) - level(b));
  const thresholds = [1, 2, 3].map((i) => f(f(level(sorted[i - 1]!) + level(sorted[i]!)) / 2));
  return {
    coefficients: basis,
    encode: (x) => sorted[thresholds.filter((t) => x > t).length]!,
    layer: {
      type: "levels",
      thresholds: "thresholds",
      at_threshold: "below",
      codes: sorted.map(([a, b]) => 2 * a! + b!),
      coefficients: "basis",
      alphabet: "bits",
    },
    tensors: { thresholds: tensor([3], thresholds), basis: tensor([2], basis) },
    weights(random, outputs, shape, name) {
      const length = outputs * count(shape);
      const codes = [0, 1].map(() => Array.from({ length }, () => (random.next() < 0.5 ? 1 : -1)));
      // One output's basis is not sorted, one has a negative number.
      const own = Array.from({ length: outputs }, (_, n) => {
        const [v1, v2] = [f(0.2 + random.next() / 4), f(0.6 + random.next() / 4)];
        return n === 1 ? [v2, v1] : n === 2 ? [v1, -v2] : [v1, v2];
      });
      return given(codes, own, [outputs, ...shape], name);
    },
  };
})();

/** HWGQ: 0 up to 0, then 0.538 and its multiples; ±1 weights with a scale per output. */
const hwgq: Method = {
  coefficients: [f(0.538)],
  encode: (x) => [[0, 0.807, 1.345].filter((t) => x > f(t)).length],
  layer: { type: "levels", thresholds: "thresholds", at_threshold: "below", values: "centers" },
  tensors: {
    thresholds: tensor([3], [0, 0.807, 1.345]),
    centers: tensor([4], [0, f(0.538), f(2 * f(0.538)), f(3 * f(0.538))]),
  },
  weights(random, outputs, shape, name) {
    const latent = Array.from({ length: outputs * count(shape) }, () => f(random.normal()));
    const scales = Array.from({ length: outputs }, () => f(0.3 + random.next()));
    return {
      codes: [latent.map((w) => (w >= 0 ? 1 : -1))],
      coefficients: [scales],
      quantizer: { type: "sign", sign_of_zero: 1, scale: `${name}.scale` },
      tensors: {
        [`${name}.0`]: tensor([outputs, ...shape], latent),
        [`${name}.scale`]: tensor([outputs], scales),
      },
    };
  },
};

const SUMS = ["conv", "threshold", "pool", "conv-bases", "threshold", "conv-bases", "threshold"];

/** Values do not rise with codes: ranks are pooled, then looked up. */
const LOOKED_UP = ["conv", "threshold", "pool", "lookup", ...SUMS.slice(3)];

/** With the kinds of the first instructions, and whether the short version runs the C. */
describe.each([
  ["ReBNet of one level", rebnet([0.8]), false, undefined, false],
  ["ReBNet of two levels", rebnet([0.61, 0.32]), false, SUMS, false],
  ["ReBNet of three levels", rebnet([0.7, 0.29, 0.13]), false, SUMS, true],
  [
    "ReBNet whose first scale is less than the others together",
    rebnet([0.41, 0.35, 0.253]),
    false,
    ["conv", "threshold", "lookup", ...LOOKED_UP.slice(2)],
    true,
  ],
  ["ReBNet with the pool before the normalization", rebnet([0.7, 0.33]), true, SUMS, false],
  ["ABC-Net", abc, false, LOOKED_UP, true],
  ["LQ-Nets", lqNets, false, LOOKED_UP, true],
  ["HWGQ", hwgq, true, undefined, true],
])("%s", (name, method, poolFirst, expected, shown) => {
  const seed = [...name].reduce((sum, c) => sum * 31 + c.charCodeAt(0), 7) % 100_003;
  const net = unfoldedNet(method, seed, poolFirst);
  const graph = graphOf({ input: INPUT, layers: net.layers, tensors: net.tensors });
  const { program } = lowerGraph(graph, options);

  test(`gives the definition's bits on ${INPUTS} inputs (seed ${seed})`, () => {
    const device = compileDevice(program);
    const random = new Random(seed + 1);
    const different = new Set<string>();
    for (let i = 0; i < INPUTS; i++) {
      const constant = [0, 255, 128][i];
      const bytes = Int32Array.from({ length: count(INPUT) }, () => constant ?? random.integer(0, 255));
      const output = device(inDeviceOrder(program, bytes));
      const floats = output instanceof Float32Array ? output : scoresAsFloat(program, output);
      const wanted = net.run(Float32Array.from(bytes, (x) => (x - 128) / 64));
      expect([i, ...Float32Array.from(inModelOrder(program, floats), (x) => x + 0)]).toEqual([
        i,
        ...wanted.map((x) => x + 0),
      ]);
      different.add(String(wanted));
    }
    expect(different.size).toBeGreaterThan(INPUTS / 2);
  });

  test("keeps no map of floats between layers", () => {
    const { steps } = planProgram(program);
    const floats = steps
      .flatMap(({ choice }) => program.tensors[choice.output]!)
      .filter(({ shape, domain }) => shape[0] > 1 && domain.kind === "scalar" && domain.type === "f32");
    expect(floats).toEqual([]);
    const kinds = program.instructions.map((i) => i.kind);
    if (expected !== undefined) expect(kinds.slice(0, expected.length)).toEqual(expected);
    for (const kind of ["decode", "conv-float"] as const) expect(kinds).not.toContain(kind);
  });

  test.skipIf(!full && !shown)(
    `its C on the host equals the device reference on ${INPUTS} inputs`,
    async () => {
      const model = compileGraph(graph, undefined, options);
      const batch = randomBatch(model.program, INPUTS, seed);
      const result = await verifyModel(model, batch, {
        emulator: hostEmulator,
        board: findBoard("microbit"),
      });
      expect(
        result.builds.map(({ build, failedVectors, problems }) => [build, failedVectors, problems]),
      ).toEqual(["flash", "trace"].map((build) => [build, 0, []]));
    },
  );
});

test("ReBNet of one level is the program of a binarized net", () => {
  const method = rebnet([0.8]);
  const sign = { type: "sign", sign_of_zero: 1, scale: f(0.8) };
  const programs = [method, { ...method, layer: sign, tensors: {} }].map((m) => {
    const net = unfoldedNet(m, 5);
    return lowerGraph(graphOf({ input: INPUT, layers: net.layers, tensors: net.tensors }), options).program;
  });
  const plain = programs.map(({ tensors, instructions }) => ({
    tensors: tensors.map(({ shape, domain }) => ({ shape, domain })),
    instructions,
  }));
  expect(plain[0]).toEqual(plain[1]);
});
