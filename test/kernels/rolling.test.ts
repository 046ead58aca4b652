/**
 * A chain conv – pool – conv whose rows roll through rings of three, two and three rows, by a schedule written by
 * hand in C, gives the bits that whole maps give: kernels are ready for a planner that does the same.
 */
import { afterAll, describe, expect, it } from "vitest";
import { qemuEmulator } from "../../src/emulators/index.js";
import { type Layout, layoutBytes, rowBytes } from "../../src/kernels/layout.js";
import { layoutConversion } from "../../src/kernels/layout-conversion.js";
import { kernels } from "../../src/kernels/registry.js";
import type { KernelChoice } from "../../src/kernels/types.js";
import { type DeviceProgram, type Instruction, verifyProgram, type Window } from "../../src/program/index.js";
import { compileTrace } from "../../src/reference/device-fast.js";
import { findCpu } from "../../src/targets/index.js";
import { Blob, CRunner, descriptorText } from "../support/c-runner.js";
import { type BareTarget, bareTargets } from "../support/kernel-cases.js";
import { layoutBytesOf } from "../support/kernel-harness.js";
import { Random } from "../support/random-graph.js";
import { randomValues } from "../support/random-program.js";

const runner = new CRunner();
afterAll(() => runner.close());

const HEIGHT = 14;
const WIDTH = 18;
const [INPUT, SUMS, BITS, POOLED, OUTPUT] = [0, 1, 2, 3, 4];
const m4 = bareTargets.find((t) => t.name === "M4")!;
const hasQemu = (await qemuEmulator.find()) !== undefined;

/** 14×18×33 → conv 3×3 to 40 bits → maximum 2×2 → conv 3×3 to 20 sums; zeros outside the maps. */
function chain(random: Random): DeviceProgram {
  const bits = { kind: "codes", bits: 1, step: 2, offset: -1 } as const;
  const i32 = { kind: "scalar", type: "i32" } as const;
  const window = (kernel: number, stride: number, pad: number): Window => ({
    kernel: [kernel, kernel],
    stride: [stride, stride],
    dilation: [1, 1],
    pads: [pad, pad, pad, pad],
  });
  const conv = (input: number, output: number, channels: number, outputs: number): Instruction => {
    const inputs = 9 * channels;
    const codes = Uint8Array.from({ length: inputs * outputs }, () => random.integer(0, 1));
    const weights = { outputs, inputs, bits: 1, step: 2, offset: -1, codes };
    return {
      kind: "conv",
      input,
      output,
      weights,
      window: window(3, 1, 1),
      groups: 1,
      padValue: 0,
      inputOffset: 0,
    };
  };
  const program: DeviceProgram = {
    name: "chain",
    tensors: [
      { name: "input", shape: [HEIGHT, WIDTH, 33], domain: bits },
      { name: "sums", shape: [HEIGHT, WIDTH, 40], domain: i32 },
      { name: "bits", shape: [HEIGHT, WIDTH, 40], domain: bits },
      { name: "pooled", shape: [HEIGHT / 2, WIDTH / 2, 40], domain: bits },
      { name: "output", shape: [HEIGHT / 2, WIDTH / 2, 20], domain: i32 },
    ],
    instructions: [
      conv(INPUT, SUMS, 33, 40),
      {
        kind: "threshold",
        input: SUMS,
        output: BITS,
        levels: 1,
        thresholds: Int32Array.from({ length: 40 }, () => random.integer(-12, 30)),
        flipped: new Uint8Array(40),
      },
      { kind: "pool", operator: "maximum", input: BITS, output: POOLED, window: window(2, 2, 0) },
      conv(POOLED, OUTPUT, 40, 20),
    ],
    input: { tensor: INPUT, modelShape: [1, 33, HEIGHT, WIDTH] },
    output: {
      tensor: OUTPUT,
      affine: [],
      order: { kind: "scores" },
      omitted: [],
      modelShape: [1, 20, HEIGHT / 2, WIDTH / 2],
    },
  };
  verifyProgram(program);
  return program;
}

/** The calls of each of the three steps; the tensors between the calls of a step exist one row at a time. */
interface Steps {
  readonly conv1: readonly KernelChoice[];
  readonly pool: readonly KernelChoice[];
  readonly conv2: readonly KernelChoice[];
}

