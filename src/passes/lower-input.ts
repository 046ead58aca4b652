/** The first segment: stored inputs to codes. */
import { fail } from "../diagnostics/diagnostic.js";
import type { CodesDomain, InputAffine, TensorId } from "../program/types.js";
import { floatBeyond, floatRange, integerRange, keyToFloat } from "./input-keys.js";
import { lowerThreshold } from "./lower-codes.js";
import { addTensor, type Codes, type InputFormat, type InputType, type Lowering } from "./lowering.js";
import type { Segment } from "./segments.js";
import type { KeySource } from "./thresholds.js";

/**
 * The format that the user asked for, or the usual one for the model's input shape. An assumption that could be
 * wrong is noted.
 */
export function inputFormat(context: Lowering, modelShape: readonly number[]): InputFormat {
  const wanted = context.options.input;
  if (wanted === undefined) return noted(context, defaultInput(modelShape));
  if (!isFloat(wanted.type) && wanted.affine === undefined) throw missingAffine(wanted.type);
  return wanted;
}

function noted(context: Lowering, format: InputFormat): InputFormat {
  if (isFloat(format.type)) return format;
  context.diagnostics.note(
    "lowering/default-input",
    "the input looks like an image: it is taken as uint8 x with value x/255",
    {
      where: context.graph.inputs[0]!,
      remedy: "say so to be sure (--input-type u8 --input-scale 1/255), or pass --input-type f32",
    },
  );
  return format;
}

/** Stored inputs to the codes that the first layer reads; undefined after a reported error. */
export function lowerInputCodes(
  context: Lowering,
  segment: Segment,
  input: TensorId,
  options: InputFormat,
): Codes | undefined {
  if (segment.quantizer === undefined) return takeCodes(context, segment, input, options);
  const channels = context.tensors[input]!.shape[2];
  const perChannel = segment.steps.some((s) => s.kind === "scale" && s.step.operand.length > 1);
  const range = isFloat(options.type) ? floatRange : integerRange(options.type);
  const keyValue = isFloat(options.type) ? keyToFloat : (key: number) => affineValue(options.affine!, key);
  const source: KeySource = {
    rows: perChannel ? channels : 1,
    range: () => range,
    valueOf: keyValue,
    ...(isFloat(options.type) ? { beyond: floatBeyond } : {}),
  };
  const ascending = isFloat(options.type) || options.affine!.numerator * options.affine!.denominator > 0;
  if (!ascending)
    throw fail("lowering/input-scale", "the input scale must be positive", {
      remedy: "pass --input-scale with a positive number",
    });
  return lowerThreshold(context, segment, input, source, () => 0);
}

/** A model without an input quantizer takes u8 pixels as 8-bit codes. */
function takeCodes(
  context: Lowering,
  segment: Segment,
  input: TensorId,
  options: InputFormat,
): Codes | undefined {
  const affine = options.affine;
  if (options.type !== "u8" || segment.steps.length > 0 || affine === undefined) {
    context.diagnostics.error(
      "lowering/float-input",
      "the first layer reads float inputs that no quantizer has made codes",
      {
        where: context.graph.inputs[0]!,
        remedy:
          "put a quantizer (BipolarQuant, Quant) on the input when exporting, or use --input-type u8 with a model that takes pixels without any operation before its first layer",
      },
    );
    return undefined;
  }
  const channels = context.tensors[input]!.shape[2];
  const domain: CodesDomain = { kind: "codes", bits: 8, step: 1, offset: -affine.zero };
  const tensor = addTensor(context, "input codes", channels, domain);
  context.instructions.push({ kind: "take-codes", input, output: tensor });
  const scale = Math.fround(affine.numerator / affine.denominator);
  return { tensor, scale, least: -affine.zero, greatest: 255 - affine.zero };
}

function defaultInput(shape: readonly number[]): InputFormat {
  const [, channels, height, width] = shape;
  const isImage = shape.length === 4 && (channels === 1 || channels === 3) && height! > 1 && width! > 1;
  return isImage ? { type: "u8", affine: { numerator: 1, denominator: 255, zero: 0 } } : { type: "f32" };
}

/** The real number that a stored input stands for, rounded once to float32. */
function affineValue(affine: InputAffine, stored: number): number {
  return Math.fround(((stored - affine.zero) * affine.numerator) / affine.denominator);
}

function isFloat(type: InputType): boolean {
  return type === "f32";
}

function missingAffine(type: string): Error {
  return fail("lowering/input-scale", `an input of type ${type} needs its scale`, {
    remedy: "say what the integers stand for, e.g. --input-scale 1/255",
  });
}
