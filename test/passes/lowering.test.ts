import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isCounting } from "../../src/graph/quantize.js";
import type { ModelGraph } from "../../src/graph/types.js";
import { lowerGraph } from "../../src/passes/registry.js";
import type { DeviceProgram } from "../../src/program/index.js";
import { runDevice, traceDevice } from "../../src/reference/device.js";
import { traceModel } from "../../src/reference/model.js";
import { layeredNet, netSeed, randomFloats, randomNet, withTail } from "../support/random-graph.js";

describe("lowering is exact", () => {
  it("device and model references agree in every quantizer and the output, where float sums are exact", () => {
    fc.assert(
      fc.property(netSeed, netSeed, (seed, inputSeed) => {
        const graph = randomNet(seed, { exactScales: true });
        // Before channels that nothing depends on are left out, every quantizer's codes are there.
        const stages = new Map<string, DeviceProgram>();
        const { program } = lowerGraph(graph, { output: "float32" }, (pass, state) =>
          stages.set(pass, state),
        );
        const input = randomFloats(inputSeed, graph.values.get("input")!.shape[1]!);
        const whole = stages.get("fold-flips")!;
        expectSameDecisions(graph, whole, input);
        expect(runDevice(program, input)).toEqual(runDevice(whole, input));
      }),
      { numRuns: 500 },
    );
  });

  it("integer inputs give what their float values give", () => {
    fc.assert(
      fc.property(netSeed, fc.integer({ min: 1, max: 9 }), (seed, step) => {
        const graph = randomNet(seed, { exactScales: true });
        const affine = { numerator: step, denominator: 255, zero: 100 };
        const { program } = lowerGraph(graph, { input: { type: "u8", affine }, output: "float32" });
        const stored = Int32Array.from(
          { length: graph.values.get("input")!.shape[1]! },
          (_, i) => (i * 37 + seed) & 255,
        );
        const real = Float32Array.from(stored, (x) => ((x - 100) * step) / 255);
        const device = traceDevice(program, stored)[program.output.tensor]!;
        expect(Float32Array.from(device).map(plainZero)).toEqual(
          traceModel(graph, real).get(graph.outputs[0]!)!.map(plainZero),
        );
      }),
      { numRuns: 200 },
    );
  });
});

/** Every code tensor's real value equals the model's value after the same quantizer; outputs are equal floats. */
function expectSameDecisions(graph: ModelGraph, program: DeviceProgram, input: Float32Array): void {
  const model = traceModel(graph, input);
  const device = traceDevice(program, input);
  program.tensors.forEach((tensor, id) => {
    if (tensor.domain.kind !== "codes") return;
    const node = graph.nodes.find((n) => n.name === tensor.name)!;
    if (node.op.kind !== "quantize") throw new Error("codes come from quantizers");
    const { step, offset } = tensor.domain;
    const { quantizer } = node.op;
    const scale = isCounting(quantizer) ? 1 : quantizer.scale.data[0]!;
    const real = Float32Array.from(device[id]!, (code) => (step * code + offset) * scale);
    expect(real.map(plainZero)).toEqual(model.get(node.output)!.map(plainZero));
  });
  const output = device[program.output.tensor]!;
  expect(Float32Array.from(output).map(plainZero)).toEqual(model.get(graph.outputs[0]!)!.map(plainZero));
}

/** −0 and 0 are equal numbers; vitest tells them apart. */
function plainZero(x: number): number {
  return x === 0 ? 0 : x;
}

describe("what lowering refuses", () => {
  it("anything after softmax but argmax", () => {
    const net = layeredNet(1, [8, 4], 1);
    const graph = withTail(net, ["softmax", "relu"]);
    expect(() => lowerGraph(graph)).toThrow(/after the model's softmax/);
    expect(() => lowerGraph(withTail(net, ["softmax", "argmax"]))).not.toThrow();
    expect(() => lowerGraph(withTail(net, ["argmax", "softmax"]))).toThrow(/after the model's argmax/);
  });
});
