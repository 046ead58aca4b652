/** The head of YOLO's detectors. */
import { z } from "zod";
import { shapeText } from "../../../diagnostics/text.js";
import { Rejection } from "../../common/rejection.js";
import { mapInput, onlyInput } from "../call.js";
import { oneOf, wholeNumber } from "../fields.js";
import { layer } from "../layer.js";

/** Wider anchors would make boxes that float32 does not hold. */
const WIDEST_ANCHOR = 4096;
const MOST_ANCHORS = 64;
const MOST_CANDIDATES = 1 << 12;

const anchorsText = `the anchors' [width, height] in cells, as in darknet's "anchors": each above 0, at most ${WIDEST_ANCHOR}`;

/** A part of 1 as float32 takes it. */
function threshold(expected: string) {
  const error = `${expected}: a number from 0 to below 1`;
  return z
    .number({ error })
    .min(0, { error })
    .refine((x) => Math.fround(x) < 1, { error })
    .describe(error);
}

const side = z
  .number({ error: anchorsText })
  .max(WIDEST_ANCHOR, { error: anchorsText })
  .refine((x) => Math.fround(x) > 0, { error: anchorsText });

const count = (expected: string) =>
  wholeNumber(1, MOST_CANDIDATES, `${expected}: a whole number from 1 to ${MOST_CANDIDATES}`);

export const region = layer(
  "region",
  "at the end of the net; the output has rows of x, y, width, height, score and class, the best first",
  {
    anchors: z
      .array(z.tuple([side, side], { error: anchorsText }), { error: anchorsText })
      .min(1, { error: anchorsText })
      .max(MOST_ANCHORS, { error: anchorsText })
      .describe(anchorsText),
    classes: wholeNumber(1, 1 << 14, "classes: a whole number from 1 on"),
    class_scores: oneOf(
      ["softmax", "sigmoid"],
      'softmax (darknet\'s "softmax=1") or sigmoid (each class by itself)',
    ),
    score_threshold: threshold("only greater scores, objectness times the class's, make boxes"),
    iou_threshold: threshold("a better box that overlaps by more than this suppresses a box"),
    suppression: oneOf(
      ["class", "any"],
      "class (boxes suppress those of their own class, as darknet's do_nms_sort) or any",
    ),
    max_candidates: count(
      "room for pairs of box and class before suppression, 28 bytes of RAM each; the best are taken",
    ),
    max_boxes: count("rows of the output"),
  },
  (call, settings) => {
    const { channels } = mapInput(call, 2);
    const input = onlyInput(call);
    const { anchors, classes, max_candidates: candidates, max_boxes: boxes } = settings;
    if (channels !== anchors.length * (5 + classes))
      throw new Rejection(
        `${anchors.length} anchors of ${classes} classes do not fit ${shapeText(input.shape)}`,
        `anchors · (5 + classes) channels are expected: ${anchors.length * (5 + classes)}`,
      );
    if (boxes > candidates)
      throw new Rejection(
        `${boxes} boxes cannot come from ${candidates} candidates`,
        "let max_candidates be max_boxes or more",
      );
    const op = {
      kind: "region",
      anchors: Float32Array.from(anchors.flat()),
      classes,
      classScores: settings.class_scores,
      scoreThreshold: Math.fround(settings.score_threshold),
      iouThreshold: Math.fround(settings.iou_threshold),
      suppression: settings.suppression,
      candidates,
    } as const;
    return call.emit(op, [input], [1, boxes, 6]);
  },
);
