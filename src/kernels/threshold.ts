import { instructionOf, type Kernel, type KernelCall } from "./types.js";

/** Model inputs to codes, and any threshold that no dense kernel has taken: `runtime-c/bitloom_threshold.h`. */
export const threshold: Kernel = {
  name: "threshold",
  summary: "compares scalars (u8, i8, i16, i32, float32 as keys) with thresholds and packs the codes",
  match(program, index) {
    const instruction = instructionOf(program, index, "threshold");
    if (instruction === undefined) return [];
    const input = program.tensors[instruction.input]!;
    const output = program.tensors[instruction.output]!;
    if (input.domain.kind !== "scalar" || output.domain.kind !== "codes") return [];
    const { levels, thresholds, flipped } = instruction;
    const rows = flipped.length;
    const anyFlipped = flipped.includes(1);
    const [height, width, channels] = input.shape;
    const constants: KernelCall["constants"] = [
      { name: "thresholds", type: "int32_t", values: thresholds, layout: `[${rows} rows][${levels} levels]` },
      ...(anyFlipped
        ? [{ name: "flipped", type: "uint8_t" as const, values: flipped, layout: `[${rows} rows]` }]
        : []),
    ];
    return [
      {
        kernel: "threshold",
        covers: [index],
        inputs: [instruction.input],
        inputLayouts: ["channels"],
        output: instruction.output,
        outputLayout: "channels",
        scratchBytes: 0,
        cost: height * width * channels * (12 + 4 * levels),
        call: {
          function: `bitloom_threshold_${input.domain.type}`,
          type: "bitloom_threshold",
          fields: [
            ["thresholds", { constant: "thresholds" }],
            ["flipped", anyFlipped ? { constant: "flipped" } : null],
            ["channels", channels],
            ["width", width],
            ["per_channel", rows === 1 ? 0 : 1],
            ["levels", levels],
            ["planes", output.domain.bits],
          ],
          constants,
          canFail: input.domain.type === "f32",
          runtime: ["bitloom_threshold.c", "bitloom_threshold.h", "bitloom_codes.h"],
        },
      },
    ];
  },
};
