/** Damaged models: every one ends in a graph and a library, or in a BitloomError, never in another exception. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileModelFile } from "../../../src/compile.js";
import { BitloomError } from "../../../src/diagnostics/diagnostic.js";
import { readModel } from "../../../src/formats/index.js";
import { type ModelProto, ModelProtoSchema } from "../../../src/formats/onnx/onnx_pb.js";
import { onnxOps } from "../../../src/formats/onnx/registry.js";
import { printGraph } from "../../../src/graph/print.js";
import { runModel } from "../../../src/reference/model.js";
import { onnxFixture, readShared, sharedModel } from "../../support/models.js";
import { floats, ints, node, onnxFile, scalar, smallNet } from "../../support/onnx.js";

const RUNS = Number(process.env.BITLOOM_FUZZ_RUNS ?? 1000);
/** One file may take this long, in milliseconds. */
const SLOWEST = 5000;

/** Something of everything: shapes, quantizers, folding, both dense layers, softmax. */
const small = onnxFile({
  nodes: [
    node("Shape", "x", {}, "sizes"),
    node("Gather", "sizes zeroth", {}, "batch"),
    node("Unsqueeze", "batch first", {}, "head"),
    node("Concat", "head rest", { axis: 0 }, "target"),
    node("Reshape", "x target", {}, "flat"),
    node("Quant", "flat s zero bits", { signed: 1, narrow: 1, rounding_mode: "ROUND" }, "q"),
    node("BipolarQuant", "w s", {}, "wq"),
    node("Transpose", "wq", { perm: [1, 0] }, "wt"),
    node("MatMul", "q wt", {}, "h"),
    node("BatchNormalization", "h g b m v", { epsilon: { float: 1e-5 } }, "n"),
    node("Relu", "n", {}, "r"),
    node("Gemm", "r w2 b", { transB: 1, alpha: { float: 0.5 } }, "l"),
    node("Constant", "", { value: { tensor: scalar(2) } }, "two"),
    node("Div", "l two", {}, "d"),
    node("Softmax", "d", { axis: 1 }),
  ],
  inputs: { x: [0, 2, 2] },
  constants: {
    zeroth: { dims: [], dataType: 7, int64Data: [0n] },
    first: ints(0),
    rest: ints(-1),
    s: scalar(0.5),
    zero: scalar(0),
    bits: scalar(2),
    w: floats([2, 4], [1, -1, 2, -2, 0.5, 0, -1, 1]),
    w2: floats([2, 2], [1, -1, -1, 1]),
    g: floats([2], [1, -1]),
    b: floats([2], [0, 1]),
    m: floats([2], [0, 0]),
    v: floats([2], [1, 2]),
  },
});

/** Something of every operator on maps: windows, groups, branches, a shuffle, computed pads. */
const maps = onnxFile({
  nodes: [
    node("Quant", "x s zero bits", { signed: 1 }, "q"),
    node("BipolarQuant", "w s", {}, "wq"),
    node("Conv", "q wq b", { group: 2, strides: [1, 2], pads: [1, 0, 1, 2], dilations: [2, 1] }, "c"),
    node("PRelu", "c slope", {}, "p"),
    node("Reshape", "p split", {}, "r5"),
    node("Transpose", "r5", { perm: [0, 2, 1, 3, 4] }, "t5"),
    node("Reshape", "t5 joined", {}, "r4"),
    node("MaxPool", "r4", { kernel_shape: [2, 2], ceil_mode: 1, strides: [2, 2] }, "m"),
    node("AveragePool", "r4", { kernel_shape: [3, 3], strides: [2, 2], auto_pad: "SAME_UPPER" }, "a"),
    node("Add", "m a", {}, "sum"),
    { ...node("Split", "sum", { axis: 1 }), out: ["s1", "s2"] },
    node("LeakyRelu", "s1", { alpha: { float: 0.1 } }, "l1"),
    node("Concat", "l1 s2 s1", { axis: 1 }, "cat"),
    node("Slice", "cat from to axes steps", {}, "cut"),
    node("Pad", "cut pads minus", { mode: "constant" }, "pad"),
    node("Clip", "pad minus s", {}, "clip"),
    node("ReduceMean", "clip", { axes: [2, 3], keepdims: 0 }, "mean"),
    node("QuantizeLinear", "mean s z8", {}, "q8"),
    node("DequantizeLinear", "q8 s z8"),
  ],
  inputs: { x: [0, 4, 4, 5] },
  constants: {
    s: scalar(0.5),
    zero: scalar(0),
    bits: scalar(4),
    minus: scalar(-1),
    w: floats(
      [4, 2, 2, 3],
      Array.from({ length: 48 }, (_, i) => ((i * 7) % 5) - 1.5),
    ),
    b: floats([4], [0, 1, -1, 0.5]),
    slope: floats([4, 1, 1], [0.25, -1, 0, 1]),
    split: ints(1, 2, 2, 4, -1),
    joined: ints(1, 4, 4, -1),
    from: ints(1, 0),
    to: ints(2 ** 40, 3),
    axes: ints(1, -1),
    steps: ints(2, 1),
    pads: ints(0, 0, 1, 0, 0, 0, 0, 1),
    z8: { dims: [], dataType: 3, int32Data: [3] },
  },
});

