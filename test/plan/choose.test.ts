/** The planner's choice against every possible sequence of kernels, on small programs with invented kernels. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Layout, layoutBytes } from "../../src/kernels/layout.js";
import { layoutConversion } from "../../src/kernels/layout-conversion.js";
import type { KernelCall, KernelChoice } from "../../src/kernels/types.js";
import { type Candidates, chooseKernels, constantBytes, frugalChoices } from "../../src/plan/choose.js";
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
        inPlace: random.next() < 0.3 ? [0] : [],
        scratchBytes: random.integer(0, 3) * 100,
        cost: random.integer(1, 4000),
        call: {
          function: "f",
          type: `t${k}`,
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

/** Flash of a kernel's code: the types of `randomCandidates`, and changes of layout. */
const CODE_BYTES: Readonly<Record<string, number>> = { t0: 10, t1: 60, t2: 35, bitloom_layout: 40 };
const codeOf = ({ type }: KernelCall): number => CODE_BYTES[type]!;

/** The least instructions or flash of all sequences, by trying every candidate and every order of layout changes. */
function leastOf(
  goal: "speed" | "size",
  program: DeviceProgram,
  candidates: Candidates,
  index = 0,
  have: ReadonlySet<string> = new Set(["0channels"]),
): number {
  if (index === program.instructions.length) return 0;
  let least = Number.POSITIVE_INFINITY;
  for (const choice of candidates[index]!) {
    const now = new Set(have);
    let sum = 0;
    const execute = (step: KernelChoice): void => {
      const isLinked = now.has(step.call.type);
      sum += goal === "speed" ? step.cost : constantBytes(step) + (isLinked ? 0 : codeOf(step.call));
      now.add(step.call.type).add(`${step.output}${step.outputLayout}`);
    };
    choice.inputs.forEach((id, i) => {
      const wanted = choice.inputLayouts[i]!;
      if (now.has(`${id}${wanted}`)) return;
      const conversion = layoutConversion(program, id, wanted === "pixels" ? "channels" : "pixels", wanted);
      if (conversion === undefined) sum = Number.POSITIVE_INFINITY;
      else execute(conversion);
    });
    execute(choice);
    const rest = leastOf(goal, program, candidates, Math.max(...choice.covers) + 1, now);
    least = Math.min(least, sum + rest);
  }
  return least;
}

/** Constants and code of a plan. */
function flashOf(steps: readonly KernelChoice[]): number {
  const code = new Map(steps.map(({ call }) => [call.type, codeOf(call)]));
  return [...code.values(), ...steps.map(constantBytes)].reduce((sum, b) => sum + b, 0);
}

