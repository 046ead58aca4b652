/** The planner's choice against every possible sequence of kernels, on small programs with invented kernels. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Layout, layoutBytes } from "../../src/kernels/layout.js";
import { layoutConversion } from "../../src/kernels/layout-conversion.js";
import type { KernelChoice } from "../../src/kernels/types.js";
import { type Candidates, chooseKernels, constantBytes } from "../../src/plan/choose.js";
import { type DeviceProgram, inputsOf, type ProgramTensor } from "../../src/program/index.js";
import { netSeed, Random } from "../support/random-graph.js";

/** A random graph of `add` and `concat` on one-bit maps: only its edges and sizes matter here. */
function randomProgram(random: Random): DeviceProgram {
  const codes = { kind: "codes", bits: 1, step: 2, offset: -1 } as const;
  const tensors: ProgramTensor[] = [
    { name: "in", shape: [4, 4, 8], domain: { kind: "scalar", type: "u8" } },
    { name: "t1", shape: [4, 4, 8], domain: codes },
  ];
  const instructions: DeviceProgram["instructions"][number][] = [
    {
      kind: "threshold",
      input: 0,
      output: 1,
      levels: 1,
      thresholds: new Int32Array(1),
      flipped: new Uint8Array(1),
    },
  ];
  const count = random.integer(2, 5);
  for (let i = 0; i < count; i++) {
    const output = tensors.length;
    const side = random.integer(2, 20);
    tensors.push({ name: `t${output}`, shape: [side, side, random.integer(1, 70)], domain: codes });
    const from = (): number => random.integer(1, output - 1);
    const inputs = random.next() < 0.4 ? [output - 1, from()] : [output - 1];
    instructions.push({ kind: "concat", inputs: [...new Set(inputs)], output });
  }
  const last = tensors.length;
  tensors.push({ name: "out", shape: [1, 1, 10], domain: { kind: "scalar", type: "i32" } });
  instructions.push({ kind: "concat", inputs: [last - 1], output: last });
  return {
    name: "random",
    tensors,
    instructions,
    input: { tensor: 0, modelShape: [] },
    output: {
      tensor: last,
      affine: [],
      order: { kind: "scores" },
      omitted: [],
      modelShape: [],
    },
  };
}

function randomCandidates(program: DeviceProgram, random: Random): Candidates {
  const layout = (id: number): Layout =>
    program.tensors[id]!.domain.kind === "codes" && random.next() < 0.5 ? "pixels" : "channels";
  return program.instructions.map((instruction, index) =>
    Array.from({ length: random.integer(1, 3) }, (_, k) => {
      const next = program.instructions[index + 1];
      const fuses =
        next !== undefined &&
        inputsOf(next).join() === String(instruction.output) &&
        program.instructions.filter((i) => inputsOf(i).includes(instruction.output)).length === 1 &&
        k > 0 &&
        random.next() < 0.3;
      const output = fuses ? next.output : instruction.output;
      return {
        kernel: `k${k}`,
        covers: fuses ? [index, index + 1] : [index],
        inputs: inputsOf(instruction),
        inputLayouts: inputsOf(instruction).map(layout),
        output,
        outputLayout: layout(output),
        scratchBytes: random.integer(0, 3) * 100,
        cost: random.integer(1, 4000),
        call: {
          function: "f",
          type: "t",
          fields: [],
          constants: [
            { name: "c", type: "uint8_t", values: new Uint8Array(random.integer(0, 50)), layout: "" },
          ],
          canFail: false,
          runtime: [],
        },
      } satisfies KernelChoice;
    }),
  );
}

/** The least cost of all sequences, by trying every candidate and every order of layout changes. */
function leastCost(
  program: DeviceProgram,
  candidates: Candidates,
  index: number,
  have: ReadonlySet<string>,
): number {
  if (index === program.instructions.length) return 0;
  let least = Number.POSITIVE_INFINITY;
  for (const choice of candidates[index]!) {
    const now = new Set(have);
    let cost = choice.cost;
    choice.inputs.forEach((id, i) => {
      const wanted = choice.inputLayouts[i]!;
      if (now.has(`${id}${wanted}`)) return;
      const other = wanted === "pixels" ? "channels" : "pixels";
      cost += layoutConversion(program, id, other, wanted)?.cost ?? Number.POSITIVE_INFINITY;
      now.add(`${id}${wanted}`);
    });
    now.add(`${choice.output}${choice.outputLayout}`);
    least = Math.min(least, cost + leastCost(program, candidates, Math.max(...choice.covers) + 1, now));
  }
  return least;
}

describe("the choice of kernels and layouts", () => {
  it("costs what the best of all sequences costs", () => {
    fc.assert(
      fc.property(netSeed, (seed) => {
        const random = new Random(seed);
        const program = randomProgram(random);
        const candidates = randomCandidates(program, random);
        const chosen = chooseKernels(program, candidates, "speed");
        const cost = chosen.reduce((sum, c) => sum + c.cost, 0);
        expect(cost).toBe(leastCost(program, candidates, 0, new Set(["0channels"])));
      }),
      { numRuns: 300 },
    );
  });

  it("for size has the fewest constants of the three goals, and for ram the least live bytes", () => {
    fc.assert(
      fc.property(netSeed, (seed) => {
        const random = new Random(seed);
        const program = randomProgram(random);
        const candidates = randomCandidates(program, random);
        const plans = (["speed", "size", "ram"] as const).map((g) => chooseKernels(program, candidates, g));
        const constants = plans.map((plan) => plan.reduce((sum, c) => sum + constantBytes(c), 0));
        const peaks = plans.map((plan) => mostLiveBytes(program, plan));
        expect(Math.min(...constants)).toBe(constants[1]);
        expect(Math.min(...peaks)).toBe(peaks[2]);
      }),
      { numRuns: 200 },
    );
  });
});

/** Bytes of tensors and scratch that are live in the fullest step, from the steps alone. */
function mostLiveBytes(program: DeviceProgram, steps: readonly KernelChoice[]): number {
  const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8;
  const name = (id: number, layout: Layout): string => `${id} ${layout}`;
  const reads = (step: KernelChoice): string[] => step.inputs.map((id, i) => name(id, step.inputLayouts[i]!));
  const bytesAt = (now: number): number => {
    const live = steps.flatMap((maker, made) => {
      const key = name(maker.output, maker.outputLayout);
      const again = steps.findIndex((s, i) => i > made && name(s.output, s.outputLayout) === key);
      const until = again < 0 ? steps.length : again;
      const last = steps.reduce(
        (l, s, i) => (i > made && i <= until && reads(s).includes(key) ? i : l),
        made,
      );
      const isOutput = maker.output === program.output.tensor;
      return made <= now && now <= last && !isOutput
        ? [layoutBytes(program.tensors[maker.output]!, maker.outputLayout)]
        : [];
    });
    return [...live, steps[now]!.scratchBytes].reduce((sum, b) => sum + aligned(b), 0);
  };
  return Math.max(...steps.map((_, i) => bytesAt(i)));
}
