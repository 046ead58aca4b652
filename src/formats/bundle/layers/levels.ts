/** Quantizers to levels of any distance: residual signs, independent bases, and levels by their thresholds. */
import { z } from "zod";
import { shapeText } from "../../../diagnostics/text.js";
import { planesValue } from "../../../graph/planes.js";
import type { FloatTensor, LevelsQuantizer, Planes } from "../../../graph/types.js";
import { nearestSigns, signedCoefficients } from "../../common/bases.js";
import { firstKeyWhere, floatOfKey, GREATEST_KEY, LEAST_KEY, nextUp } from "../../common/float-keys.js";
import { Rejection } from "../../common/rejection.js";
import { type BundleValue, elementwise, type LayerCall, onlyInput } from "../call.js";
import { float, name, oneOf, wholeNumber } from "../fields.js";
import { layer } from "../layer.js";
import { signOfZeroField } from "../quantizers.js";

const f = Math.fround;
const MOST_PLANES = 8;
const MOST_LEVELS = 256;

type PlanesWithCodes = NonNullable<LevelsQuantizer["planes"]>;

const SIDES = ["above", "below"] as const;
type Side = (typeof SIDES)[number];

const sideText = '"above" or "below": the level that exactly the threshold belongs to (x ≥ t: above)';

const savedScales =
  "the tensor of the scales that training saved, the first one first; magnitudes are taken (scales found anew from every input, " +
  'as least squares\' moving_average_mode "off" does, are not supported: evaluate with saved averages, or, of one level, ' +
  'use the layers "sign", "abs", "mean" and "multiply")';

/**
 * ReBNet's: `r = x`; for each scale g, `b = sign(r)` and `r = r − |g| · b` in float32; the value is `Σ |g| · b`. Least
 * squares and greedy foldable quantizers with saved averages are the same.
 */
export const residualSign = layer(
  "residual_sign",
  "the sign, then the sign of what is left, and so on",
  {
    scales: name(savedScales),
    sign_of_zero: signOfZeroField,
  },
  (call, settings) => {
    const data = call.tensors.floats(settings.scales).data.map(Math.abs);
    checkCount(data.length, "scales");
    const planes = { alphabet: "signs", coefficients: listOf(data), constant: 0 } as const;
    return emitSegments(call, residualSegments(data, settings.sign_of_zero), planes);
  },
);

/** A run of numbers that have one code: from the number of the key `start` on. */
interface Segment {
  readonly start: number;
  readonly code: number;
}

/**
 * The encoder itself says where codes change: as long as all signs before are the same, what is left rises with x. Codes
 * that no number has do not occur.
 */
function residualSegments(scales: Float32Array, signOfZero: 1 | -1): Segment[] {
  const segments: Segment[] = [];
  const isPositive = (r: number): boolean => r > 0 || (r === 0 && signOfZero === 1);
  const split = (low: number, high: number, l: number, code: number, rest: (x: number) => number): void => {
    if (low > high) return;
    if (l === scales.length) {
      segments.push({ start: low, code });
      return;
    }
    const scale = scales[l]!;
    const first = firstKeyWhere(low, high, (x) => isPositive(rest(x)));
    split(low, first - 1, l + 1, 2 * code, (x) => f(rest(x) + scale));
    split(first, high, l + 1, 2 * code + 1, (x) => f(rest(x) - scale));
  };
  split(LEAST_KEY, GREATEST_KEY, 0, 0, (x) => x);
  return segments;
}