/** Something of every way to write quantizers as plain code. */
const plain = onnxFile({
  nodes: [
    node("Sign", "x", {}, "s"),
    node("Add", "s tenth", {}, "a"),
    node("Sign", "a", {}, "s2"),
    node("GreaterOrEqual", "x zero", {}, "ge"),
    node("Less", "x minus", {}, "lt"),
    node("Or", "ge lt", {}, "or"),
    node("Where", "ge s2 minus", {}, "w"),
    node("Not", "ge", {}, "ng"),
    node("Cast", "ng", { to: 1 }, "f"),
    node("Add", "w f", {}, "t"),
    node("Sub", "t x", {}, "g"),
    node("Add", "g x", {}, "q"),
    node("Div", "q tenth", {}, "d"),
    node("Round", "d", {}, "r"),
    node("Add", "r one", {}, "z"),
    node("Clip", "z minus eight", {}, "c"),
    node("HardSigmoid", "c", { alpha: { float: 0.25 } }, "h"),
    node("Max", "h zero", {}, "m"),
    node("Sum", "m tenth", {}, "p"),
    node("Sign", "latent", {}, "sw"),
    node("Abs", "latent", {}, "aw"),
    node("ReduceMean", "aw", { axes: [0], keepdims: 1 }, "mean"),
    node("Expand", "mean both", {}, "full"),
    node("Mul", "sw full", {}, "weights"),
    node("MatMul", "p weights", {}, "mm"),
    node("Tanh", "mm", {}, "th"),
    node("Greater", "th zero", {}, "b"),
    node("Where", "b one minus"),
  ],
  inputs: { x: [0, 4] },
  constants: {
    tenth: scalar(0.1),
    zero: scalar(0),
    one: scalar(1),
    minus: scalar(-1),
    eight: scalar(8),
    both: ints(4, 3),
    latent: floats(
      [4, 3],
      Array.from({ length: 12 }, (_, i) => ((i * 7) % 5) - 1.5),
    ),
  },
});

/** Small nets, made here and by frameworks. */
const models = [
  smallNet(),
  smallNet({ softmax: true }),
  maps,
  plain,
  ...["scales_w4a3_relu", "opset13_constants", "exact_ties"].map((name) => onnxFixture(`${name}.onnx`)),
  ...["finn_cnn", "trunc2", "channels_last"].map((name) => onnxFixture(`../onnx-qonnx/${name}.onnx`)),
].map((file) => Uint8Array.from(file));

const byte = fc.oneof(fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xff), fc.nat({ max: 255 }));
const span = fc.integer({ min: 1, max: 200 });
const is = <K extends string>(kind: K, value: fc.Arbitrary<number>) =>
  fc.record({ kind: fc.constant(kind), at: fc.nat(), value });
