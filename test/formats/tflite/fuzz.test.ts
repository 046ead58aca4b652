/** TFLite files that are cut off, or made to do harm: clear errors, soon and in little memory. Damaged bytes: `../mutants.test.ts`. */
import { describe, expect, test } from "vitest";
import { readModel } from "../../../src/formats/index.js";
import { printGraph } from "../../../src/graph/print.js";
import type { ModelGraph } from "../../../src/graph/types.js";
import { errorsOf } from "../../support/errors.js";
import { flatBuffer, flexMap, imported, tfliteFile } from "../../support/tflite.js";

/** One file may take this long, in milliseconds. */
const SLOWEST = 5000;
/** Bytes of arrays that one file may leave behind at once. */
const MOST_MEMORY = 500 * 2 ** 20;

/** A graph, or undefined where the file was refused as it should be. Measures time and memory. */
function read(bytes: Uint8Array): ModelGraph | undefined {
  const [before, started] = [process.memoryUsage().arrayBuffers, performance.now()];
  let graph: ModelGraph | undefined;
  try {
    graph = readModel(bytes, "m.tflite");
    printGraph(graph);
  } catch {
    expect(errorsOf(() => readModel(bytes, "m.tflite")).length).toBeGreaterThan(0);
  }
  expect(performance.now() - started).toBeLessThan(SLOWEST);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MOST_MEMORY);
  return graph;
}

test("a model cut off after any byte is refused or the same", () => {
  const whole = tfliteFile({
    tensors: { x: { shape: [1, 2] }, c: { shape: [2], data: [1, 2] }, y: { shape: [1, 2] } },
    operators: [{ op: "ADD", in: ["x", "c"], out: "y", options: { 0: { i8: 1 } } }],
  });
  for (let length = 0; length < whole.length; length++) {
    try {
      readModel(whole.subarray(0, length), "m.tflite");
    } catch {
      errorsOf(() => readModel(whole.subarray(0, length), "m.tflite"));
    }
  }
});

