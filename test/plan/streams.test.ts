/** Inputs that never end: after every sample the output that the model gives for the last ones. */
import { afterAll, describe, expect, it } from "vitest";
import { BitloomError } from "../../src/diagnostics/diagnostic.js";
import { hostEmulator, qemuEmulator } from "../../src/emulators/index.js";
import { randomBatch } from "../../src/inputs.js";
import { lowerGraph } from "../../src/passes/registry.js";
import { ARENA_ALIGN, type Plan, type PlanOptions, planProgram, verifyPlan } from "../../src/plan/index.js";
import {
  canonicalBytes,
  canonicalSize,
  type DeviceProgram,
  stretchedProgram,
  type TensorValues,
} from "../../src/program/index.js";
import { compileDevice } from "../../src/reference/device-fast.js";
import { findBoard } from "../../src/targets/index.js";
import { verifyModel } from "../../src/verify.js";
import { Blob, CRunner } from "../support/c-runner.js";
import { convModel } from "../support/conv-model.js";
import { type BareTarget, bareTargets } from "../support/kernel-cases.js";
import { librarySource } from "../support/library-source.js";
import { compileGraph, full } from "../support/models.js";
import { Random } from "../support/random-graph.js";
import { randomStreamNet, type StreamNetOptions } from "../support/random-stream-net.js";
import { SmallGraph, windowOf } from "../support/small-graph.js";

const runner = new CRunner();
afterAll(() => runner.close());

const hasQemu = (await qemuEmulator.find()) !== undefined;
const nets = full ? 200 : 4;
/** BITLOOM_SEED replays a run; failures print the seed of their net. */
const firstSeed = Number(process.env.BITLOOM_SEED ?? 76_000);
const INPUT = { type: "u8" as const, affine: { numerator: 1, denominator: 64, zero: 128 } };
const m4 = bareTargets.find((t) => t.name === "M4")!;

function planOf(seed: number, options: StreamNetOptions = {}, planning: PlanOptions = {}): Plan {
  const { program } = lowerGraph(randomStreamNet(seed, options), { input: INPUT, pushes: true });
  const plan = planProgram(program, { ...planning, endless: true });
  verifyPlan(plan);
  return plan;
}

/** Bytes of a program's output for values of its input. */
function outputOf(
  { tensors, output }: DeviceProgram,
  run: ReturnType<typeof compileDevice>,
  values: TensorValues,
) {
  return canonicalBytes(tensors[output.tensor]!, run(values));
}

/** All samples of a stream, and by the number of samples given the output that is due. */
interface Expected {
  readonly samples: Uint8Array;
  readonly count: number;
  readonly outputs: ReadonlyMap<number, Uint8Array>;
}

function samplesOf({ program }: Plan, count: number, seed: number): Int32Array {
  const [height, width, channels] = program.tensors[program.input.tensor]!.shape;
  expect(height).toBeGreaterThan(1);
  const random = new Random(seed);
  return Int32Array.from({ length: count * width * channels }, () => random.integer(0, 255));
}

/** The model's own program on every window of the stream, as far as it reads one. */
function windows(plan: Plan, count: number, seed: number): Expected {
  const { program } = plan;
  const { warmUp, perOutput } = plan.stream!;
  const [height] = program.tensors[program.input.tensor]!.shape;
  const samples = samplesOf(plan, count + height, seed);
  const size = samples.length / (count + height);
  const run = compileDevice(program);
  const outputs = new Map<number, Uint8Array>();
  for (let given = warmUp; given <= count; given += perOutput) {
    const start = given - warmUp;
    const window = samples.subarray(start * size, (start + height) * size);
    outputs.set(given, outputOf(program, run, window));
  }
  return { samples: Uint8Array.from(samples), count, outputs };
}

/** The layers on the whole stream: a row of their output for each of its outputs. */
function wholeStream(plan: Plan, wanted: number, seed: number): Expected {
  const { program, stream } = plan;
  const [height] = program.tensors[program.input.tensor]!.shape;
  const { warmUp, perOutput, unit } = stream!;
  const count = height + Math.ceil((wanted - height) / unit) * unit;
  const samples = samplesOf(plan, count, seed);
  const long = stretchedProgram(program, stream!, count);
  const all = outputOf(long, compileDevice(long), samples);
  const bytes = canonicalSize(program.tensors[program.output.tensor]!);
  const outputs = new Map<number, Uint8Array>();
  for (let row = 0; row * bytes < all.length; row++)
    outputs.set(warmUp + row * perOutput, all.subarray(row * bytes, (row + 1) * bytes));
  return { samples: Uint8Array.from(samples), count, outputs };
}