/** The whole schedule: everything but `run_…` and the data is written by hand. */
const SCHEDULE = `
static uint32_t fed, conv1_done, pool_done;

/* The input arrives row by row and takes the place of rows that nobody reads any more. */
static void feed(uint32_t end)
{
    for (; fed < end && fed < HEIGHT; fed++)
        memcpy(bitloom_row(&input_ring, fed), input + fed * INPUT_ROW_BYTES, INPUT_ROW_BYTES);
}

static void conv1_until(uint32_t end)
{
    for (; conv1_done < end; conv1_done++) {
        feed(conv1_done + 2u);
        run_conv1(conv1_done, conv1_done + 1u);
    }
}

static void pool_until(uint32_t end)
{
    for (; pool_done < end && pool_done < HEIGHT / 2u; pool_done++) {
        conv1_until(2u * pool_done + 2u);
        run_pool(pool_done, pool_done + 1u);
    }
}

static int rolling(void)
{
    uint32_t y;
    for (y = 0; y < HEIGHT / 2u; y++) {
        pool_until(y + 2u);
        run_conv2(y, y + 1u);
        if (memcmp(bitloom_row(&output_ring, y), expected + y * OUTPUT_ROW_BYTES, OUTPUT_ROW_BYTES) != 0) return 0;
    }
    return 1;
}

static int whole(void)
{
    feed(HEIGHT);
    run_conv1(0, HEIGHT);
    run_pool(0, HEIGHT / 2u);
    run_conv2(0, HEIGHT / 2u);
    return memcmp(output_ring.base, expected, OUTPUT_ROW_BYTES * HEIGHT / 2u) == 0;
}
`;

async function run(seed: number, stepsOf: (p: DeviceProgram) => Steps, target?: BareTarget): Promise<string> {
  const random = new Random(seed);
  const program = chain(random);
  const values = compileTrace(program)(randomValues(random, program.tensors[INPUT]!));
  const steps = stepsOf(program);
  const blob = new Blob();
  const layout = (id: number): Layout =>
    id === INPUT
      ? steps.conv1[0]!.inputLayouts[0]!
      : lastOf(steps).find((c) => c.output === id)!.outputLayout;
  const bytes = (id: number): Uint8Array => layoutBytesOf(program.tensors[id]!, values[id]!, layout(id));
  const rings = new Rings(program);
  const input = rings.add("input_ring", INPUT, layout(INPUT), 3);
  const texts: string[] = [];
  const descriptors: string[] = [];
  for (const [name, rows] of [
    ["conv1", 2],
    ["pool", 3],
    ["conv2", 1],
  ] as const) {
    const calls: string[] = [];
    steps[name].forEach((choice, i) => {
      const isLast = i === steps[name].length - 1;
      const ring = isLast && name === "conv2" ? "output_ring" : `${name}_ring${i}`;
      const from = rings.last;
      rings.add(ring, choice.output, choice.outputLayout, isLast ? rows : 1);
      const layer = `${name}_layer${i}`;
      texts.push(
        `static const ${choice.call.type} *${layer}_at;\nstatic uint64_t ${layer}_scratch[${choice.scratchBytes / 8 + 1}];`,
      );
      calls.push(
        `    { const bitloom_const_ring from = {${from}.base, ${from}.row_bytes, ${from}.rows};`,
        `      ${choice.call.function}(${layer}_at, &from, &${ring}, ${layer}_scratch, y0, y1); }`,
      );
      descriptors.push(descriptorText(choice.call, layer, blob), `    ${layer}_at = &${layer};`);
    });
    texts.push(`static void run_${name}(uint32_t y0, uint32_t y1)\n{\n${calls.join("\n")}\n}`);
  }
  const source = [
    '#include "check.h"',
    `#define HEIGHT ${HEIGHT}u`,
    `#define INPUT_ROW_BYTES ${rowBytes(program.tensors[INPUT]!, layout(INPUT))}u`,
    `#define OUTPUT_ROW_BYTES ${rowBytes(program.tensors[OUTPUT]!, "channels")}u`,
    "static const uint8_t *input, *expected;",
    `static bitloom_ring ${rings.names.join(", ")};`,
    ...texts,
    SCHEDULE,
    "PROGRAM\n{\n    START;",
    ...descriptors,
    `    input = ${blob.add(bytes(INPUT))};`,
    `    expected = ${blob.add(bytes(OUTPUT))};`,
    rings.setup("rolling"),
    '    say("rolling rows: %s", rolling() ? "equal" : "different");',
    "    leave_all();",
    "    fed = conv1_done = pool_done = 0;",
    rings.setup("whole"),
    '    say(", whole maps: %s", whole() ? "equal" : "different");',
    "    return 0;\n}",
  ].join("\n");
  expect(rings.bytes("rolling")).toBeLessThan(rings.bytes("whole") / 2);
  expect(input).toBe("input_ring");
  const calls = [...steps.conv1, ...steps.pool, ...steps.conv2].map((c) => c.call);
  return runner.run(source, blob, calls, target);
}

