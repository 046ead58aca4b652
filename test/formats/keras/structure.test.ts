/** How layers are connected, and what of a file is refused as a whole. */
import { describe, expect, test } from "vitest";
import type { KerasFile } from "../../../src/formats/keras/container.js";
import { importOpened } from "../../../src/formats/keras/import.js";
import { fieldsOf } from "../../../src/formats/keras/settings.js";
import { runModel } from "../../../src/reference/model.js";
import { errorsOf } from "../../support/errors.js";
import {
  filled,
  graphOf,
  kerasFile,
  type ModelSpec,
  problemOf,
  problemsOf,
  run,
  tensor,
} from "../../support/keras.js";

const relu = (from?: readonly string[], name?: string) => ({
  class: "ReLU",
  ...(from === undefined ? {} : { from }),
  ...(name === undefined ? {} : { name }),
});

/** A file with this model config. */
const fileOf = (model: unknown): KerasFile => ({
  ...kerasFile({ layers: [relu()] }),
  model: fieldsOf(model)!,
});
const problemIn = (model: unknown): string =>
  errorsOf(() => importOpened(fileOf(model), "m.h5"))
    .map((d) => `${d.code}: ${d.message} — ${d.remedy}`)
    .join("\n");

const input = {
  class_name: "InputLayer",
  name: "x",
  config: { name: "x", batch_input_shape: [null, 2] },
  inbound_nodes: [],
};
const functional = (layers: readonly unknown[], output: unknown = [["y", 0, 0]]): unknown => ({
  class_name: "Functional",
  config: { name: "m", layers: [input, ...layers], output_layers: output },
});

test("layers may stand in any order and be used several times", () => {
  const layers = [
    {
      class_name: "Add",
      name: "y",
      config: {},
      inbound_nodes: [
        [
          ["r", 0, 0, {}],
          ["r", 1, 0, {}],
        ],
      ],
    },
    {
      class_name: "LeakyReLU",
      name: "r",
      config: { alpha: 0.5 },
      inbound_nodes: [[["x", 0, 0, {}]], [["r", 0, 0, {}]]],
    },
  ];
  const graph = importOpened(fileOf(functional(layers)), "m.h5");
  expect(graph.nodes.map((n) => n.name)).toEqual(["r", "r#1", "y"]);
});

test("connections as Keras 3 writes them", () => {
  const of = (layer: string) => ({
    class_name: "__keras_tensor__",
    config: { shape: [null, 2], keras_history: [layer, 0, 0] },
  });
  const layers = [
    { class_name: "ReLU", name: "r", config: {}, inbound_nodes: [{ args: [of("x")], kwargs: {} }] },
    { class_name: "Add", name: "y", config: {}, inbound_nodes: [{ args: [[of("x"), of("r")]], kwargs: {} }] },
  ];
  expect(importOpened(fileOf(functional(layers, ["y", 0, 0])), "m.keras").nodes).toHaveLength(2);
});

test("functions of TensorFlow with numbers and with values", () => {
  const layers = [
    {
      class_name: "TFOpLambda",
      name: "m",
      config: { function: "math.multiply" },
      inbound_nodes: [["x", 0, 0, { y: 3, name: null }]],
    },
    {
      class_name: "TFOpLambda",
      name: "y",
      config: { function: "__operators__.add" },
      inbound_nodes: [["m", 0, 0, { y: ["x", 0, 0] }]],
    },
  ];
  const graph = importOpened(fileOf(functional(layers)), "m.h5");
  expect(graph.nodes.map((n) => n.op.kind)).toEqual(["arithmetic", "sum"]);
});

test("numbers may come first, and layers called in training are refused", () => {
  const call = (name: string, node: unknown) => ({
    class_name: "TFOpLambda",
    name: "y",
    config: { function: name },
    inbound_nodes: [node],
  });
  const first = ["_CONSTANT_VALUE", -1, 2, { y: ["x", 0, 0], name: null }];
  const graph = importOpened(fileOf(functional([call("math.subtract", first)])), "m.h5");
  expect([...runModel(graph, Float32Array.of(5, -1))]).toEqual([-3, 3]);
  expect(problemIn(functional([call("math.divide", first)]))).toMatch(/divides a number by a value/);
  const dropout = {
    class_name: "Dropout",
    name: "y",
    config: {},
    inbound_nodes: [[["x", 0, 0, { training: true }]]],
  };
  expect(problemIn(functional([dropout]))).toMatch(/"training" is not known/);
});

test("a Sequential model of old files has its input's shape in the first layer", () => {
  const layers = [{ class_name: "ReLU", config: { name: "r", batch_input_shape: [null, 3] } }];
  const graph = importOpened(fileOf({ class_name: "Sequential", config: { layers } }), "m.h5");
  expect(graph.values.get(graph.inputs[0]!)!.shape).toEqual([1, 3]);
});

