/** Manifests: what is wrong is told all at once, each with its place and what is expected there. */
import { describe, expect, test } from "vitest";
import { renderDiagnostics } from "../../../src/diagnostics/text.js";
import { readModel } from "../../../src/formats/index.js";
import { printGraph } from "../../../src/graph/print.js";
import {
  type BundleSpec,
  graphOf,
  manifestOf,
  problemOf,
  readBundle,
  safetensorsFile,
  tensor,
  textOf,
} from "../../support/bundle.js";
import { errorsOf } from "../../support/errors.js";

const relu = { type: "relu" };
const none = { type: "none" };
const problems = (spec: BundleSpec): string[] => problemOf(spec).split("\n");
const ofJson = (text: string): string =>
  textOf(errorsOf(() => readModel(new TextEncoder().encode(text), "net.json")));

describe("layers", () => {
  test("read the one before, or those that they name", () => {
    const graph = graphOf({
      layers: [
        { ...relu, name: "a" },
        { type: "hardtanh", inputs: ["input"] },
        { type: "add", inputs: ["a", "hardtanh 1"], name: "sum" },
        { type: "softmax", name: "last" },
      ],
      more: { producer: "by hand", $schema: "bundle.schema.json" },
    });
    expect(graph.nodes.map((n) => [n.name, n.inputs])).toEqual([
      ["a", ["input"]],
      ["hardtanh 1", ["input"]],
      ["sum", ["a", "hardtanh 1"]],
      ["last", ["sum"]],
    ]);
    expect(graph).toMatchObject({
      name: "net",
      origin: { format: "bundle", version: "version 1", producer: "by hand" },
      inputs: ["input"],
    });
    expect(graph.outputs).toEqual(["last"]);
  });

  test("with the names of JavaScript's own properties are layers like others", () => {
    const names = ["__proto__", "constructor", "toString"];
    const graph = graphOf({
      layers: names.map((name) => ({ type: "linear", name, weight: name, weight_quantizer: none })),
      tensors: Object.fromEntries(names.map((name) => [name, tensor([4, 4], new Array(16).fill(1))])),
    });
    expect(graph.nodes.map((n) => n.name)).toEqual(names);
    for (const type of names)
      expect(problemOf({ layers: [{ type }] })).toMatch(`no type of layers "${type}"`);
    const json = JSON.stringify(manifestOf({ layers: [relu] }));
    expect(ofJson(json.replace('"relu"', '"relu","__proto__":{"inputs":["x"]}'))).toMatch(
      /^layers\[0\]\.__proto__: "__proto__" is not known here/,
    );
    expect(ofJson(json.replace('"version"', '"constructor":1,"version"'))).toMatch(
      /"constructor" is not known/,
    );
  });
});

test("every problem of a manifest is told at once", () => {
  const found = problems({
    input: [1, 4, 4],
    layers: [
      {
        type: "conv2d",
        name: "c",
        weight: "c.wieght",
        stride: -1,
        padding: [1, 2, 3],
        weight_quantizer: { type: "sing" },
      },
      { type: "rellu" },
      { type: "relu", strid: 1 },
      { type: "maxpool2d", kernel_size: 0, stride: "2" },
      { type: "quantize", scale: "", rounding: "half-even", inputs: [] },
      {
        type: "conv2d",
        name: "d",
        inputs: ["input"],
        weight: "d.wieght",
        weight_quantizer: { type: "sign", sign_of_zero: 2, scal: 1 },
      },
      { type: "conv2d", name: "e", inputs: ["input"], weight: "d.wieght", weight_quantizer: none },
      { type: "add", name: "e", inputs: ["input", "f", "later"] },
      { type: "relu", name: "later", inputs: ["inpt"] },
      7,
      { name: "none" },
    ],
    tensors: { "d.weight": tensor([1, 1, 1, 1], [1]) },
    more: { procuder: "x" },
  });
  expect(found).toEqual(
    [
      /^procuder: "procuder" is not known here — did you mean producer\?/,
      /^layers\[0\]\.weight_quantizer\.type: it is "sing" — expected: how weights are quantized/,
      /^layers\[0\]\.stride: it is -1 — expected: steps of the kernel: a whole number from 1 to 65536, or \[height, width\]/,
      /^layers\[0\]\.padding: it is \[1, 2, 3\] — expected: pads: .* or \[top, left, bottom, right\]/,
      /^layers\[1\]\.type: there is no type of layers "rellu" — did you mean relu\?/,
      /^layers\[2\]\.strid: "strid" is not known here/,
      /^layers\[3\]\.kernel_size: it is 0 — expected: size of the window/,
      /^layers\[3\]\.stride: it is "2" — expected: steps of the window/,
      /^layers\[4\]\.inputs: it is \[\] — expected: names of layers that stand before it/,
      /^layers\[4\]\.scale: it is "" — expected: the value of one step/,
      /^layers\[5\]\.weight_quantizer\.sign_of_zero: it is 2 — expected: 1, -1 or 0/,
      /^layers\[5\]\.weight_quantizer\.scale: it is missing — expected: a number, or the name of a tensor/,
      /^layers\[5\]\.weight_quantizer\.scal: "scal" is not known here — did you mean scale\?/,
      /^layers\[9\]\.type: the layer has no type/,
      /^layers\[10\]\.type: the layer has no type/,
      /^layers\[7\]\.name: "e" is the name of another layer/,
    ].map((pattern) => expect.stringMatching(pattern)),
  );
});

