/**
 * Rows of an instruction's output depend on the rows of its inputs that `rowsRead` names, and on no others: every row of every
 * input is replaced by another, and the reference says which output rows change.
 */
import { describe, expect, it } from "vitest";
import {
  type DeviceProgram,
  elementCount,
  type Instruction,
  inputsOf,
  rowsRead,
  type TensorId,
  type TensorValues,
} from "../../src/program/index.js";
import { executeInstruction } from "../../src/reference/device.js";
import { compileTrace } from "../../src/reference/device-fast.js";
import { Random } from "../support/random-graph.js";
import { randomProgram, randomValues } from "../support/random-program.js";

/** BITLOOM_SEED replays a run; what fails names the seed of its program. */
const firstSeed = Number(process.env.BITLOOM_SEED ?? 4000);
const PROGRAMS = 60;

/** Output rows that change when one row of an input does. */
function changedRows(
  program: DeviceProgram,
  instruction: Instruction,
  values: readonly TensorValues[],
  input: number,
  row: number,
  random: Random,
): number[] {
  const ids = inputsOf(instruction);
  const own = ids.map((id) => values[id]!);
  const expected = executeInstruction(program, instruction, own);
  const tensor = program.tensors[ids[input]!]!;
  const size = elementCount(tensor) / tensor.shape[0];
  const other = own[input]!.slice();
  other.set(randomValues(random, tensor).subarray(row * size, (row + 1) * size), row * size);
  const result = executeInstruction(program, instruction, own.with(input, other));
  const [height] = program.tensors[instruction.output]!.shape;
  const rowSize = result.length / height;
  return Array.from({ length: height }, (_, y) => y).filter((y) =>
    result.subarray(y * rowSize, (y + 1) * rowSize).some((x, i) => !Object.is(x, expected[y * rowSize + i])),
  );
}

describe("rows that an instruction reads", () => {
  it("are those that its output depends on", () => {
    const ends = new Map<string, Set<"first" | "last">>();
    for (let seed = firstSeed; seed < firstSeed + PROGRAMS; seed++) {
      const program = randomProgram(seed, { maxSide: 7, channels: [1, 2, 3, 5], instructions: 6 });
      const random = new Random(seed);
      const values = compileTrace(program)(randomValues(random, program.tensors[program.input.tensor]!));
      for (const instruction of program.instructions) {
        inputsOf(instruction).forEach((id: TensorId, input) => {
          const [height] = program.tensors[id]!.shape;
          for (let row = 0; row < height; row++) {
            for (const y of changedRows(program, instruction, values, input, row, random)) {
              const [first, end] = rowsRead(program, instruction, input, [y, y + 1]);
              expect(row, `seed ${seed}: ${instruction.kind} row ${y}`).toBeGreaterThanOrEqual(first);
              expect(row, `seed ${seed}: ${instruction.kind} row ${y}`).toBeLessThan(end);
              const reached = ends.get(instruction.kind) ?? new Set();
              ends.set(instruction.kind, reached);
              if (row === first) reached.add("first");
              if (row === end - 1) reached.add("last");
            }
          }
        });
      }
    }
    // No more rows than needed: of every kind, the first and the last one have mattered.
    for (const [kind, reached] of ends) expect([...reached].sort(), kind).toEqual(["first", "last"]);
    expect(ends.size).toBeGreaterThan(14);
  });

  it("of several output rows are those of each, and none of no rows", () => {
    for (let seed = firstSeed; seed < firstSeed + PROGRAMS; seed++) {
      const program = randomProgram(seed, { maxSide: 9, channels: [1, 3], instructions: 6 });
      const random = new Random(seed);
      for (const instruction of program.instructions) {
        const [height] = program.tensors[instruction.output]!.shape;
        const y0 = random.integer(0, height - 1);
        const y1 = random.integer(y0 + 1, height);
        inputsOf(instruction).forEach((_, input) => {
          const single = Array.from({ length: y1 - y0 }, (__, i) =>
            rowsRead(program, instruction, input, [y0 + i, y0 + i + 1]),
          ).filter(([first, end]) => first < end);
          const [first, end] = rowsRead(program, instruction, input, [y0, y1]);
          if (single.length === 0) {
            expect(end - first, `seed ${seed}: ${instruction.kind}`).toBe(0);
          } else {
            expect([first, end], `seed ${seed}: ${instruction.kind}`).toEqual([
              Math.min(...single.map((rows) => rows[0])),
              Math.max(...single.map((rows) => rows[1])),
            ]);
          }
          expect(rowsRead(program, instruction, input, [y0, y0])).toEqual([0, 0]);
        });
      }
    }
  });
});