describe("models inside models", () => {
  const relu = { class_name: "ReLU", config: { name: "r", negative_slope: 0.5 } };
  const inner = (layers: readonly unknown[], inbound: unknown) => ({
    class_name: "Sequential",
    name: "y",
    config: { name: "y", layers },
    inbound_nodes: inbound,
  });
  const inputOf = (shape: readonly (number | null)[]) => ({ ...input, config: { batch_input_shape: shape } });
  const names = (model: unknown): readonly string[] =>
    importOpened(fileOf(model), "m.h5").nodes.map((n) => n.name);

  test("are written out once for every use", () => {
    const twice = [[["x", 0, 0, {}]], [["y", 1, 0, {}]]];
    const found = names(functional([inner([inputOf([null, 2]), relu], twice)], [["y", 2, 0]]));
    expect(found).toEqual(["y/r", "y/r#1"]);
  });

  test("without an input of their own have uses from 0 on", () => {
    expect(names(functional([inner([relu], [[["x", 0, 0, {}]]])], [["y", 0, 0]]))).toEqual(["y/r"]);
  });

  test("may have several inputs and outputs", () => {
    const two = {
      class_name: "Functional",
      name: "two",
      config: {
        name: "two",
        layers: [
          { ...input, name: "a" },
          { ...input, name: "b" },
          { ...relu, name: "r", inbound_nodes: [[["b", 0, 0, {}]]] },
        ],
        input_layers: [
          ["b", 0, 0],
          ["a", 0, 0],
        ],
        output_layers: [
          ["a", 0, 0],
          ["r", 0, 0],
        ],
      },
      inbound_nodes: [
        [
          ["x", 0, 0, {}],
          ["x", 0, 0, {}],
        ],
      ],
    };
    const sum = (first: number, second: number) => ({
      class_name: "Add",
      name: "y",
      config: {},
      inbound_nodes: [
        [
          ["two", 1, first, {}],
          ["two", 1, second, {}],
        ],
      ],
    });
    const graph = importOpened(fileOf(functional([two, sum(0, 1)])), "m.h5");
    expect(graph.nodes.map((n) => n.inputs)).toEqual([["x"], ["x", "two/r"]]);
    expect(problemIn(functional([two, sum(0, 2)]))).toMatch(/output is of no layer/);
    expect(problemIn(functional([{ ...two, inbound_nodes: [[["x", 0, 0, {}]]] }, sum(0, 1)]))).toMatch(
      /inner model "two" has 2 inputs and is called with 1 values/,
    );
  });

  test("of another shape than they are called with are refused", () => {
    expect(
      problemIn(functional([inner([inputOf([null, 3]), relu], [[["x", 0, 0, {}]]])], [["y", 1, 0]])),
    ).toMatch(/called with the shape 1×2 and was built for another/);
  });

  test("that use each other again and again end at a limit", () => {
    let model: unknown = relu;
    let layers: readonly unknown[] = [inputOf([null, 2]), relu];
    for (let depth = 0; depth < 30; depth++) {
      model = { class_name: "Sequential", name: `m${depth}`, config: { name: `m${depth}`, layers } };
      layers = [model, { ...(model as object), name: `n${depth}` }];
    }
    expect(problemIn(model)).toMatch(/more than 16 models/);
    // Ten levels of eight uses each: 2^30.
    const uses = (name: string) => Array.from({ length: 8 }, () => [[name, 0, 0, {}]]);
    let deep: unknown = { ...relu, name: "y", inbound_nodes: uses("x") };
    for (let depth = 0; depth < 10; depth++)
      deep = {
        ...(functional([deep], [["y", depth === 0 ? 7 : 8, 0]]) as object),
        name: "y",
        inbound_nodes: uses("x"),
      };
    const whole = functional([deep], [["y", 8, 0]]);
    const withInputs = JSON.parse(
      JSON.stringify(whole).replaceAll('"output_layers"', '"input_layers":[["x",0,0]],"output_layers"'),
    );
    expect(problemIn(withInputs)).toMatch(/uses its layers more than 20000 times/);
  });
});