/** Small changes come more often, so that a part of the files stays readable. */
const mutation = fc.oneof(
  { weight: 6, arbitrary: is("bit", fc.nat({ max: 7 })) },
  { weight: 4, arbitrary: is("byte", byte) },
  { weight: 1, arbitrary: is("delete", span) },
  { weight: 1, arbitrary: is("repeat", span) },
  { weight: 1, arbitrary: is("cut", fc.constant(0)) },
  // A varint of that many bytes: a length, a size or a count far beyond the file.
  { weight: 1, arbitrary: is("bomb", fc.integer({ min: 1, max: 9 })) },
);

type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(bytes: Uint8Array, { kind, at, value }: Mutation): Uint8Array {
  const position = at % Math.max(bytes.length, 1);
  if (kind === "cut") return bytes.slice(0, position);
  if (kind === "delete") return join(bytes.subarray(0, position), bytes.subarray(position + value));
  if (kind === "repeat") return join(bytes.subarray(0, position + value), bytes.subarray(position));
  const changed = bytes.slice();
  if (kind === "bomb") return changed.fill(0xff, position, position + value);
  if (changed.length > 0) changed[position] = kind === "byte" ? value : changed[position]! ^ (1 << value);
  return changed;
}

/** One change that leaves the file valid protobuf: what, where, and with which number. */
const change = fc.record({
  kind: fc.constantFrom("input", "op", "drop", "dim", "type", "data", "attribute", "opset", "size", "output"),
  at: fc.nat(),
  other: fc.nat(),
  number: fc.oneof(
    fc.constantFrom(0, 1, -1, 2, 3, 7, 8, 2 ** 31, -(2 ** 31), 2 ** 40),
    fc.integer({ min: -10, max: 10 }),
    fc.float(),
  ),
});

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function apply(model: ModelProto, { kind, at, other, number }: Change): void {
  const graph = model.graph!;
  const pick = <T>(items: readonly T[], index: number): T | undefined => items[index % items.length];
  const whole = Number.isFinite(number) ? BigInt(Math.trunc(number)) : 0n;
  const names = [
    ...graph.node.flatMap((n) => [...n.input, ...n.output]),
    ...graph.initializer.map((t) => t.name),
  ];
  const node = pick(graph.node, at);
  const tensor = pick(graph.initializer, at);
  const attribute = pick(
    graph.node.flatMap((n) => n.attribute),
    at,
  );
  const size = pick(
    graph.input[0]?.type?.value.case === "tensorType" ? graph.input[0].type.value.value.shape!.dim : [],
    at,
  );
  if (kind === "input" && node)
    node.input[other % (node.input.length + 1)] = pick(names, Math.trunc(other / 7)) ?? "";
  if (kind === "op" && node) {
    const entry = pick(onnxOps, other)!;
    node.opType = entry.op;
    node.domain = entry.domains[0]!;
  }
  if (kind === "drop" && node) graph.node.splice(at % graph.node.length, 1);
  if (kind === "dim" && tensor) tensor.dims[other % (tensor.dims.length + 1)] = BigInt.asIntN(64, whole);
  if (kind === "type" && tensor) tensor.dataType = pick([1, 6, 7, 9, 10, 11], other)!;
  if (kind === "data" && tensor) {
    if (tensor.rawData.length >= 4)
      new DataView(tensor.rawData.buffer, tensor.rawData.byteOffset).setFloat32(0, number, true);
    else tensor.int64Data[0] = BigInt.asIntN(64, whole);
  }
  if (kind === "attribute" && attribute) {
    attribute.i = BigInt.asIntN(64, whole);
    attribute.f = number;
    attribute.ints = attribute.ints.map(() => BigInt.asIntN(64, whole));
  }
  if (kind === "opset") model.opsetImport[0]!.version = BigInt(5 + (other % 22));
  if (kind === "size" && size) size.value = { case: "dimValue", value: BigInt.asIntN(64, whole) };
  if (kind === "output") graph.output[0]!.name = pick(names, other)!;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Uint8Array.from([...a, ...b]);
}

type End = "library" | "graph" | "error";

