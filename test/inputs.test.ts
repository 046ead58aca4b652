import { describe, expect, it } from "vitest";
import { batchFromArray, randomBatch } from "../src/inputs.js";
import { lowerGraph } from "../src/passes/registry.js";
import { inDeviceOrder } from "../src/program/index.js";
import { BYTES } from "./support/same-outputs.js";
import { SmallGraph } from "./support/small-graph.js";

describe("inputs that are maps", () => {
  const g = new SmallGraph([1, 3, 2, 2]);
  g.sign();
  g.conv(2);
  const { program } = lowerGraph(g.graph, BYTES);

  it("are arrays in the model's order, and have channels innermost on the device", () => {
    const data = Uint8Array.from({ length: 24 }, (_, i) => i);
    const batch = batchFromArray(program, { shape: [2, 3, 2, 2], dtype: "uint8", data }, "x.npy");
    expect(batch.count).toBe(2);
    expect([...batch.stored(1)]).toEqual([12, 16, 20, 13, 17, 21, 14, 18, 22, 15, 19, 23]);
    expect([...batch.real(0)]).toEqual([...data.subarray(0, 12)].map((x) => (x - 128) / 64));
  });

  it("at random are the same numbers in both orders", () => {
    const batch = randomBatch(program, 3, 7);
    const stored = Int32Array.from(batch.real(2), (x) => x * 64 + 128);
    expect(batch.stored(2)).toEqual(inDeviceOrder(program, stored));
  });
});