describe("files made to do harm", () => {
  const message = (bytes: Uint8Array): string => errorsOf(() => readModel(bytes, "m.tflite"))[0]!.message;
  const add = { op: "ADD", in: ["x", "c"], out: "y" } as const;
  const tensors = { x: { shape: [1, 2] }, c: { shape: [2], data: [1, 2] }, y: { shape: [1, 2] } };

  test.each([
    ["an older version of the schema", tfliteFile({ tensors, operators: [add], version: 2 }), /version 2/],
    ["no graph", flatBuffer({ 0: { i32: 3 } }), /no graph/],
    ["no operator", tfliteFile({ tensors, operators: [] }), /no operator/],
    [
      "an operator without a code",
      flatBuffer({ 0: { i32: 3 }, 2: { tables: [{ 3: { tables: [{}] } }] } }),
      /a code/,
    ],
    [
      "tables in one place",
      flatBuffer({ 0: { i32: 3 }, 2: { tables: [{}] }, 4: { tables: new Array(70_000).fill({}) } }),
      /lists 70000 tables/,
    ],
    [
      "endless numbers",
      flatBuffer({ 0: { i32: 3 }, 2: { tables: [{ 1: { ints: new Array(3_000_000).fill(0) } }] } }),
      /list more than/,
    ],
  ])("%s", (_, bytes, expected) => {
    expect(message(bytes)).toMatch(expected);
  });

  test.each<[string, Parameters<typeof tfliteFile>[0], RegExp]>([
    [
      "an input of rank 0",
      { tensors: { ...tensors, x: { shape: [] } }, operators: [add] },
      /impossible sizes/,
    ],
    [
      "an open input",
      { tensors: { ...tensors, x: { shape: [1, 1], signature: [-1, -1] } }, operators: [add] },
      /open/,
    ],
    ["a batch", { tensors: { ...tensors, x: { shape: [4, 2] } }, operators: [add] }, /batch size is 4/],
    [
      "a huge input",
      { tensors: { ...tensors, x: { shape: [1, 65536, 65536] } }, operators: [add] },
      /impossible/,
    ],
    [
      "an input of another type",
      { tensors: { ...tensors, x: { shape: [1, 2], type: "int64" } }, operators: [add] },
      /int64/,
    ],
    [
      "a constant without its data",
      { tensors: { ...tensors, c: { shape: [1 << 30], data: [1] } }, operators: [add] },
      /has 4 bytes/,
    ],
    [
      "a negative size",
      { tensors: { ...tensors, c: { shape: [-2], data: [1] } }, operators: [add] },
      /has 4 bytes/,
    ],
    [
      "a NaN",
      { tensors: { ...tensors, c: { shape: [2], data: [1, Number.NaN] } }, operators: [add] },
      /not finite/,
    ],
    [
      "a variable",
      { tensors: { ...tensors, c: { ...tensors.c, more: { 5: { i8: 1 } } } }, operators: [add] },
      /variable/,
    ],
    [
      "a value before it is written",
      { tensors: { ...tensors, z: { shape: [1, 2] } }, operators: [{ ...add, in: ["x", "z"] }] },
      /nothing before it writes/,
    ],
    ["a value written twice", { tensors, operators: [add, add] }, /has a value already/],
    ["an output that is constant", { tensors, operators: [add], outputs: ["c"] }, /does not depend/],
    [
      "an output of bits",
      {
        tensors: { ...tensors, y: { shape: [1, 1], type: "int32" } },
        operators: [{ op: "LceQuantize", in: ["x"], out: "y" }],
      },
      /words of bits/,
    ],
    [
      "an unknown operator",
      { tensors, operators: [{ ...add, op: "LceBconv2D" }] },
      /LceBconv2D is not supported/,
    ],
    [
      "TensorFlow's own operator",
      { tensors, operators: [{ ...add, op: "FlexErf" }] },
      /FlexErf is not supported/,
    ],
    ["a sigmoid", { tensors, operators: [{ ...add, op: "LOGISTIC" }] }, /LOGISTIC is not supported/],
    [
      "options that are no map",
      { tensors, operators: [{ op: "LceBMaxPool2d", in: ["x"], out: "y", custom: Uint8Array.of(1, 4, 1) }] },
      /no map/,
    ],
    [
      "options that lead outside",
      {
        tensors,
        operators: [{ op: "LceBMaxPool2d", in: ["x"], out: "y", custom: Uint8Array.of(200, 36, 1) }],
      },
      /outside/,
    ],
  ])("%s", (_, spec, expected) => {
    const [first, ...rest] = errorsOf(() => imported(spec));
    expect(first!.message).toMatch(expected);
    expect((first!.remedy ?? "").length).toBeGreaterThan(10);
    expect(rest).toEqual([]);
  });

  test("all problems of a file are told at once", () => {
    const spec = {
      tensors: { x: { shape: [1, 2] }, a: { shape: [1, 2] }, b: { shape: [1, 2] }, y: { shape: [1, 2] } },
      operators: [
        { op: "LOGISTIC", in: ["x"], out: "a" },
        { op: "HARD_SWISH", in: ["x"], out: "b" },
        { op: "ADD", in: ["a", "b"], out: "y" },
      ],
    };
    expect(errorsOf(() => imported(spec)).map((e) => [e.where, /^\S+ (\S+)/.exec(e.message)![1]])).toEqual([
      ["a", "LOGISTIC"],
      ["b", "HARD_SWISH"],
    ]);
  });

  test("one large constant that every operator reads costs what it holds, not that times all", () => {
    const size = 1 << 20;
    const operators = Array.from({ length: 200 }, (_, i) => ({
      op: "ADD",
      in: [i === 0 ? "x" : `v${i - 1}`, "c"],
      out: i === 199 ? "y" : `v${i}`,
    }));
    const values = Object.fromEntries(operators.map(({ out }) => [out, { shape: [1, size] }]));
    const data = new Array<number>(size).fill(1);
    const spec = { tensors: { x: { shape: [1, size] }, c: { shape: [size], data }, ...values }, operators };
    expect(read(tfliteFile(spec))).toBeUndefined();
  });

  test("options with a key that never ends, and with far too many", () => {
    const many = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`k${i}`, i]));
    const long = { ["a".repeat(100)]: 1 };
    for (const [custom, expected] of [
      [flexMap(many), /has 80 options/],
      [flexMap(long), /key without end/],
    ] as const) {
      const spec = { tensors, operators: [{ op: "LceBMaxPool2d", in: ["x"], out: "y", custom }] };
      expect(errorsOf(() => imported(spec))[0]!.message).toMatch(expected);
    }
  });
});
