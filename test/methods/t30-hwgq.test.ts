import { expect, it } from "vitest";
import { compileDevice } from "../../src/reference/device-fast.js";
import { graphOf, tensor } from "../support/bundle.js";
import { checkMethod } from "../support/methods/check.js";
import { FLOAT, linear } from "../support/methods/layers.js";
import { buildNet } from "../support/methods/net.js";
import { compileGraph } from "../support/models.js";
import { hwgq, quantizer, STEP, THRESHOLDS } from "./t30-hwgq.js";

checkMethod(hwgq);

const f = Math.fround;

it("exactly a threshold belongs below it, the next number above", () => {
  const x = THRESHOLDS.flatMap((t) => [t, t === 0 ? 2 ** -149 : f(t * (1 + 2 ** -23))]);
  const tensors = {
    "w.weight": tensor(
      [6, 6],
      Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 : 0)),
    ),
    "hwgq.thresholds": tensor([3], [...THRESHOLDS]),
    "hwgq.levels": tensor(
      [4],
      [0, 1, 2, 3].map((i) => f(i * STEP)),
    ),
  };
  const graph = graphOf({ input: [6], layers: [quantizer("q"), linear("w", FLOAT)], tensors });
  const options = { input: { type: "f32" }, output: "float32" } as const;
  const device = compileDevice(compileGraph(graph, Float32Array.from(x), options).program);
  expect(Array.from(device(Float32Array.from(x)))).toEqual([0, 1, 1, 2, 2, 3].map((i) => f(i * STEP)));
});

it("levels that are equally spaced are integers, so that layers have exact sums", () => {
  const { program } = buildNet(hwgq.nets[0]!, 1).compiled;
  const layers = program.instructions.flatMap((i) => (i.kind === "conv" ? [program.tensors[i.input]!] : []));
  expect(layers.map(({ domain }) => domain)).toEqual(
    new Array(2).fill({ kind: "codes", bits: 2, step: 1, offset: 0 }),
  );
});