function lastOf({ conv1, pool, conv2 }: Steps): readonly KernelChoice[] {
  return [conv1.at(-1)!, pool.at(-1)!, conv2.at(-1)!];
}

/** The rings of a chain in order: few rows when rolling, all rows otherwise. */
class Rings {
  readonly #program: DeviceProgram;
  readonly #rings: { name: string; rolling: number; whole: number; rowBytes: number }[] = [];

  constructor(program: DeviceProgram) {
    this.#program = program;
  }

  get names(): readonly string[] {
    return this.#rings.map((r) => r.name);
  }

  get last(): string {
    return this.#rings.at(-1)!.name;
  }

  add(name: string, id: number, layout: Layout, rows: number): string {
    const tensor = this.#program.tensors[id]!;
    const whole = layoutBytes(tensor, layout) / rowBytes(tensor, layout);
    this.#rings.push({ name, rolling: rows, whole, rowBytes: rowBytes(tensor, layout) });
    return name;
  }

  setup(how: "rolling" | "whole"): string {
    return this.#rings
      .map(
        (r) =>
          `    ${r.name}.base = room(${r[how] * r.rowBytes}); ${r.name}.row_bytes = ${r.rowBytes}; ${r.name}.rows = ${r[how]};`,
      )
      .join("\n");
  }

  bytes(how: "rolling" | "whole"): number {
    return this.#rings.reduce((sum, r) => sum + r[how] * r.rowBytes, 0);
  }
}

/** A way of a kernel to execute an instruction, by the end of its function's name. */
function way(program: DeviceProgram, index: number, name: string): KernelChoice {
  const cpu = findCpu("cortex-m4");
  const found = kernels
    .flatMap((k) => k.match(program, index, cpu))
    .find((c) => c.call.function.endsWith(name));
  if (found === undefined) throw new Error(`no way ${name} for instruction ${index}`);
  return found;
}

const ways: readonly (readonly [string, (program: DeviceProgram) => Steps])[] = [
  [
    "32 channels a word",
    (p) => ({
      conv1: [way(p, 0, "conv_general_threshold")],
      pool: [way(p, 2, "pool_codes_extreme")],
      conv2: [way(p, 3, "conv_general_sums")],
    }),
  ],
  [
    "32 pixels a word, then 32 outputs a word",
    (p) => ({
      conv1: [way(p, 0, "conv_pairs_threshold")],
      pool: [way(p, 2, "pool_pixels_extreme"), layoutConversion(p, POOLED, "pixels", "channels")!],
      conv2: [way(p, 3, "conv_rows_scores")],
    }),
  ],
  [
    "pools on 32 pixels a word, with changes of layout",
    (p) => ({
      conv1: [way(p, 0, "conv_general_sums"), way(p, 1, "threshold_pixels_i32")],
      pool: [way(p, 2, "pool_pixels_extreme"), layoutConversion(p, POOLED, "pixels", "channels")!],
      conv2: [way(p, 3, "conv_general_sums")],
    }),
  ],
];

describe("conv, pool and conv in rolling rows", () => {
  it.each(ways)("give the bits of whole maps on the host: %s", async (_, steps) => {
    for (const seed of [1, 2, 3]) {
      expect(await run(seed, steps)).toBe("rolling rows: equal, whole maps: equal");
    }
  });

  it.skipIf(!hasQemu).each(ways)("give the bits of whole maps on mps2-an386: %s", async (_, steps) => {
    expect(await run(4, steps, m4)).toBe("rolling rows: equal, whole maps: equal");
  });
});
