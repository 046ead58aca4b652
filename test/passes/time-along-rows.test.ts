/** Signals with time along the height are the same programs on the same bytes. */
import { expect, it } from "vitest";
import { randomBatch } from "../../src/inputs.js";
import { lowerGraph } from "../../src/passes/registry.js";
import { timeAlongRows } from "../../src/passes/time-along-rows.js";
import { canonicalBytes, type DeviceProgram, verifyProgram } from "../../src/program/index.js";
import { traceDevice } from "../../src/reference/device.js";
import { full } from "../support/models.js";
import { randomConvNet } from "../support/random-conv-net.js";

const INPUT = { type: "u8" as const, affine: { numerator: 1, denominator: 64, zero: 128 } };
const nets = full ? 1000 : 60;
/** BITLOOM_SEED replays a run; failures print the seed of their net. */
const firstSeed = Number(process.env.BITLOOM_SEED ?? 72_000);

it(`keeps every byte of every tensor of ${nets} random signals, from seed ${firstSeed}`, () => {
  const kinds = new Set<string>();
  for (let seed = firstSeed; seed < firstSeed + nets; seed++) {
    const graph = randomConvNet(seed, { signals: true });
    const wide = lowerGraph(graph, { input: INPUT }).program;
    const high = lowerGraph(graph, { input: INPUT, pushes: true }).program;
    expect(high.tensors.map(({ shape: [, width] }) => width)).toEqual(wide.tensors.map(() => 1));
    const values = randomBatch(wide, 1, seed).stored(0);
    const [expected, turned] = [wide, high].map((program) =>
      traceDevice(program, values).map((v, id) => canonicalBytes(program.tensors[id]!, v)),
    );
    expect({ seed, tensors: turned }).toEqual({ seed, tensors: expected });
    for (const { kind } of wide.instructions) kinds.add(kind);
  }
  for (const kind of ["conv", "pool", "pad", "select", "add", "concat"]) expect(kinds).toContain(kind);
});

it("leaves maps of several rows as they are", () => {
  const graph = randomConvNet(1, { without: ["signal"] });
  const { program } = lowerGraph(graph, { input: INPUT });
  expect(lowerGraph(graph, { input: INPUT, pushes: true }).program).toEqual(program);
});

it("keeps what moves pairs of moments into channels", () => {
  const domain = { kind: "scalar", type: "u8" } as const;
  const program: DeviceProgram = {
    name: "pairs",
    tensors: [
      { name: "input", shape: [1, 6, 2], domain },
      { name: "pairs", shape: [1, 3, 4], domain },
    ],
    instructions: [
      {
        kind: "gather",
        input: 0,
        output: 1,
        rows: new Int32Array(4),
        columns: Int32Array.of(0, 0, 1, 1),
        channels: Int32Array.of(0, 1, 1, 0),
        step: 2,
      },
    ],
    input: { tensor: 0, modelShape: [1, 2, 6] },
    output: { tensor: 1, affine: [], order: { kind: "scores" }, omitted: [], modelShape: [1, 4, 3] },
  };
  const turned = timeAlongRows(program);
  verifyProgram(turned);
  const values = Int32Array.from({ length: 12 }, (_, i) => i);
  expect(traceDevice(turned, values)).toEqual(traceDevice(program, values));
  expect(traceDevice(turned, values)[1]).toEqual(Int32Array.of(0, 1, 3, 2, 4, 5, 7, 6, 8, 9, 11, 10));
});