/** ABC-Net's: bits of their own, each with a shift and a coefficient. */
export const bases = layer(
  "bases",
  "bits side by side: +1 where input + shift reaches the threshold, else −1, times their coefficients",
  {
    shifts: name("the tensor of the shifts, one number per basis"),
    coefficients: name("the tensor of the coefficients, one number per basis"),
    threshold: float("what input + shift is compared with (ABC-Net: 0.5)"),
    at_threshold: oneOf(SIDES, sideText),
  },
  (call, settings) => {
    const shifts = call.tensors.floats(settings.shifts).data;
    const coefficients = listOf(call.tensors.floats(settings.coefficients).data);
    checkCount(shifts.length, "shifts");
    if (coefficients.data.length !== shifts.length)
      throw new Rejection(
        `it has ${shifts.length} shifts and ${coefficients.data.length} coefficients`,
        "give one of each per basis",
      );
    const limit = f(settings.threshold);
    const reaches = (sum: number): boolean =>
      settings.at_threshold === "above" ? sum >= limit : sum > limit;
    const starts = Array.from(shifts, (shift) =>
      firstKeyWhere(LEAST_KEY, GREATEST_KEY, (x) => reaches(f(x + shift))),
    );
    const codeFrom = (start: number): number =>
      starts.reduce((code, own) => 2 * code + (own <= start ? 1 : 0), 0);
    const changes = [...new Set([LEAST_KEY, ...starts])].filter((key) => key <= GREATEST_KEY);
    const segments = changes.sort((a, b) => a - b).map((start) => ({ start, code: codeFrom(start) }));
    return emitSegments(call, segments, { alphabet: "signs", coefficients, constant: 0 });
  },
);

const codesText =
  "the planes of each level, the first plane in the most significant bit: one more whole number than thresholds";

/** Levels by thresholds: LQ-Nets, HWGQ, learned level sets. */
export const levels = layer(
  "levels",
  "values, or planes with codes and coefficients, between thresholds",
  {
    thresholds: name(
      "the tensor of the thresholds, rising: one row for all channels, or channels × thresholds",
    ),
    at_threshold: z
      .union(
        [oneOf(SIDES, sideText), z.array(oneOf(SIDES, sideText), { error: sideText }).max(MOST_LEVELS)],
        {
          error: `${sideText}, or one of them per threshold`,
        },
      )
      .describe(`${sideText}, or one of them per threshold`),
    values: name("the tensor of the levels' values, one more than thresholds").optional(),
    codes: z
      .array(wholeNumber(0, 2 ** MOST_PLANES - 1, codesText), { error: codesText })
      .max(MOST_LEVELS, { error: codesText })
      .describe(codesText)
      .optional(),
    coefficients: name("the tensor of the planes' coefficients").optional(),
    alphabet: oneOf(
      ["signs", "bits"],
      '"signs" (−1 and 1) or "bits" (0 and 1): what planes consist of',
    ).optional(),
    constant: float("what is added to the planes' sum").default(0),
  },
  (call, settings) => {
    const stored = call.tensors.floats(settings.thresholds);
    const [rows, count] = stored.shape.length === 1 ? [1, stored.data.length] : stored.shape;
    if (stored.shape.length > 2 || count === undefined || count < 1 || count >= MOST_LEVELS)
      throw new Rejection(
        `its thresholds have the shape ${shapeText(stored.shape)}`,
        "give one row, or channels × thresholds",
      );
    const sides = typeof settings.at_threshold === "string" ? undefined : settings.at_threshold;
    if (sides !== undefined && sides.length !== count)
      throw new Rejection(`it has ${sides.length} sides for ${count} thresholds`, "give one, or one each");
    const side = (i: number): Side => (sides === undefined ? (settings.at_threshold as Side) : sides[i]!);
    const data = stored.data.map((t, i) => (side(i % count) === "above" ? t : nextUp(t)));
    if (data.some((t, i) => i % count > 0 && t < data[i - 1]!))
      throw new Rejection("its thresholds do not rise", "sort them, and the levels with them");
    const planes = givenPlanes(call, settings);
    const values = givenValues(call, settings.values, planes, count + 1);
    const known = planes ?? signedPlanes(values);
    return emit(call, { shape: [rows!, count], data }, values, known);
  },
);

interface PlaneSettings {
  readonly codes?: readonly number[] | undefined;
  readonly coefficients?: string | undefined;
  readonly alphabet?: Planes["alphabet"] | undefined;
  readonly constant: number;
}

