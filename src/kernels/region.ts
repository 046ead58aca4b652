import { singleChoice } from "./single.js";
import { instructionOf, type Kernel } from "./types.js";

/** Bytes of a `bitloom_region_candidate`. */
const CANDIDATE_BYTES = 28;

/** Boxes of a YOLO head: `runtime-c/bitloom_region.h`. */
export const region: Kernel = {
  name: "region",
  summary: "boxes of a region head, the best that no better one suppresses",
  match(program, index) {
    const instruction = instructionOf(program, index, "region");
    if (instruction === undefined) return [];
    const { anchors, classes, classScores, suppression, candidates, scoreThreshold, iouThreshold } =
      instruction;
    const [height, width] = program.tensors[instruction.input]!.shape;
    const boxes = program.tensors[instruction.output]!.shape[1];
    const cells = (height * width * anchors.length) / 2;
    return [
      singleChoice(program, index, {
        kernel: "region",
        scratchBytes: candidates * CANDIDATE_BYTES + 4 * classes,
        cost: cells * 1500 + candidates * (1500 * (5 + classes) + 400 * boxes),
        call: {
          function: "bitloom_region_f32",
          type: "bitloom_region",
          fields: [
            ["anchors", { constant: "anchors" }],
            ["thresholds", { constant: "thresholds" }],
            ["anchor_count", anchors.length / 2],
            ["classes", classes],
            ["height", height],
            ["width", width],
            ["candidates", candidates],
            ["boxes", boxes],
            ["is_softmax", classScores === "softmax" ? 1 : 0],
            ["any_class", suppression === "any" ? 1 : 0],
          ],
          constants: [
            { name: "anchors", type: "float", values: anchors, layout: "[anchors][width, height] in cells" },
            {
              name: "thresholds",
              type: "float",
              values: Float32Array.of(scoreThreshold, iouThreshold),
              layout: "score, overlap",
            },
          ],
          runtime: [
            "bitloom_region.c",
            "bitloom_region.h",
            "bitloom_softmax.c",
            "bitloom_softmax.h",
            "bitloom_float.h",
          ],
        },
      }),
    ];
  },
};
