/**
 * T22: HORQ (Li et al. 2017) of order 2. H_1 = sign(X), R = X − β_1·H_1, H_2 = sign(R); Y = Σ_i β_i·α·(H_i ⊛ B). The
 * paper takes β_i = mean|R_i| of the current input, per column of the convolution's patches. That has a product of its
 * own for every column only where a patch is one position: β per position goes with a 1 × 1 kernel here, and β per
 * tensor (the reading of frozen and of dynamic scales alike) with a 3 × 3 one.
 */
import { describe, expect, it } from "vitest";
import type { FloatMap } from "../support/unfolded-maps.js";
import { expectUnfolded, normals, UnfoldedNet } from "../support/unfolded-net.js";

type Beta = "frozen" | "tensor" | "position";

const FROZEN = [0.7310585975646973, 0.26894143223762512] as const;

/** Order-2 residual binarization of the last value and the layer that reads it. */
function layer(net: UnfoldedNet, at: number, outputs: number, kernel: number, beta: Beta): void {
  const channels = net.shapeOf(net.last)[0];
  const weights = normals(net.random, outputs * channels * kernel ** 2);
  const alpha = Float32Array.from({ length: outputs }, () => 0.05 + net.random.next() / 8);
  const pad = (kernel - 1) / 2;
  let rest = net.last;
  const parts: string[] = [];
  for (const order of [1, 2]) {
    const name = `${at}.${order}`;
    const h = net.sign(`h${name}`, rest);
    const scaled = (what: string, value: string): string => {
      if (beta === "frozen") return net.arithmetic(what, "multiply", frozen(order), value);
      return net.pair("multiply", what, value, `beta${name}`);
    };
    if (beta !== "frozen") {
      net.abs(`abs${name}`, rest);
      net.mean(`beta${name}`, beta === "tensor" ? "all" : "channels");
    }
    net.binaryConv(`conv${name}`, weights, alpha, { kernel, pads: [pad, pad, pad, pad], from: h });
    parts.push(scaled(`y${name}`, `conv${name}`));
    if (order === 1) rest = net.pair("subtract", `r${at}`, rest, scaled(`part${name}`, h));
  }
  net.pair("add", `y${at}`, parts[0]!, parts[1]!);
}

function frozen(order: number): FloatMap {
  return { shape: [1, 1, 1], data: Float32Array.of(FROZEN[order - 1]!) };
}

function horq(seed: number, beta: Beta): UnfoldedNet {
  const net = new UnfoldedNet([3, 9, 7], seed);
  const kernel = beta === "position" ? 1 : 3;
  net.batchnorm("bn1", 2);
  layer(net, 1, 31, kernel, beta);
  net.batchnorm("bn2", 2);
  layer(net, 2, 5, kernel, beta);
  return net;
}

const LAYERS = ["h1.1", "h1.2", "conv1.1", "conv1.2", "r1", "h2.1", "h2.2", "conv2.1", "conv2.2", "r2", "y2"];

describe("T22: HORQ", () => {
  it("with frozen β: two sets of signs and constant factors", async () => {
    const { program, compared } = await expectUnfolded(horq(50, "frozen"));
    expect([...compared]).toEqual(expect.arrayContaining(LAYERS));
    expect(program.instructions.filter((i) => i.kind === "reduce")).toEqual([]);
  });

  it.each(["tensor", "position"] as const)("with β of the input per %s", async (beta) => {
    const { program, compared } = await expectUnfolded(horq(beta === "tensor" ? 51 : 52, beta));
    const means = ["beta1.1", "beta1.2", "beta2.1", "beta2.2"];
    const products = ["part1.1", "y1.1", "y1.2", "part2.1", "y2.1", "y2.2"];
    expect([...compared]).toEqual(expect.arrayContaining([...LAYERS, ...means, ...products]));
    const over = program.instructions.flatMap((i) => (i.kind === "reduce" ? [i.over] : []));
    expect(over).toEqual(new Array(4).fill(beta === "tensor" ? "all" : "channels"));
  });
});