test("layers with right fields are checked beside others with wrong ones", () => {
  const found = problems({
    input: [1, 4, 4],
    layers: [
      { type: "conv2d", name: "d", weight: "d.wieght", weight_quantizer: none },
      { type: "relu", name: "wrong", slope: 1 },
      { type: "add", name: "sum", inputs: ["input", "smu"] },
      { type: "add", name: "both", inputs: ["input", "later"] },
      { type: "relu", name: "later", inputs: ["inpt"] },
    ],
    tensors: { "d.weight": tensor([1, 1, 1, 1], [1]) },
  });
  expect(found).toEqual(
    [
      /^layers\[1\]\.slope: "slope" is not known here/,
      /^layers\[0\] d: there is no tensor "d\.wieght" in the weights file — did you mean d\.weight\?/,
      /^layers\[2\] sum: it reads "smu", which no layer is called — inputs are names/,
      /^layers\[3\] both: it reads "later", which stands behind it/,
      /^layers\[4\] later: it reads "inpt", which no layer is called — did you mean input\?/,
    ].map((pattern) => expect.stringMatching(pattern)),
  );
});

describe("the manifest around the layers", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["no layers", { layers: [] }, /^layers: it is \[\] — expected: a list of 1 to 2000 layers/],
    ["too many layers", { layers: new Array(2001).fill(relu) }, /^layers: it is a list of 2001/],
    ["a version of the future", { version: 2 }, /^version: it is 2 — expected: 1/],
    ["no name", { name: "" }, /^name: it is "" — expected: the net's name/],
    ["no input", { input: undefined }, /^input: it is missing — expected: an object like/],
    ["a batch", { input: { shape: [8, 4] } }, /^input\.shape: the batch size is 8 — .*write 1/],
    [
      "an open size",
      { input: { shape: [1, -1] } },
      /^input\.shape\[1\]: it is -1 — expected: sizes of the input/,
    ],
    ["a batch alone", { input: { shape: [1] } }, /^input\.shape: an input of 1 is not possible/],
    ["a huge input", { input: { shape: [1, 65536, 65536] } }, /65536×65536 is not possible/],
    [
      "an impossible zero",
      { input: { shape: [1, 4], stored: { type: "i8", zero: 200 } } },
      /stored\.zero: no i8 is 200/,
    ],
    [
      "a layer of another name",
      { layers: [{ ...relu, name: "input" }] },
      /"input" is the name of the net's input/,
    ],
    ["a number beyond float32", { layers: [{ type: "clip", min: 1e39 }] }, /layers\[0\]\.min: it is 1e\+39/],
    [
      "weights that are missing",
      { weights: "other.npz" },
      /weights: other\.npz: the file "other\.npz" .* is not there/,
    ],
    ["weights outside", { weights: "../net.npz" }, /names the file "\.\.\/net\.npz", which is not below/],
    ["weights anywhere", { weights: "/etc/passwd" }, /not below the model's folder/],
    ["weights that are none", { weights: "net.safetensors" }, /no safetensors file, or it is cut off/],
    [
      "a result that nothing reads",
      { layers: [relu, { ...relu, inputs: ["input"] }] },
      /^layers\[0\] relu 0: no layer reads its result/,
    ],
    [
      "no weights for a tensor",
      { layers: [{ type: "prelu", weight: "w" }] },
      /the manifest names no file of weights — add/,
    ],
  ])("%s", (_, more, message) => {
    const manifest = manifestOf({ layers: [relu], more });
    expect(textOf(errorsOf(() => readBundle(manifest, new Uint8Array(3))))).toMatch(message);
  });

  test("tensors that nothing reads are an error, unless they are counters or listed", () => {
    const tensors = {
      "bn.num_batches_tracked": tensor([], [7]),
      "fc.weight": tensor([4, 4], new Array(16).fill(1)),
      "fc.bias": tensor([4], [1, 2, 3, 4]),
    };
    const layers = [{ type: "linear", weight: "fc.weight", weight_quantizer: none }];
    expect(problemOf({ layers, tensors })).toMatch(
      /^weights: no layer reads the tensors "fc\.bias" — name them/,
    );
    expect(graphOf({ layers, tensors, more: { unused: ["fc.bias"] } }).nodes).toHaveLength(1);
  });

  test("is found behind a byte order mark and blanks, whatever the file's name", () => {
    const text = `\ufeff\n  ${JSON.stringify(manifestOf({ layers: [relu] }))}`;
    expect(printGraph(readModel(new TextEncoder().encode(text), "net"))).toMatch(
      /^net \(bundle, version 1\)\n {2}input input 1×4/,
    );
  });
});

