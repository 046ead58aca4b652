/** What `inspect` says of a model: from graphs written by hand, and from files that the frameworks wrote. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readModel } from "../../src/formats/index.js";
import type { ModelGraph, Quantizer, WeightTensor } from "../../src/graph/types.js";
import { inspectGraph, inspectionText } from "../../src/report/inspection.js";
import { repoRoot } from "../support/root.js";
import { SmallGraph } from "../support/small-graph.js";

const scalar = (x: number) => ({ shape: [], data: Float32Array.of(x) });

/** A dense layer with these codes for each of two outputs, and a scale of its own where two are given. */
function weights(codes: readonly number[], scales: readonly number[] = [1], fromValues?: true): WeightTensor {
  const all = codes.flatMap((c) => [c, c]);
  return {
    shape: [codes.length, 2],
    data: Float32Array.from(all, (c, i) => c * scales[i % scales.length]!),
    quantized: {
      codes: Int32Array.from(all),
      scale: { shape: [1, scales.length], data: Float32Array.from(scales) },
      ...(fromValues === undefined ? {} : { fromValues }),
    },
  };
}

function uniform(qmin: number, qmax: number, zero = 0): Quantizer {
  return {
    kind: "uniform",
    scale: scalar(1),
    zeroPoint: scalar(zero),
    qmin,
    qmax,
    rounding: "half-even",
  };
}

const sign: Quantizer = { kind: "bipolar", scale: scalar(1), signOfZero: 1 };

function methodOf(layer: WeightTensor, quantizer?: Quantizer | "float") {
  const graph = new SmallGraph([1, layer.shape[0]!]);
  if (quantizer === "float") graph.add({ kind: "relu" });
  else if (quantizer !== undefined) graph.add({ kind: "quantize", quantizer });
  graph.add({ kind: "dense", weights: layer }, [1, 2]);
  const [method] = inspectGraph(graph.graph).methods;
  return [method!.bits, method!.weights, method!.activations, method!.method].join(" | ");
}

describe("methods by the levels of weights and activations", () => {
  const binary = weights([1, -1, 1]);
  test.each<[string, WeightTensor, Quantizer | "float" | undefined, string]>([
    ["binary", binary, sign, "W1A1 | ±1 | ±1 | BNN: binary"],
    ["binary with one scale", weights([1, -1], [0.5]), sign, "W1A1 | ±1, one scale | ±1 | BNN: binary"],
    [
      "binary with scales, seen in values",
      weights([1, -1], [0.5, 2], true),
      sign,
      "W1A1 | ±1, a scale per output (seen in their values) | ±1 | XNOR-Net: binary, with scales of the weights",
    ],
    ["the input", binary, undefined, "W1A32 | ±1 | the model's input | BinaryConnect: binary weights"],
    ["float values", binary, "float", "W1A32 | ±1 | float | BinaryConnect: binary weights"],
    [
      "scales and float values",
      weights([1, -1], [1, 3]),
      "float",
      "W1A32 | ±1, a scale per output | float | BWN: binary weights with scales",
    ],
    ["0 and 1", binary, uniform(0, 1), "W1A1 | ±1 | 0 and 1 | DoReFa: binary weights, low-bit activations"],
    [
      "ternary values",
      binary,
      uniform(-1, 1),
      "W1A2 | ±1 | −1, 0, +1 | TBN: binary weights, ternary activations",
    ],
    [
      "ternary values by a zero point",
      binary,
      uniform(0, 2, 1),
      "W1A2 | ±1 | −1, 0, +1 | TBN: binary weights, ternary activations",
    ],
    ["ternary weights", weights([1, 0, -1]), "float", "W2A32 | −1, 0, +1 | float | TWN: ternary weights"],
    ["ternary both", weights([1, 0, -1]), uniform(-1, 1), "W2A2 | −1, 0, +1 | −1, 0, +1 | TNN: ternary"],
    [
      "ternary and binary",
      weights([1, 0, -1]),
      sign,
      "W2A1 | −1, 0, +1 | ±1 | ternary weights, low-bit activations",
    ],
    [
      "odd levels",
      weights([-3, -1, 1, 3]),
      uniform(0, 3),
      "W2A2 | 2 bits | 2 bits | uniform quantization (DoReFa, PACT, LSQ)",
    ],
    [
      "powers of two",
      weights([-8, 4, 1, 0]),
      uniform(0, 255),
      "W4A8 | powers of two | 8 bits | INQ: weights are powers of two",
    ],
    ["int8", weights([-127, 4, 127]), uniform(-128, 127), "W8A8 | 8 bits | 8 bits | int8"],
    [
      "low-bit weights and the input",
      weights([-3, 2, 3]),
      undefined,
      "W3A32 | 3 bits | the model's input | low-bit weights",
    ],
    ["low-bit weights", weights([-3, 2, 3]), "float", "W3A32 | 3 bits | float | low-bit weights"],
    [
      "float",
      { shape: [2, 2], data: Float32Array.of(0.1, 0.2, 0.3, 0.5) },
      sign,
      "W32A1 | float | ±1 | float weights",
    ],
  ])("%s", (_, layer, quantizer, expected) => {
    expect(methodOf(layer, quantizer)).toBe(expected);
  });

  test("moves, pools and factors between quantizer and layer change nothing, sums do", () => {
    const graph = new SmallGraph([1, 4, 4, 4]);
    graph.sign();
    graph.maxPool(2);
    graph.add({ kind: "arithmetic", operator: "multiply", operand: scalar(0.5), reversed: false });
    const first = graph.conv(4);
    graph.sign();
    const second = graph.sign(first);
    graph.add({ kind: "sum" }, undefined, [second, first]);
    graph.conv(4);
    expect(inspectGraph(graph.graph).methods.map((m) => m.activations)).toEqual(["±1", "float"]);
  });
});