/** A graph that can be printed and perhaps compiled, or a BitloomError with exit code 2 that is no defect of bitloom. */
function endOf(bytes: Uint8Array): End {
  const start = performance.now();
  let end: End = "error";
  try {
    const graph = readModel(bytes, "fuzz.onnx");
    printGraph(graph);
    // What was accepted can be run, with an output of the size that the graph states.
    const size = (name: string): number => graph.values.get(name)!.shape.reduce((a, b) => a * b, 1);
    const cost = graph.nodes.reduce((sum, n) => {
      const kernel =
        n.op.kind === "conv"
          ? n.op.weights.data.length
          : "window" in n.op
            ? n.op.window.kernel[0] * n.op.window.kernel[1]
            : 1;
      return sum + size(n.output) * kernel;
    }, 0);
    if (graph.inputs.length === 1 && size(graph.inputs[0]!) < 10_000 && cost < 1e6) {
      const output = runModel(graph, new Float32Array(size(graph.inputs[0]!)).fill(0.5));
      expect(output).toHaveLength(size(graph.outputs[0]!));
    }
    end = "graph";
    compileModelFile(bytes, "fuzz.onnx");
    return "library";
  } catch (error) {
    if (!(error instanceof BitloomError)) throw error;
    expect(error.exitCode).toBe(2);
    expect(error.diagnostics.map((d) => d.code)).not.toContain("graph/invalid");
    return end;
  } finally {
    expect(performance.now() - start).toBeLessThan(SLOWEST);
  }
}

describe("mutated files end in a graph or a BitloomError", () => {
  it("of a small model with every kind of node", () => {
    const ends = { library: 0, graph: 0, error: 0 };
    expect(endOf(small)).not.toBe("error");
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        ends[endOf(mutations.reduce(mutate, small))]++;
      }),
      { numRuns: RUNS },
    );
    // Both ends are reached, or the test tests nothing.
    expect(Math.min(ends.library + ends.graph, ends.error)).toBeGreaterThan(RUNS / 100);
  });

  it("of a net of convolutions and branches", () => {
    const ends = { library: 0, graph: 0, error: 0 };
    expect(endOf(maps)).not.toBe("error");
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        ends[endOf(mutations.reduce(mutate, maps))]++;
      }),
      { numRuns: RUNS },
    );
    expect(Math.min(ends.library + ends.graph, ends.error)).toBeGreaterThan(RUNS / 100);
  });

  it("of small nets, some of which compile", () => {
    const ends = { library: 0, graph: 0, error: 0 };
    for (const model of models) expect(endOf(model)).not.toBe("error");
    const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...models), mutations, (model, list) => {
        ends[endOf(list.reduce(mutate, model))]++;
      }),
      { numRuns: RUNS },
    );
    expect(Math.min(ends.library, ends.graph + ends.error)).toBeGreaterThan(RUNS / 20);
  });

  it("of valid protobuf with changed nodes, tensors, attributes and sizes", () => {
    const ends = { library: 0, graph: 0, error: 0 };
    fc.assert(
      fc.property(
        fc.constantFrom(small, ...models),
        fc.array(change, { minLength: 1, maxLength: 2 }),
        (file, changes) => {
          const model = fromBinary(ModelProtoSchema, file);
          for (const c of changes) apply(model, c);
          ends[endOf(toBinary(ModelProtoSchema, model))]++;
        },
      ),
      { numRuns: RUNS },
    );
    expect(Math.min(ends.library + ends.graph, ends.error)).toBeGreaterThan(RUNS / 50);
  });

  it.skipIf(sharedModel("TFC_2W2A.onnx") === undefined)("of TFC_2W2A, trained by others", () => {
    const model = readShared("TFC_2W2A.onnx");
    // Most bytes are weights; the nodes stand at the front, so positions there come up more often.
    const front = mutation.map((m) => ({ ...m, at: m.at % (m.at % 2 === 0 ? 8192 : model.length) }));
    fc.assert(
      fc.property(fc.array(front, { minLength: 1, maxLength: 4 }), (mutations) => {
        endOf(mutations.reduce(mutate, model));
      }),
      { numRuns: Math.ceil(RUNS / 10) },
    );
  });
});
