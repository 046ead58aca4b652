import { singleChoice } from "./single.js";
import { instructionOf, type Kernel } from "./types.js";
import { fitsWindowFields, windowFields } from "./window.js";

/** Convolutions of floats: `runtime-c/bitloom_conv_float.h`. */
export const convFloat: Kernel = {
  name: "conv_float",
  summary: "float32 convolution of any geometry, every operation rounded by itself",
  match(program, index) {
    const conv = instructionOf(program, index, "conv-float");
    if (conv === undefined || !fitsWindowFields(conv.window)) return [];
    const channels = program.tensors[conv.input]!.shape[2];
    const [height, width, outputs] = program.tensors[conv.output]!.shape;
    return [
      singleChoice(program, index, {
        kernel: "conv_float",
        cost: height * width * conv.weights.length * 130,
        call: {
          function: "bitloom_conv_float_f32",
          type: "bitloom_conv_float",
          fields: [
            ["weights", { constant: "weights" }],
            ...windowFields(program, conv),
            ["groups", conv.groups],
            ["group_inputs", channels / conv.groups],
            ["group_outputs", outputs / conv.groups],
          ],
          constants: [
            {
              name: "weights",
              type: "float",
              values: conv.weights,
              layout: `[${outputs} outputs][${conv.window.kernel.join("][")}][${channels / conv.groups} channels]`,
            },
          ],
          runtime: ["bitloom_conv_float.c", "bitloom_conv_float.h", "bitloom_window.h", "bitloom_float.h"],
        },
      }),
    ];
  },
};