/** Pushes the samples, twice with a reset between, and says how many outputs came and where one was wrong. */
async function pushed(
  plan: Plan,
  { samples, count, outputs }: Expected,
  target?: BareTarget,
): Promise<string> {
  const blob = new Blob();
  const due = [...outputs].sort(([a], [b]) => a - b);
  const arenas = plan.memory.banks?.map((_, bank) => `ARENA${bank}`) ?? ["ARENA"];
  const source = [
    '#include "check.h"',
    librarySource(plan),
    "PROGRAM\n{\n    net_context context;\n    uint32_t turn, given, next = 0U, wrong = 0U;\n    START;",
    `    { const uint8_t *samples = ${blob.add(samples)};`,
    `    const uint8_t *expected = ${blob.add(Buffer.concat(due.map(([, bytes]) => bytes)))};`,
    `    const uint8_t *when = ${blob.add(new Uint8Array(Uint32Array.from(due, ([at]) => at).buffer))};`,
    "    uint8_t *output = room(NET_OUTPUT_SIZE);",
    `    if (net_init(&context, ${arenas.map((a) => `room(NET_${a}_SIZE)`).join(", ")}) != BITLOOM_OK) return 1;`,
    "    for (turn = 0U; turn < 2U; turn++) {",
    "    if (net_reset(&context) != BITLOOM_OK) return 1;",
    "    next = 0U;",
    `    for (given = 1U; given <= (turn == 0U ? NET_WARM_UP_SAMPLES + 3U : ${count}U); given++) {`,
    "        const net_input_t *sample = (const net_input_t *)(const void *)samples + (given - 1U) * NET_SAMPLE_COUNT;",
    "        const int status = net_push_sample(&context, sample, (net_output_t *)(void *)output);",
    "        uint32_t at;",
    `        if (next < ${due.length}U) memcpy(&at, when + 4U * next, 4U); else at = 0U;`,
    "        if (status != (at == given ? BITLOOM_DONE : BITLOOM_OK)) wrong = wrong == 0U ? given : wrong;",
    "        if (at != given) continue;",
    "        if (memcmp(output, expected + next * NET_OUTPUT_SIZE, NET_OUTPUT_SIZE) != 0 && wrong == 0U) wrong = given;",
    "        next++;",
    "    } }",
    '    say("%u outputs, the first wrong one at sample %u", (unsigned)next, (unsigned)wrong); }',
    "    return 0;\n}",
  ].join("\n");
  const calls = plan.steps.map((s) => s.choice.call);
  const said = await runner.run(source, blob, calls, target);
  return `${said} of ${due.length} due`;
}

/** So many samples that counters step back twice. */
function longEnough({ stream }: Plan): number {
  return stream!.stepsBackAt + Math.floor(1.5 * stream!.period);
}

function allRight({ outputs }: Expected): string {
  return `${outputs.size} outputs, the first wrong one at sample 0 of ${outputs.size} due`;
}

async function expectRight(seed: number, plan: Plan, expected: Expected, target?: BareTarget): Promise<void> {
  const said = await pushed(plan, expected, target);
  expect(`${seed}: ${said}`).toBe(`${seed}: ${allRight(expected)}`);
}

describe("samples without end", () => {
  it(`give the model's outputs of the last ones, ${nets} nets on the host, from seed ${firstSeed}`, async () => {
    for (let seed = firstSeed; seed < firstSeed + nets; seed++) {
      const plan = planOf(seed, {}, seed % 2 === 0 ? {} : { goal: "ram" });
      expect(plan.stream!.isCausal).toBe(false);
      await expectRight(seed, plan, windows(plan, longEnough(plan), seed));
    }
  }, 3_600_000);

  it(`of causal layers give what these make of the whole stream, ${nets} nets, from seed ${firstSeed}`, async () => {
    for (let seed = firstSeed; seed < firstSeed + nets; seed++) {
      const plan = planOf(seed, { isCausal: true });
      await expectRight(seed, plan, wholeStream(plan, longEnough(plan), seed));
    }
  }, 3_600_000);

  it("have rings in several banks", async () => {
    const { memory } = planOf(firstSeed);
    const banks = [Math.ceil(memory.arenaBytes / 2), memory.arenaBytes];
    const plan = planOf(firstSeed, {}, { banks });
    expect(Math.min(...plan.memory.banks!)).toBeGreaterThan(ARENA_ALIGN);
    await expectRight(firstSeed, plan, windows(plan, longEnough(plan), 1));
  }, 600_000);

  it.skipIf(!hasQemu)(
    "give the same on an M4",
    async () => {
      for (const isCausal of [false, true]) {
        const plan = planOf(firstSeed, { isCausal });
        const expected = isCausal
          ? wholeStream(plan, longEnough(plan), 1)
          : windows(plan, longEnough(plan), 1);
        await expectRight(firstSeed, plan, expected, m4);
      }
    },
    600_000,
  );

  it("are rows of a map, where the input is one", async () => {
    const g = new SmallGraph([1, 1, 16, 10]);
    g.sign();
    g.conv(8, { window: { kernel: [3, 3], stride: [2, 1], pads: [0, 1, 0, 1] }, padValue: 1 });
    g.sign();
    g.conv(5, { window: { kernel: [2, 3], pads: [0, 0, 0, 1] }, padValue: -1 });
    g.sign();
    g.flatten();
    g.dense(3);
    const { program } = lowerGraph(g.graph, { input: INPUT, pushes: true });
    const plan = planProgram(program, { endless: true });
    expect(plan.stream).toMatchObject({ perOutput: 2, isCausal: false });
    await expectRight(0, plan, windows(plan, longEnough(plan), 1));
  }, 600_000);

  it("are pushed by a run, which gives every tensor of one window", async () => {
    const board = findBoard("mps2-an386");
    for (let seed = firstSeed; seed < firstSeed + 2; seed++) {
      const graph = randomStreamNet(seed, { isCausal: seed % 2 === 0 });
      const model = compileGraph(graph, undefined, { input: INPUT, pushes: true }, { endless: true });
      const { program } = lowerGraph(graph, { input: INPUT });
      const result = await verifyModel({ ...model, program }, randomBatch(program, 3, seed), {
        emulator: hostEmulator,
        board,
      });
      const wrong = result.builds.filter((b) => b.differingBits > 0 || b.problems.length > 0);
      expect({ seed, wrong }).toEqual({ seed, wrong: [] });
    }
  }, 600_000);
});

