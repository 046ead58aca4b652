/**
 * T03: XNOR-Net (Rastegari et al. 2016). BN → sign → convolution → ReLU → pool, twice, between layers of floats. Weights
 * are latent: centred over input channels, clamped to ±1, and taken as α_o · sign with α_o their mean magnitude.
 * (a) As the authors released it, without K. (b) As the paper has it: K = A ∗ k with A the mean over channels of |BN(x)|, k
 * a box filter with the convolution's own pads of 0 and stride, and Y = (sign ⊛ sign) · K · α.
 */
import { describe, expect, it } from "vitest";
import type { DeviceProgram } from "../../src/program/index.js";
import { expectUnfolded, normals, UnfoldedNet } from "../support/unfolded-net.js";

const f = Math.fround;

/** Latent weights centred over input channels and clamped, and their mean magnitude per output. */
function centred(latent: Float32Array, channels: number, area: number) {
  const outputs = latent.length / (channels * area);
  const weights = latent.map((w, i) => {
    const [n, position] = [Math.floor(i / (channels * area)), i % area];
    let mean = 0;
    for (let c = 0; c < channels; c++) mean += latent[(n * channels + c) * area + position]! / channels;
    return Math.max(-1, Math.min(1, w - mean));
  });
  const alpha = Float32Array.from({ length: outputs }, (_, n) => {
    const filter = weights.subarray(n * channels * area, (n + 1) * channels * area);
    return filter.reduce((sum, w) => sum + Math.abs(w), 0) / filter.length;
  });
  return { weights, alpha };
}

type WithK = "none" | "convolution" | "average pool";

/** A block on the last value: 5 × 5, pads of 0. */
function block(net: UnfoldedNet, at: number, outputs: number, stride: number, k: WithK): void {
  const channels = net.shapeOf(net.last)[0];
  const y = net.batchnorm(`bn${at}`, at === 1 ? 1.5 : 6);
  const latent = normals(net.random, outputs * channels * 25);
  const { weights, alpha } = centred(latent, channels, 25);
  const window = { kernel: 5, stride, pads: [2, 2, 2, 2] } as const;
  net.sign(`sign${at}`);
  if (k === "none") net.binaryConv(`conv${at}`, weights, alpha, window);
  else {
    const sums = net.binaryConv(`conv${at}`, weights, undefined, window);
    net.abs(`abs${at}`, y);
    net.mean(`a${at}`, "channels");
    if (k === "convolution") net.floatConv(`k${at}`, new Float32Array(25).fill(1 / 25), window);
    else net.averagePool(`k${at}`, window);
    net.pair("multiply", `product${at}`, sums, `k${at}`);
    net.arithmetic(`alpha${at}`, "multiply", { shape: [outputs, 1, 1], data: alpha });
  }
  net.relu(`relu${at}`);
}

function xnorNet(seed: number, k: WithK): UnfoldedNet {
  const net = new UnfoldedNet([3, 11, k === "none" ? 13 : 9], seed);
  net.floatConv(
    "first",
    normals(net.random, 3 * 27).map((w) => f(w / 5)),
    { kernel: 3, pads: [1, 1, 1, 1] },
  );
  block(net, 1, 33, k === "none" ? 1 : 2, k);
  if (k === "none") net.maxPool("pool1", 3, 2);
  block(net, 2, 12, 1, k);
  net.maxPool("pool2", 3, 2);
  const [channels, height, width] = net.shapeOf("pool2");
  const kernel = Math.min(height, width);
  net.floatConv("last", normals(net.random, 5 * channels * kernel ** 2), { kernel });
  return net;
}

function count(program: DeviceProgram, kind: string): number {
  return program.instructions.filter((i) => i.kind === kind).length;
}

describe("T03: XNOR-Net", () => {
  it("without K: α, ReLU, pool and BN are one threshold of the exact sum", async () => {
    const { program, compared } = await expectUnfolded(xnorNet(3, "none"));
    expect([...compared]).toEqual(
      expect.arrayContaining(["first", "sign1", "conv1", "sign2", "conv2", "last"]),
    );
    // Nothing but the float layers at both ends is float: two scales, of the input and in front of the last layer.
    expect(["conv", "threshold", "scale", "pairwise"].map((kind) => count(program, kind))).toEqual([
      2, 2, 2, 0,
    ]);
  });

  it.each(["convolution", "average pool"] as const)("with K by a %s, strides and pads of 0", async (k) => {
    const { program, compared } = await expectUnfolded(xnorNet(k === "convolution" ? 4 : 5, k));
    const names = ["sign1", "conv1", "abs1", "a1", "product1", "sign2", "conv2", "abs2", "a2", "product2"];
    expect([...compared]).toEqual(expect.arrayContaining([...names, "last"]));
    expect(["reduce", "pairwise"].map((kind) => count(program, kind))).toEqual([2, 2]);
  });
});