describe("refuses as a whole", () => {
  const layer = (inbound: unknown) =>
    functional([{ class_name: "ReLU", name: "y", config: {}, inbound_nodes: inbound }]);
  test.each<[string, unknown, RegExp]>([
    ["other classes", { class_name: "MyModel", config: {} }, /class MyModel.*Sequential or Functional/],
    ["no config", { class_name: "Sequential" }, /of class/],
    ["no layers", { class_name: "Sequential", config: { layers: [] } }, /no list of layers/],
    [
      "a layer without class",
      { class_name: "Sequential", config: { layers: [{ config: {} }] } },
      /no class or no config/,
    ],
    ["two of one name", functional([input]), /same name/],
    ["a circle", layer([[["y", 0, 0, {}]]]), /circle/],
    ["a result of nothing", layer([[["z", 0, 0, {}]]]), /no layer computes/],
    ["a second output", layer([[["x", 0, 1, {}]]]), /no layer computes/],
    ["odd connections", layer([{ args: "x" }]), /not understood/],
    ["no outputs", functional([], []), /no outputs/],
    ["an output of nothing", functional([], [["z", 0, 0]]), /output is of no layer/],
  ])("%s", (_, model, message) => expect(problemIn(model)).toMatch(message));
});

describe("every problem at once, by layer", () => {
  test("unsupported layers with what helps", () => {
    const spec: ModelSpec = {
      input: [4, 4, 2],
      layers: [
        { class: "Lambda", from: ["x"], name: "code" },
        { class: "UpSampling2D", from: ["x"], name: "larger" },
        { class: "QuantConv2", from: ["x"], name: "typo" },
        {
          class: "Conv2D",
          config: { filters: 0, kernel_size: 3 },
          from: ["x"],
          name: "none",
          weights: [filled([3, 3, 2, 0], 0)],
        },
        { class: "Add", from: ["larger", "typo"] },
      ],
    };
    const problems = problemsOf(spec);
    expect(problems.map((p) => p.where)).toEqual(["code", "larger", "typo", "none"]);
    expect(problems.map((p) => p.remedy).join("\n")).toMatch(
      /never run[\s\S]*maps smaller[\s\S]*did you mean QuantConv2D\?/,
    );
    expect(problems[1]!.message).toMatch(/UpSampling2D of 1×4×4×2/);
  });

  test.each<[string, ModelSpec, RegExp]>([
    [
      "channels in front",
      { input: [2, 4, 4], layers: [{ class: "MaxPooling2D", config: { data_format: "channels_first" } }] },
      /channels_last/,
    ],
    [
      "mixed precision",
      { layers: [{ class: "ReLU", config: { dtype: "mixed_float16" } }] },
      /computes in mixed_float16/,
    ],
    [
      "precision of Keras 3",
      { layers: [{ class: "ReLU", config: { dtype: { config: { name: "float16" } } } }] },
      /computes in float16/,
    ],
    ["open sizes", { input: [null as never, 3], layers: [relu()] }, /open or impossible sizes \(\?×\?×3\)/],
    ["no size", { input: [], layers: [relu()] }, /impossible sizes/],
    ["a large input", { input: [1e6, 1e6], layers: [relu()] }, /impossible sizes/],
    [
      "missing weights",
      { layers: [{ class: "Dense", config: { units: 2 } }] },
      /0 weights for it.*kernel, bias/,
    ],
    [
      "weights that are not finite",
      {
        layers: [
          {
            class: "Dense",
            config: { units: 1, use_bias: false },
            weights: [tensor([4, 1], [1, Number.NaN, 0, 0])],
          },
        ],
      },
      /element 1 of a weight is NaN/,
    ],
    [
      "large pads",
      { input: [4, 4, 1], layers: [{ class: "ZeroPadding2D", config: { padding: 65536 } }] },
      /at most 4194304/,
    ],
    [
      "a setting of the wrong type",
      { layers: [{ class: "Dense", config: { units: "many" } }] },
      /"units" is not a number/,
    ],
    [
      "an impossible normalization",
      {
        input: [1],
        layers: [{ class: "BatchNormalization", weights: [1, 0, 0, -5].map((v) => tensor([1], [v])) }],
      },
      /not positive/,
    ],
  ])("refuses %s", (_, spec, message) => expect(problemOf(spec)).toMatch(message));
});

test("names of layers may hold anything", () => {
  for (const name of ["__proto__", "constructor", "a/b", "\u001b[2J", "new\nline", "0 x"]) {
    expect(run({ layers: [{ ...relu(), name }] }, [1, -1, 2, -2])).toEqual([1, 0, 2, 0]);
    const { nodes } = graphOf({ layers: [{ ...relu(["x"], name) }, relu([name], "last")] });
    expect(nodes).toHaveLength(2);
  }
});

test("normalization on maps follows the version of Keras", () => {
  const layers = [{ class: "BatchNormalization", weights: [1, 0, 0, 1].map((v) => tensor([1], [v])) }];
  const kinds = (kerasVersion: string) =>
    graphOf({ input: [2, 2, 1], layers, kerasVersion }).nodes.map((n) => n.op.kind);
  expect(kinds("2.15.0").filter((k) => k === "arithmetic")).toHaveLength(3);
  expect(kinds("3.5.0")).toContain("batch-normalization");
});
