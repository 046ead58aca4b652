import { expect } from "vitest";
import type { ModelGraph } from "../../src/graph/types.js";
import { verifyGraph } from "../../src/graph/verify.js";
import { type LoweringOptions, lowerGraph } from "../../src/passes/registry.js";
import { type DeviceProgram, elementCount, inDeviceOrder, inModelOrder } from "../../src/program/index.js";
import { scoresAsFloat } from "../../src/reference/device.js";
import { compileDevice } from "../../src/reference/device-fast.js";
import { compileModel } from "../../src/reference/model-fast.js";
import { Random } from "./random-graph.js";

/** Bytes that stand for multiples of 1/64 around zero, or floats of that kind. */
export const BYTES: LoweringOptions = {
  input: { type: "u8", affine: { numerator: 1, denominator: 64, zero: 128 } },
};
export const FLOATS: LoweringOptions = { input: { type: "f32" } };

/** Lowers a graph and expects both references to give equal outputs on a few inputs; returns the program. */
export function expectSameOutputs(
  graph: ModelGraph,
  options: LoweringOptions = BYTES,
  seed = 1,
): DeviceProgram {
  verifyGraph(graph);
  const { program } = lowerGraph(graph, options);
  const device = compileDevice(program);
  const model = compileModel(graph);
  const count = elementCount(program.tensors[program.input.tensor]!);
  const random = new Random(seed + 1);
  for (let i = 0; i < 3; i++) {
    const bytes = Int32Array.from({ length: count }, () => (i === 2 ? 255 : random.integer(0, 255)));
    const real = Float32Array.from(bytes, (x) => (x - 128) / 64);
    const output = device(inDeviceOrder(program, options.input!.type === "u8" ? bytes : real));
    const floats = output instanceof Float32Array ? output : scoresAsFloat(program, output);
    expect(Array.from(inModelOrder(program, floats), plainZero)).toEqual(Array.from(model(real), plainZero));
  }
  return program;
}

/** −0 and 0 are equal numbers; vitest tells them apart. */
function plainZero(x: number): number {
  return x === 0 ? 0 : x;
}
