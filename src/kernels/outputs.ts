import type { ScaleStep } from "../program/types.js";
import { typeName } from "./domains.js";
import { singleChoice } from "./single.js";
import { type ConstantArray, instructionOf, type Kernel, type KernelCall } from "./types.js";

/** Integers, codes or floats to the model's floats: `runtime-c/bitloom_scale.h`. */
export const scale: Kernel = {
  name: "scale",
  summary: "integers, codes or floats to float32 by single-rounded operations",
  match(program, index) {
    const instruction = instructionOf(program, index, "scale");
    if (instruction === undefined) return [];
    const input = program.tensors[instruction.input]!;
    const [height, width, channels] = input.shape;
    const { fields, ...descriptor } = scaleDescriptor(instruction.steps, channels, width);
    const differs = instruction.steps.some(({ extent }) => extent !== undefined);
    const { domain } = input;
    const codes: KernelCall["fields"] =
      domain.kind === "scalar"
        ? []
        : [
            ["planes", domain.bits],
            ["code_step", domain.step],
            ["code_offset", domain.offset],
          ];
    return [
      singleChoice(program, index, {
        kernel: "scale",
        inPlace: domain.kind === "scalar",
        growsInPlace: true,
        cost: height * width * channels * (differs ? 115 : 100) * (1 + instruction.steps.length),
        call: {
          function: `bitloom_scale_${differs ? "positions_" : ""}${typeName(input)}`,
          ...descriptor,
          fields: [...fields, ...codes],
          runtime: [
            differs ? "bitloom_scale_positions.c" : "bitloom_scale.c",
            ...scaleHeaders,
            "bitloom_codes.h",
            "bitloom_scale_rows.h",
          ],
        },
      }),
    ];
  },
};

/** Headers that the inline form of `scale` needs. */
export const scaleHeaders: readonly string[] = ["bitloom_scale.h", "bitloom_float.h"];

/** The data of a `scale` layer; also used by the inline helper that turns scores into floats. */
export function scaleDescriptor(
  steps: readonly ScaleStep[],
  channels: number,
  width: number,
): Pick<KernelCall, "type" | "fields" | "constants"> & Required<Pick<KernelCall, "steps">> {
  const operands: (ConstantArray | null)[] = steps.map(({ operator, operand, extent }, i) =>
    operand.length === 0
      ? null
      : {
          name: `operand${i}`,
          type: "float",
          values: operand,
          layout: `[${(extent ?? [operand.length]).join("][")}] of step ${i}: ${operator}`,
        },
  );
  return {
    type: "bitloom_scale",
    fields: [
      ["channels", channels],
      ["width", width],
      ["count", steps.length],
    ],
    steps: steps.map(({ operator, operand, extent }, i) => ({
      operator: `BITLOOM_SCALE_${operator.toUpperCase().replaceAll("-", "_")}`,
      operand: operands[i]?.name ?? null,
      perChannel: (extent?.[2] ?? operand.length) > 1,
      perColumn: (extent?.[1] ?? 1) > 1,
      perRow: (extent?.[0] ?? 1) > 1,
    })),
    constants: operands.filter((o) => o !== null),
  };
}

/** Integers in the order of the model's floats: `runtime-c/bitloom_rank.h`. */
export const rank: Kernel = {
  name: "rank",
  summary: "integer scores to integers in the order of the model's float outputs",
  match(program, index) {
    const instruction = instructionOf(program, index, "rank");
    if (instruction === undefined) return [];
    const channels = program.tensors[instruction.input]!.shape[2];
    return [
      singleChoice(program, index, {
        kernel: "rank",
        inPlace: true,
        cost: channels * 8,
        call: {
          function: "bitloom_rank_i32",
          ...rankDescriptor(instruction.slope, instruction.offset),
          runtime: ["bitloom_rank.c", "bitloom_rank.h"],
        },
      }),
    ];
  },
};

/** The data of a `rank` layer; also used by the inline helper that finds the greatest output. */
export function rankDescriptor(
  slope: Int32Array,
  offset: Int32Array,
): Pick<KernelCall, "type" | "fields" | "constants"> {
  return {
    type: "bitloom_rank",
    fields: [
      ["slope", { constant: "slope" }],
      ["offset", { constant: "offset" }],
      ["channels", slope.length],
    ],
    constants: [
      { name: "slope", type: "int32_t", values: slope, layout: `[${slope.length} channels]` },
      { name: "offset", type: "int32_t", values: offset, layout: `[${offset.length} channels]` },
    ],
  };
}

/** Probabilities: `runtime-c/bitloom_softmax.h`. */
export const softmax: Kernel = {
  name: "softmax",
  summary: "softmax with the exact exponential",
  match(program, index) {
    const instruction = instructionOf(program, index, "softmax");
    if (instruction === undefined) return [];
    const count = program.tensors[instruction.input]!.shape[2];
    return [
      singleChoice(program, index, {
        kernel: "softmax",
        inPlace: true,
        cost: count * 1500,
        call: {
          function: "bitloom_softmax_f32",
          type: "bitloom_softmax",
          fields: [["count", count]],
          runtime: ["bitloom_softmax.c", "bitloom_softmax.h", "bitloom_float.h"],
        },
      }),
    ];
  },
};

/** The model's own class index: `runtime-c/bitloom_argmax.h`. */
export const argmax: Kernel = {
  name: "argmax",
  summary: "index of the greatest score",
  match(program, index) {
    const instruction = instructionOf(program, index, "argmax");
    if (instruction === undefined) return [];
    const input = program.tensors[instruction.input]!;
    const type = input.domain.kind === "scalar" ? input.domain.type : "codes";
    return [
      singleChoice(program, index, {
        kernel: "argmax",
        cost: input.shape[2] * 8,
        call: {
          function: `bitloom_argmax_${type}`,
          type: "bitloom_argmax",
          fields: [
            ["count", input.shape[2]],
            ["select_last", instruction.selectLast ? 1 : 0],
          ],
          runtime: ["bitloom_argmax.c", "bitloom_argmax.h"],
        },
      }),
    ];
  },
};
