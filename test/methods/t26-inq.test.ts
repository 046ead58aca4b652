import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet, type MethodNet } from "../support/methods/net.js";
import { incremental } from "./t26-inq.js";

checkMethod(incremental);

const net = (name: string): MethodNet => incremental.nets.find((n) => n.name === name)!;

it("finds the exponents of weights that are stored as powers of two: the same instructions", () => {
  const [latent, stored] = ["inq_bytes", "inq_stored"].map((name) => buildNet(net(name), 1).compiled.program);
  const convolutions = latent!.instructions.filter((i) => i.kind === "conv");
  expect(convolutions.length, "layers of nine bits are two").toBeGreaterThan(3);
  expect(stored!.instructions.filter((i) => i.kind === "conv")).toEqual(convolutions);
});

it("has weights of nine bits: both ends and 0 occur", () => {
  const { op } = buildNet(net("inq_bytes"), 1).compiled.graph.nodes.find((n) => n.name === "conv1")!;
  const codes = op.kind === "conv" ? [...op.weights.quantized!.codes] : [];
  const magnitudes = [...new Set(codes.map(Math.abs))].sort((a, b) => a - b);
  expect(magnitudes).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 128]);
  expect(Math.min(...codes)).toBe(-128);
  expect(Math.max(...codes)).toBe(128);
});