function givenPlanes(call: LayerCall, settings: PlaneSettings): PlanesWithCodes | undefined {
  const { codes, coefficients: tensor, alphabet, constant } = settings;
  if (codes === undefined && tensor === undefined && alphabet === undefined) return undefined;
  if (codes === undefined || tensor === undefined || alphabet === undefined)
    throw new Rejection("its planes are not complete", "give codes, coefficients and alphabet, or values");
  const coefficients = listOf(call.tensors.floats(tensor).data);
  checkCount(coefficients.data.length, "coefficients");
  const most = 2 ** coefficients.data.length;
  const odd = codes.find((code) => code >= most);
  if (odd !== undefined)
    throw new Rejection(
      `it has the code ${odd} of ${coefficients.data.length} planes`,
      `codes are below ${most}`,
    );
  return { alphabet, coefficients, constant: f(constant), codes: Int32Array.from(codes) };
}

function givenValues(
  call: LayerCall,
  tensor: string | undefined,
  planes: PlanesWithCodes | undefined,
  count: number,
): Float32Array {
  if ((tensor === undefined) === (planes === undefined))
    throw new Rejection(
      tensor === undefined ? "it does not say what its levels are" : "it has both values and planes",
      "give values, or codes, coefficients and alphabet",
    );
  const values =
    tensor === undefined
      ? Float32Array.from(planes!.codes, (code) => planesValue(planes!, code))
      : call.tensors.floats(tensor).data;
  if (values.length === count) return values;
  throw new Rejection(
    `it has ${values.length} levels`,
    `${count - 1} thresholds lie between ${count} levels`,
  );
}

/** Planes of ±1 whose sums are exactly the values, if a few do. */
function signedPlanes(values: Float32Array): PlanesWithCodes | undefined {
  const found = signedCoefficients(values);
  if (found === undefined) return undefined;
  const coefficients = listOf(Float32Array.from(found));
  const reversed = (signs: number): number => found.reduce((code, _, m) => 2 * code + ((signs >> m) & 1), 0);
  const codes = Int32Array.from(values, (v) => reversed(nearestSigns(found, v)));
  const planes = { alphabet: "signs", coefficients, constant: 0, codes } as const;
  return values.every((v, i) => planesValue(planes, codes[i]!) === v) ? planes : undefined;
}

function checkCount(count: number, what: string): void {
  if (count >= 1 && count <= MOST_PLANES) return;
  throw new Rejection(`it has ${count} ${what}`, `use 1 to ${MOST_PLANES}`);
}

function listOf(data: Float32Array): FloatTensor {
  return { shape: [data.length], data };
}

function emitSegments(call: LayerCall, segments: readonly Segment[], planes: Planes): BundleValue {
  // The numbers −0 and 0 are equal, so that a run that starts at −0 starts at 0.
  const starts = Float32Array.from(segments.slice(1), ({ start }) => floatOfKey(start) + 0);
  const codes = Int32Array.from(segments, ({ code }) => code);
  const values = Float32Array.from(codes, (code) => planesValue(planes, code));
  return emit(call, { shape: [1, starts.length], data: starts }, values, { ...planes, codes });
}

function emit(
  call: LayerCall,
  thresholds: FloatTensor,
  values: Float32Array,
  planes: PlanesWithCodes | undefined,
): BundleValue {
  const input = onlyInput(call);
  const [rows] = thresholds.shape;
  if (rows !== 1 && rows !== input.shape[1])
    throw new Rejection(
      `it has thresholds for ${rows} channels of ${input.shape[1] ?? 1}`,
      "give one row, or one per channel (axis 1)",
    );
  if (!values.every(Number.isFinite))
    throw new Rejection("its values overflow float32", "check the model's scales");
  if (values.every((v) => v === values[0]))
    throw new Rejection("all its levels are equal", "use scales that are not all 0");
  const quantizer: LevelsQuantizer = {
    kind: "levels",
    thresholds,
    axis: input.shape.length < 2 ? 0 : 1,
    values: listOf(values),
    ...(planes === undefined ? {} : { planes }),
  };
  return elementwise(call, input, { kind: "quantize", quantizer });
}