it("of floats go on after one that is no number, which is not taken", async () => {
  const { plan } = convModel([1, 1, 3], { type: "f32" }, { pushes: true, endless: true });
  const source = [
    '#include <math.h>\n#include "check.h"',
    librarySource(plan),
    "PROGRAM\n{\n    net_context context;\n    int status;\n    uint32_t i;\n    START;",
    "    { static const float samples[] = {1.0F, NAN, -1.0F, INFINITY, 1.0F, 0.5F};",
    "    static const float last[] = {-1.0F, 1.0F, 0.5F};",
    "    net_output_t output[NET_OUTPUT_COUNT], expected[NET_OUTPUT_COUNT];",
    "    void *arena = room(NET_ARENA_SIZE);",
    "    status = net_init(&context, arena);",
    "    for (i = 0U; i < 6U; i++) {",
    "        status = net_push_sample(&context, samples + i, output);",
    '        say("%d ", status);',
    "    }",
    "    status = net_run(&context, last, expected);",
    '    say("%d %s", status, memcmp(output, expected, sizeof output) == 0 ? "equal" : "different"); }',
    "    return 0;\n}",
  ].join("\n");
  const calls = plan.steps.map((s) => s.choice.call);
  expect(await runner.run(source, new Blob(), calls)).toBe("0 -2 0 -2 1 1 0 equal");
});

/** What a model is refused for. */
function refusal(build: (g: SmallGraph) => void, shape = [1, 2, 20]): string {
  const g = new SmallGraph(shape);
  g.sign();
  build(g);
  const { program } = lowerGraph(g.graph, { input: INPUT, pushes: true });
  try {
    planProgram(program, { endless: true });
  } catch (error) {
    if (error instanceof BitloomError) return error.message;
    throw error;
  }
  return "";
}

describe("models that cannot go on are refused", () => {
  const tail = (g: SmallGraph): void => {
    g.flatten();
    g.dense(2);
  };
  const conv = (g: SmallGraph, before: number, after: number): string =>
    g.conv(4, { window: { kernel: [1, 3], pads: [0, before, 0, after] } });

  const causal = (g: SmallGraph, before: number): void => {
    conv(g, before, 0);
    tail(g);
  };

  it("where layers have padding behind the end, each by its name", () => {
    const said = refusal((g) => {
      conv(g, 1, 1);
      g.sign();
      conv(g, 0, 1);
      tail(g);
    });
    expect(said.split("\n")).toEqual([
      expect.stringMatching(/^conv_1: .*padding behind the last moment/),
      expect.stringMatching(/^conv_3: .*padding behind the last moment/),
    ]);
    expect(refusal((g) => causal(g, 2))).toBe("");
  });

  it("where padding is longer than a kernel", () => {
    expect(refusal((g) => causal(g, 3))).toMatch(/more padding than its kernel/);
  });

  it("where a window has several outputs, or one moment", () => {
    expect(refusal((g) => conv(g, 0, 0))).toMatch(/output for several moments/);
    expect(refusal((g) => g.dense(3), [1, 8])).toMatch(/only one moment/);
  });

  it("where a number is one for all moments", () => {
    const said = refusal((g) => {
      const x = conv(g, 0, 0);
      const window = windowOf({ kernel: [1, 18] });
      const mean = g.add({ kind: "average-pool", window, countPads: true }, [1, 4, 1], [x]);
      g.add({ kind: "pairwise", operator: "multiply" }, [1, 4, 18], [x, mean]);
      g.sign();
      tail(g);
    });
    expect(said).toMatch(/one number serves all moments/);
  });

  it("where branches have different rates", () => {
    const said = refusal((g) => {
      const x = g.last;
      const half = g.conv(4, { window: { kernel: [1, 2], stride: [1, 2] }, from: x });
      const sums = g.conv(4, { window: { kernel: [1, 11] }, from: x });
      g.add({ kind: "sum" }, undefined, [half, sums]);
      g.sign();
      tail(g);
    });
    expect(said).toMatch(/branches of different rates/);
  });
});
