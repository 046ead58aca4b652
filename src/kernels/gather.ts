import { elementBytes, planesOf, steps } from "./domains.js";
import { singleChoice } from "./single.js";
import { type ConstantArray, instructionOf, type Kernel } from "./types.js";

/** Space-to-depth and the like: `runtime-c/bitloom_gather.h`. */
export const gather: Kernel = {
  name: "gather",
  summary: "channels from several rows and columns side by side, as space-to-depth takes them",
  match(program, index) {
    const instruction = instructionOf(program, index, "gather");
    if (instruction === undefined) return [];
    const input = program.tensors[instruction.input]!;
    const output = program.tensors[instruction.output]!;
    const { runs, first } = runsOf(instruction, output.shape[2]);
    const constants: readonly ConstantArray[] = [
      {
        name: "runs",
        type: "uint16_t",
        values: runs,
        layout: "[runs][row, column, first channel, channels]",
      },
      { name: "first", type: "uint32_t", values: first, layout: "[rows + 1]" },
    ];
    // Larger places do not fit the lists.
    if (Math.max(...input.shape) > 65535) return [];
    return [
      singleChoice(program, index, {
        kernel: "gather",
        cost: steps(output, "channels") * 2 + (runs.length / 4) * output.shape[1] * 40,
        call: {
          function: `bitloom_gather_${output.domain.kind === "codes" ? "channels" : "scalars"}`,
          type: "bitloom_gather",
          fields: [
            ["runs", { constant: "runs" }],
            ["first", { constant: "first" }],
            ["channels", input.shape[2]],
            ["output_width", output.shape[1]],
            ["step", instruction.step],
            ["planes", planesOf(output)],
            ["element_bytes", elementBytes(output)],
          ],
          constants,
          runtime: ["bitloom_gather.c", "bitloom_gather.h", "bitloom_bits.h"],
        },
      }),
    ];
  },
};

interface Places {
  readonly rows: Int32Array;
  readonly columns: Int32Array;
  readonly channels: Int32Array;
}

/** Neighbours of one pixel as runs, and where each output row's begin. */
function runsOf(
  { rows, columns, channels }: Places,
  perRow: number,
): { readonly runs: readonly number[]; readonly first: readonly number[] } {
  const runs: number[] = [];
  const first: number[] = [];
  rows.forEach((row, i) => {
    const last = runs.length - 4;
    const continues =
      i % perRow > 0 &&
      runs[last] === row &&
      runs[last + 1] === columns[i] &&
      runs[last + 2]! + runs[last + 3]! === channels[i];
    if (i % perRow === 0) first.push(runs.length / 4);
    if (continues) runs[last + 3]!++;
    else runs.push(row, columns[i]!, channels[i]!, 1);
  });
  return { runs, first: [...first, runs.length / 4] };
}
