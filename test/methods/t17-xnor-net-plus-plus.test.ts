/**
 * T17: XNOR-Net++ (Bulat and Tzimiropoulos 2019). Y = (sign(A) ⊛ sign(W)) ⊙ Γ with Γ learned: (1) one number per output;
 * (2) one per output and position; (3) per output, times one per position; (4) per output, times one per row, times one
 * per column, multiplied in this order. Γ is not constrained: some are negative, and one is 0.
 */
import { describe, expect, it } from "vitest";
import type { DeviceProgram, Instruction } from "../../src/program/index.js";
import type { FloatMap } from "../support/unfolded-maps.js";
import { expectUnfolded, normals, UnfoldedNet } from "../support/unfolded-net.js";

type Case = 1 | 2 | 3 | 4;
type Sides = FloatMap["shape"];

/** The factors of Γ, in order. */
function factorsOf(which: Case, [channels, height, width]: Sides): readonly Sides[] {
  const perOutput: Sides = [channels, 1, 1];
  return {
    1: [perOutput],
    2: [[channels, height, width] as const],
    3: [perOutput, [1, height, width] as const],
    4: [perOutput, [1, height, 1] as const, [1, 1, width] as const],
  }[which];
}

/** Numbers for these sides: magnitudes around 1, with signs if Γ has them. */
function gamma({ random }: UnfoldedNet, shape: Sides, signed: boolean): FloatMap {
  const length = shape[0] * shape[1] * shape[2];
  const data = normals(random, length).map((x, i) => {
    const size = Math.abs(x) / 2 + 0.1;
    if (!signed) return size;
    return i === 3 ? 0 : random.next() < 0.3 ? -size : size;
  });
  return { shape, data };
}

/** BN → sign → conv → Γ, the convolution with stride 2 and asymmetric pads as TensorFlow's SAME in the first block. */
function block(net: UnfoldedNet, at: number, outputs: number, which: Case, signed: boolean): void {
  net.batchnorm(`bn${at}`, at === 1 ? 2 : 8);
  net.sign(`sign${at}`);
  const channels = net.shapeOf(net.last)[0];
  const window = at === 1 ? { stride: 2, pads: [0, 1, 1, 1] as const } : { pads: [1, 1, 1, 1] as const };
  net.binaryConv(`conv${at}`, normals(net.random, outputs * channels * 9), undefined, {
    kernel: 3,
    ...window,
  });
  for (const [i, sides] of factorsOf(which, net.shapeOf(`conv${at}`)).entries())
    net.arithmetic(`gamma${at}.${i}`, "multiply", gamma(net, sides, signed));
}

/** Two blocks with a PReLU between them, one slope of which is negative, and a binary layer behind. */
function plusPlus(seed: number, which: Case): UnfoldedNet {
  const net = new UnfoldedNet([3, 12, 9], seed);
  block(net, 1, 33, which, true);
  net.prelu(
    "prelu",
    Float32Array.from({ length: 33 }, (_, c) => (c === 5 ? -0.25 : 0.25)),
  );
  block(net, 2, 12, which, true);
  net.sign("sign3");
  net.binaryConv("head", normals(net.random, 4 * 12), Float32Array.of(0.5, 0.25, 0.3, 2), { kernel: 1 });
  return net;
}

/** A block whose Γ is followed by a sign at once. */
function signOnly(seed: number, signed: boolean, which: Case = 2): UnfoldedNet {
  const net = new UnfoldedNet([3, 9, 7], seed);
  block(net, 2, 12, which, signed);
  net.sign("sign3");
  net.binaryConv("head", normals(net.random, 4 * 12), undefined, { kernel: 1 });
  return net;
}

const kinds = ({ instructions }: DeviceProgram): readonly string[] => instructions.map((i) => i.kind);

/** Extents of the operands that differ between positions. */
function extents({ instructions }: DeviceProgram): readonly (readonly number[])[] {
  const scales = instructions.filter((i): i is Extract<Instruction, { kind: "scale" }> => i.kind === "scale");
  return scales.flatMap(({ steps }) => steps.flatMap(({ extent }) => (extent === undefined ? [] : [extent])));
}

describe("T17: XNOR-Net++", () => {
  it.each([1, 2, 3, 4] as const)("case %d: every tensor is that of the unfolded net", async (which) => {
    const { program, compared } = await expectUnfolded(plusPlus(20 + which, which));
    expect([...compared]).toEqual(
      expect.arrayContaining(["sign1", "conv1", "sign2", "conv2", "sign3", "head"]),
    );
    const [height, width] = [6, 5];
    const wanted = {
      1: [],
      2: [
        [height, width, 33],
        [height, width, 12],
      ],
      3: [
        [height, width, 1],
        [height, width, 1],
      ],
      4: [
        [height, 1, 1],
        [1, width, 1],
        [height, 1, 1],
        [1, width, 1],
      ],
    }[which];
    expect(extents(program)).toEqual(wanted);
  });

  it("a positive Γ in front of a sign is left out", async () => {
    for (const which of [2, 3, 4] as const) {
      const { program } = await expectUnfolded(signOnly(31 + which, false, which), 50);
      expect(kinds(program)).toEqual(["threshold", "conv", "threshold", "conv", "scale"]);
      expect(extents(program)).toEqual([]);
    }
  });

  it("a negative Γ is not", async () => {
    const { program } = await expectUnfolded(signOnly(40, true), 50);
    expect(extents(program)).toEqual([[9, 7, 12]]);
  });
});
