/** Weights of several bases (ABC-Net, LQ-Nets): the sum of codes times coefficients. */
import { z } from "zod";
import { shapeText } from "../../../diagnostics/text.js";
import { sumOfBases } from "../../../graph/planes.js";
import type { FloatTensor } from "../../../graph/types.js";
import { type FloatConstant, floatConstant } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import { name } from "../fields.js";
import type { Tensors } from "../tensors.js";

const MOST_BASES = 8;
/** Small integers of a byte are codes of a layer. */
const LARGEST_CODE = 127;

const codesText = `the names of 1 to ${MOST_BASES} tensors in the weights' shape: ±1, 0 and 1, or other small integers`;

export const basesFields = z
  .strictObject({
    type: z.literal("bases"),
    codes: z
      .array(name(codesText), { error: codesText })
      .min(1, { error: codesText })
      .max(MOST_BASES, { error: codesText })
      .describe(codesText),
    coefficients: name("the name of a tensor of one coefficient per basis, or of outputs × bases"),
  })
  .describe("the sum of bases times their coefficients; of the weights only their shape counts");

/** Σ coefficient · codes in the bases' order. Throws a Rejection. */
export function sums(
  quantizer: z.output<typeof basesFields>,
  { shape, data }: FloatTensor,
  tensors: Tensors,
): FloatConstant {
  const coefficients = tensors.floats(quantizer.coefficients);
  const count = quantizer.codes.length;
  const outputs = shape[0]!;
  const isPerOutput = shapeText(coefficients.shape) === shapeText([outputs, count]);
  if (!isPerOutput && coefficients.data.length !== count)
    throw new Rejection(
      `its coefficients have the shape ${shapeText(coefficients.shape)} for ${count} bases of ${outputs} outputs`,
      `one number per basis (${count}) is expected, or ${shapeText([outputs, count])}`,
    );
  const bases = quantizer.codes.map((codesName, m) => {
    const codes = tensors.integers(codesName);
    if (shapeText(codes.shape) !== shapeText(shape))
      throw new Rejection(
        `basis ${m} has the shape ${shapeText(codes.shape)} for weights of shape ${shapeText(shape)}`,
        "every basis has the weights' shape",
      );
    const odd = codes.data.find((c) => Math.abs(c) > LARGEST_CODE);
    if (odd !== undefined)
      throw new Rejection(`basis ${m} has the code ${odd}`, `use integers up to ${LARGEST_CODE}`);
    const own = Float32Array.from(
      { length: isPerOutput ? outputs : 1 },
      (_, n) => coefficients.data[n * count + m]!,
    );
    const coefficient = { shape: shape.map((_, axis) => (axis === 0 ? own.length : 1)), data: own };
    return { codes: codes.data, coefficient };
  });
  const values = sumOfBases(bases, shape);
  if (values.length !== data.length || !values.every(Number.isFinite))
    throw new Rejection("the sum of its bases overflows float32", "check the model's coefficients");
  return { ...floatConstant(shape, values), bases };
}
