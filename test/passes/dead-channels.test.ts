import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deadChannels } from "../../src/passes/dead-channels.js";
import { lowerGraph } from "../../src/passes/registry.js";
import type { DeviceProgram } from "../../src/program/index.js";
import { verifyProgram } from "../../src/program/index.js";
import { compileDevice } from "../../src/reference/device-fast.js";
import { graphOf, tensor } from "../support/bundle.js";
import { netSeed, Random } from "../support/random-graph.js";
import { randomValues } from "../support/random-program.js";

interface Net {
  readonly widths: readonly [number, number];
  /** Factors of the first layer's channels; 0 makes a channel constant. */
  readonly gates: readonly number[];
  /** Shift of the first layer's channels. */
  readonly shift: number;
  readonly padValue: number;
  readonly pool: boolean;
  readonly second: (output: number, channel: number) => number;
}

/** Two convolutions with codes of two bits between, before the pass. */
function programOf({ widths, gates, shift, padValue, pool, second }: Net, seed: number): DeviceProgram {
  const random = new Random(seed);
  const [first, last] = widths;
  const trits = (count: number): number[] => Array.from({ length: count }, () => random.integer(-1, 1));
  const weights = Array.from(
    { length: last * first * 9 },
    (_, i) => second(Math.floor(i / (first * 9)), Math.floor(i / 9) % first) * random.pick([-1, 1]),
  );
  const graph = graphOf({
    input: [2, 6, 6],
    layers: [
      { type: "conv2d", name: "conv1", weight: "w1", weight_quantizer: { type: "none" } },
      { type: "arithmetic", operator: "multiply", operand: "gates", dim: 1 },
      { type: "arithmetic", operator: "add", operand: shift },
      ...(pool ? [{ type: "maxpool2d", kernel_size: 2, stride: 1 }] : []),
      { type: "quantize", name: "q", bits: 2, signed: false, scale: 4, rounding: "half-even" },
      {
        type: "conv2d",
        name: "conv2",
        weight: "w2",
        padding: 1,
        padding_value: 4 * padValue,
        weight_quantizer: { type: "none" },
      },
    ],
    tensors: {
      w1: tensor([first, 2, 3, 3], trits(first * 18)),
      gates: tensor([first], gates),
      w2: tensor([last, first, 3, 3], weights),
    },
  });
  let before: DeviceProgram | undefined;
  const input = { type: "u8", affine: { numerator: 1, denominator: 64, zero: 128 } } as const;
  lowerGraph(graph, { input }, (pass, program) => {
    if (pass === "fold-flips") before = program;
  });
  return before!;
}

const widthOf = ({ tensors }: DeviceProgram): number =>
  tensors.find(({ name }) => name === "conv1")!.shape[2];

const plain: Net = {
  widths: [5, 3],
  gates: [1, 0, 1, 0, 1],
  shift: 0,
  padValue: 0,
  pool: false,
  second: () => 1,
};

describe("dead-channels", () => {
  it.each([
    ["leaves out channels that are always 0", plain, 3],
    ["also behind a pool", { ...plain, pool: true }, 3],
    ["keeps channels that are always another number", { ...plain, shift: 4 }, 5],
    ["keeps them where a tap outside the map is another number", { ...plain, padValue: 1 }, 5],
    [
      "leaves out what all readers multiply by 0",
      { ...plain, gates: [1, 1, 1, 1, 1], second: (_o: number, c: number) => (c === 2 ? 0 : 1) },
      4,
    ],
    [
      "keeps what one output reads",
      { ...plain, gates: [1, 1, 1, 1, 1], second: (o: number, c: number) => (c === 2 && o > 0 ? 0 : 1) },
      5,
    ],
    ["keeps one channel of a layer that is all 0", { ...plain, gates: [0, 0, 0, 0, 0] }, 1],
  ])("%s", (_what, net, width) => {
    expect(widthOf(deadChannels(programOf(net, 1)))).toBe(width);
  });

  it("changes no output", () => {
    fc.assert(
      fc.property(netSeed, (seed) => {
        const random = new Random(seed);
        const widths = [random.integer(1, 40), random.integer(1, 4)] as const;
        const zeros = Array.from({ length: widths[0] }, () => random.next() < 0.2);
        const before = programOf(
          {
            widths,
            gates: Array.from({ length: widths[0] }, () => random.pick([-1, 0, 0.5, 1])),
            shift: random.pick([0, 0, 0, -40, 4]),
            padValue: random.pick([0, 0, 1]),
            pool: random.next() < 0.5,
            second: (_o, c) => (zeros[c]! || random.next() < 0.1 ? 0 : 1),
          },
          seed,
        );
        const after = deadChannels(before);
        verifyProgram(after);
        const input = randomValues(random, before.tensors[before.input.tensor]!);
        expect(compileDevice(after)(input)).toEqual(compileDevice(before)(input));
      }),
      { numRuns: 60 },
    );
  });
});