describe("the choice of kernels and layouts", () => {
  it("costs what the best of all sequences costs, in instructions or in flash", () => {
    fc.assert(
      fc.property(netSeed, (seed) => {
        const random = new Random(seed);
        const program = randomProgram(random);
        const candidates = randomCandidates(program, random);
        const chosen = chooseKernels(program, candidates, "speed", codeOf);
        const cost = chosen.choices.reduce((sum, c) => sum + c.cost, 0);
        expect(cost).toBe(leastOf("speed", program, candidates));
        const small = chooseKernels(program, candidates, "size", codeOf);
        expect(flashOf(small.choices)).toBe(leastOf("size", program, candidates));
      }),
      { numRuns: 300 },
    );
  });

  it("is made at once where a concatenation has many inputs of another layout", () => {
    const codes = { kind: "codes", bits: 1, step: 2, offset: -1 } as const;
    const parts = Array.from({ length: 60 }, (_, i) => i + 1);
    const program: DeviceProgram = {
      ...randomProgram(new Random(1)),
      tensors: [0, ...parts, 61].map((i) => ({ name: `t${i}`, shape: [4, 4, 8], domain: codes })),
      instructions: [
        ...parts.map((output) => ({ kind: "concat" as const, inputs: [0], output })),
        { kind: "concat", inputs: parts, output: 61 },
      ],
      output: { ...randomProgram(new Random(1)).output, tensor: 61 },
    };
    const way = (index: number, layout: Layout): KernelChoice => ({
      ...randomCandidates(program, new Random(1))[index]![0]!,
      covers: [index],
      inputs: inputsOf(program.instructions[index]!),
      inputLayouts: inputsOf(program.instructions[index]!).map(() => layout),
      output: program.instructions[index]!.output,
      outputLayout: "channels",
    });
    const candidates = program.instructions.map((_, i) => [
      way(i, i === parts.length ? "pixels" : "channels"),
    ]);
    const chosen = chooseKernels(program, candidates, "speed", codeOf);
    expect(chosen.choices.filter((c) => c.covers.length === 0)).toHaveLength(parts.length);
  });

  it("has less and less RAM for a share of the instructions, from the fastest on", () => {
    let further = 0;
    fc.assert(
      fc.property(netSeed, (seed) => {
        const random = new Random(seed);
        const program = randomProgram(random);
        const candidates = randomCandidates(program, random);
        const plans = frugalChoices(program, candidates, codeOf, 0.1).map(({ choices }) => ({
          instructions: choices.reduce((sum, c) => sum + c.cost, 0),
          peak: mostLiveBytes(program, choices),
        }));
        expect(plans[0]!.instructions).toBe(leastOf("speed", program, candidates));
        plans.forEach(({ instructions, peak }, i) => {
          expect(instructions).toBeLessThanOrEqual(plans[0]!.instructions * 1.1);
          if (i > 0) expect(peak).toBeLessThan(plans[i - 1]!.peak);
        });
        further += plans.length > 1 ? 1 : 0;
      }),
      { numRuns: 200 },
    );
    expect(further).toBeGreaterThan(5);
  });

  it("for size has the least flash of the three goals, and for ram the least live bytes", () => {
    fc.assert(
      fc.property(netSeed, (seed) => {
        const random = new Random(seed);
        const program = randomProgram(random);
        const candidates = randomCandidates(program, random);
        const plans = (["speed", "size", "ram"] as const).map(
          (g) => chooseKernels(program, candidates, g, codeOf).choices,
        );
        const flash = plans.map(flashOf);
        const peaks = plans.map((plan) => mostLiveBytes(program, plan));
        expect(Math.min(...flash)).toBe(flash[1]);
        expect(Math.min(...peaks)).toBe(peaks[2]);
      }),
      { numRuns: 200 },
    );
  });
});

/**
 * Bytes of tensors and scratch that are live in the fullest step, from the steps alone. Of an output that may lie over an input
 * that is read for the last time, and this input, the larger counts in that step.
 */
function mostLiveBytes(program: DeviceProgram, steps: readonly KernelChoice[]): number {
  const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8;
  const name = (id: number, layout: Layout): string => `${id} ${layout}`;
  const reads = (step: KernelChoice): string[] => step.inputs.map((id, i) => name(id, step.inputLayouts[i]!));
  const lives = steps.map(({ output, outputLayout }, made) => {
    const key = name(output, outputLayout);
    const again = steps.findIndex((s, i) => i > made && name(s.output, s.outputLayout) === key);
    const until = again < 0 ? steps.length : again;
    const last = steps.reduce((l, s, i) => (i > made && i <= until && reads(s).includes(key) ? i : l), made);
    const isCallers = output === program.output.tensor;
    return { key, made, last, bytes: isCallers ? 0 : layoutBytes(program.tensors[output]!, outputLayout) };
  });
  const saved = (now: number): number => {
    const step = steps[now]!;
    const ended = (step.inPlace ?? []).flatMap((i) =>
      lives.filter(({ key, made, last }) => key === reads(step)[i] && made < now && last === now),
    );
    return aligned(Math.max(0, ...ended.map(({ bytes }) => Math.min(bytes, lives[now]!.bytes))));
  };
  const bytesAt = (now: number): number => {
    const live = lives.filter(({ made, last }) => made <= now && now <= last).map(({ bytes }) => bytes);
    return [...live, steps[now]!.scratchBytes].reduce((sum, b) => sum + aligned(b), -saved(now));
  };
  return Math.max(...steps.map((_, i) => bytesAt(i)));
}
