/** What a generated header offers to fill an input from a camera's frame or from recorded sound. */
import type { DeviceProgram, ScalarType } from "../program/index.js";
import { type Normalization, type SampleMap, type SampleRange, sampleMap } from "./sample-maps.js";

/** A usual way in which training scripts normalize samples. */
interface Usual extends Normalization {
  readonly name: string;
  /** What the sample stands for, for the header. */
  readonly meaning: string;
  /** The same in C for a float input. */
  readonly float: string;
}

const PIXELS: SampleRange = { first: 0, count: 256 };
const PCM: SampleRange = { first: -32768, count: 65536 };

const OF_PIXELS: readonly Usual[] = [
  {
    name: "unit",
    slope: 1,
    intercept: 0,
    divisor: 255,
    meaning: "sample / 255: 0 to 1",
    float: "(float)sample / 255.0F",
  },
  {
    name: "symmetric",
    slope: 2,
    intercept: -255,
    divisor: 255,
    meaning: "sample / 127.5 - 1: -1 to 1",
    float: "(float)sample / 127.5F - 1.0F",
  },
  { name: "raw", slope: 1, intercept: 0, divisor: 1, meaning: "sample: 0 to 255", float: "(float)sample" },
];

const OF_PCM: readonly Usual[] = [
  {
    name: "unit",
    slope: 1,
    intercept: 0,
    divisor: 32768,
    meaning: "sample / 32768: -1 to 1",
    float: "(float)sample / 32768.0F",
  },
  { name: "raw", slope: 1, intercept: 0, divisor: 1, meaning: "sample", float: "(float)sample" },
];

const TYPE_RANGES: Partial<Record<ScalarType, readonly [number, number]>> = {
  u8: [0, 255],
  i8: [-128, 127],
  i16: [-32768, 32767],
};

export interface HelperMap {
  readonly name: string;
  readonly meaning: string;
  /** C expression of a float element, by `sample`. */
  readonly float: string | false;
  readonly map: MapText | false;
}

interface MapText {
  /** C expression of `index`, which counts the samples from the least on. */
  readonly element: string;
  readonly hasLow: boolean;
  readonly hasHigh: boolean;
  /** The bound, of use where `hasLow` and `hasHigh`. */
  readonly low: number;
  readonly high: number;
}

export interface ImageHelpers {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** C expression of an element's place by `y`, `x` and `channel`. */
  readonly place: string;
  readonly isGrey: boolean;
  readonly order: string;
  readonly maps: readonly HelperMap[];
}

/** Helpers for an input of one or three channels of pixels, or `false`. */
export function imageHelpers(program: DeviceProgram): ImageHelpers | false {
  const image = imageShape(program);
  const maps = image === undefined ? [] : helperMaps(program, PIXELS, OF_PIXELS);
  if (image === undefined || maps.length === 0) return false;
  const { height, width, channels, isPlanar } = image;
  const places = isPlanar
    ? `(channel * ${height}U + y) * ${width}U + x`
    : `(y * ${width}U + x) * ${channels}U + channel`;
  return {
    height,
    width,
    channels,
    place: channels === 1 ? `y * ${width}U + x` : places,
    isGrey: channels === 1,
    order:
      channels === 1 ? "grey" : isPlanar ? "all red, all green, all blue" : "red, green, blue of each pixel",
    maps,
  };
}

/** Helpers for an input that is one signal, `false` if it is none. */
export function signalHelpers(program: DeviceProgram): { readonly maps: readonly HelperMap[] } | false {
  const { modelShape } = program.input;
  const isSignal = modelShape.length > 2 && modelShape.filter((n) => n > 1).length === 1;
  const maps = isSignal ? helperMaps(program, PCM, OF_PCM) : [];
  return maps.length === 0 ? false : { maps };
}

function helperMaps(program: DeviceProgram, samples: SampleRange, usual: readonly Usual[]): HelperMap[] {
  const { domain } = program.tensors[program.input.tensor]!;
  if (domain.kind !== "scalar") return [];
  if (domain.type === "f32")
    return usual.map(({ name, meaning, float }) => ({ name, meaning, float, map: false }));
  const range = TYPE_RANGES[domain.type];
  const { affine, step } = program.input;
  if (range === undefined || affine === undefined) return [];
  const scale = step === undefined ? affine : { ...affine, step };
  return usual.flatMap(({ name, meaning, ...normalization }) => {
    const map = sampleMap(samples, normalization, scale, range);
    return map === undefined ? [] : [{ name, meaning, float: false as const, map: mapText(map) }];
  });
}

function mapText({ multiplier, offset, shift, base, isWide, clampLow, clampHigh }: SampleMap): MapText {
  const number = (value: number): string => (isWide ? `UINT64_C(${value})` : `${value}U`);
  const product = multiplier === 1 ? "index" : `index * ${number(multiplier)}`;
  const sum = offset === 0 ? product : `${product} + ${number(offset)}`;
  const scaled = shift === 0 ? sum : `(${sum}) >> ${shift}`;
  const above = base === 0 ? "" : base < 0 ? ` - ${-base}` : ` + ${base}`;
  return {
    element: `(int32_t)(${scaled})${above}`,
    hasLow: clampLow !== undefined,
    hasHigh: clampHigh !== undefined,
    low: clampLow ?? 0,
    high: clampHigh ?? 0,
  };
}

interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly isPlanar: boolean;
}

/** A map of one or three channels; or a vector in the order of such a map, whose layout is then beyond doubt. */
function imageShape({ input, tensors }: DeviceProgram): ImageShape | undefined {
  const [height, width, channels] = tensors[input.tensor]!.shape;
  if (height > 1 || width > 1) return asImage(height, width, channels, false);
  if (input.modelShape.length !== 4) return undefined;
  const [, a, b, c] = input.modelShape as [number, number, number, number];
  const [planar, interleaved] = [asImage(b, c, a, true), asImage(a, b, c, false)];
  return planar === undefined || interleaved === undefined ? (planar ?? interleaved) : undefined;
}

function asImage(height: number, width: number, channels: number, isPlanar: boolean): ImageShape | undefined {
  const isColour = channels === 1 || channels === 3;
  return isColour && height > 1 && width > 1 ? { height, width, channels, isPlanar } : undefined;
}