test("sums that are written as layers of ones have no method", () => {
  const methodsOf = (weight: number) => {
    const graph = new SmallGraph([1, 2, 4, 4]);
    const window = { kernel: [2, 2], stride: [2, 2], dilation: [1, 1], pads: [0, 0, 0, 0] } as const;
    const scale = { shape: [1, 1, 1, 1], data: Float32Array.of(1) };
    const quantized = { codes: new Int32Array(8).fill(weight), scale };
    const weights = { shape: [2, 1, 2, 2], data: new Float32Array(8).fill(weight), quantized };
    graph.add({ kind: "conv", weights, window, groups: 2, padValue: 0 }, [1, 2, 2, 2]);
    return inspectGraph(graph.graph).methods;
  };
  expect(methodsOf(1)).toEqual([]);
  expect(methodsOf(-1)).toHaveLength(1);
});

test("int8 weights and an input that the file stores in bytes are int8", () => {
  const graph = new SmallGraph([1, 3]);
  graph.add({ kind: "dense", weights: weights([-127, 4, 127]) }, [1, 2]);
  const values = new Map(graph.graph.values);
  values.set("input", { ...values.get("input")!, stored: { type: "i8", zero: 3 } });
  const [method] = inspectGraph({ ...graph.graph, values }).methods;
  expect([method!.bits, method!.method]).toEqual(["W8A8", "int8"]);
});

test("conventions are grouped, each with the nodes that it holds for", () => {
  const graph = new SmallGraph([1, 4, 8, 8]);
  graph.maxPool(2);
  graph.sign();
  graph.maxPool(2);
  const window = { kernel: [3, 3], pads: [1, 1, 1, 1] } as const;
  graph.conv(4, { window });
  graph.add({ kind: "quantize", quantizer: { ...sign, signOfZero: -1 } });
  graph.conv(4, { window, padValue: -1 });
  graph.sign();
  graph.conv(4);
  graph.add({ kind: "quantize", quantizer: uniform(0, 7) });
  expect(inspectGraph(graph.graph).conventions).toEqual([
    { convention: "sign of 0", taken: "+1", nodes: ["quantize_1", "quantize_6"] },
    { convention: "sign of 0", taken: "−1", nodes: ["quantize_4"] },
    { convention: "padding", taken: "0, which adds nothing to a sum", nodes: ["conv_3"] },
    { convention: "padding", taken: "−1", nodes: ["conv_5"] },
    { convention: "max pools", taken: "before the next quantizer", nodes: ["max-pool_0"] },
    { convention: "max pools", taken: "after the quantizer, of its codes", nodes: ["max-pool_2"] },
    { convention: "rounding", taken: "half-even", nodes: ["quantize_8"] },
  ]);
});

describe("files that the frameworks wrote", () => {
  const graphOf = (path: string): ModelGraph =>
    readModel(readFileSync(join(repoRoot, "test/fixtures", path)), path);

  test.each([
    ["onnx/brevitas_mlp.onnx", "QONNX", "opset 13", /^pytorch 2/, ["W2A3", "W2A2", "W3A3"]],
    ["tflite/bits.tflite", "TFLite with Larq Compute Engine", "schema 3", /^MLIR Converted$/, undefined],
    [
      "keras/quantizers.keras",
      "Larq (.keras)",
      "",
      /^Keras 2/,
      ["W1A1", "W2A1", "W1A2", "W2A3", "W2A1", "W2A1"],
    ],
  ] as const)("%s", (path, format, version, producer, bits) => {
    const found = inspectGraph(graphOf(path));
    expect([found.format, found.version]).toEqual([format, version]);
    expect(found.producer).toMatch(producer);
    expect(found.source).toContain(`by ${found.producer}`);
    if (bits !== undefined) expect(found.methods.map((m) => m.bits)).toEqual(bits);
    expect(found.conventions).not.toEqual([]);
  });

  test("the text names all of it, and nothing of a hostile name reaches the terminal", () => {
    const graph = graphOf("keras/quantizers.keras");
    const text = inspectionText(graph, inspectGraph(graph));
    expect(text).toMatch(/^format {4}Larq \(\.keras\)\nproducer {2}Keras 2/);
    expect(text).toMatch(/quant_conv2d_5 +±1, a scale per output +±1 +W1A1 +XNOR-Net/);
    expect(text).toMatch(/sign of 0 +\+1 +quant_conv2d_5 input quantizer, .* and 1 more/);
    const nodes = graph.nodes.map((n) => ({ ...n, name: `${n.name}\u001b[2J${"x".repeat(300)}` }));
    const hostile = inspectionText({ ...graph, nodes }, inspectGraph({ ...graph, nodes }));
    expect(hostile).not.toContain("\u001b");
    expect(Math.max(...hostile.split("\n").map((line) => line.length))).toBeLessThan(400);
  });
});