describe("other JSON is told apart", () => {
  test.each<[string, string, RegExp]>([
    [
      "a Keras config",
      '{"class_name": "Sequential", "config": {}}',
      /config of a Keras model without its weights — save the whole model/,
    ],
    [
      "layers without a format",
      '{"layers": []}',
      /its format is not "bitloom-bundle" — a manifest begins with/,
    ],
    ["anything", '{"model": 1}', /this is JSON text, but no manifest of a bundle/],
    ["half a manifest", '{"format": "bitloom-bundle",', /looks like JSON text, but it is none.*json\.tool/],
    ["a comma too many", '{"format": "bitloom-bundle",}', /looks like JSON text, but it is none/],
    [
      "numbers that are none",
      '{"format": "bitloom-bundle", "version": NaN}',
      /looks like JSON text, but it is none/,
    ],
    ["deep nesting", `{"a":${"[".repeat(100_000)}`, /looks like JSON text, but it is none/],
    ["nesting that ends", `{"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`, /no manifest of a bundle/],
    [
      "nesting in a layer",
      JSON.stringify(manifestOf({ layers: [relu] })).replace(
        '"relu"',
        `"relu","inputs":${"[".repeat(5000)}${"]".repeat(5000)}`,
      ),
      /^layers\[0\]\.inputs\[0\]: it is a list of 1/,
    ],
  ])("%s", (_, text, message) => expect(ofJson(text)).toMatch(message));

  test("a manifest of more than 4 MB", () => {
    expect(ofJson(`{"format": "bitloom-bundle", "name": "${"x".repeat(1 << 22)}"}`)).toMatch(
      /manifests have at most 4194304/,
    );
  });
});

test("messages about hostile names are short and on one line", () => {
  const name = `\u001b[2J\u202e"\n${"a".repeat(170)}`;
  const layers = [
    { ...relu, name },
    { type: name, [name]: 1 },
    { type: "relu", [name]: 1 },
    { type: "add", inputs: [name, "x".repeat(200)] },
    { type: "prelu", weight: name },
  ];
  const manifest = manifestOf({ layers, tensors: {} });
  const found = errorsOf(() => readBundle(manifest, safetensorsFile({ [name]: tensor([1], [1]) })));
  const printed = renderDiagnostics(found);
  expect(found.length).toBeGreaterThanOrEqual(3);
  expect(printed.length).toBeLessThan(5000);
  for (const line of printed.split("\n")) expect(line).toMatch(/^(error\[|\s+help: )/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  expect(printed).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
});

test("a file of wrong layers costs little time", () => {
  const layers = Array.from({ length: 2000 }, (_, i) => ({
    type: "add",
    name: `a${i}${"x".repeat(50)}`,
    inputs: Array.from({ length: 16 }, (_, k) => `b${i}.${k}${"x".repeat(50)}`),
  }));
  const start = performance.now();
  expect(errorsOf(() => readBundle(manifestOf({ layers })))).toHaveLength(2000);
  expect(performance.now() - start).toBeLessThan(5000);
});
