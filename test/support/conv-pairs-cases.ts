/** Cases of ±1 × ±1 convolutions as C data, with expected outputs from a naive reference. */
import {
  type ConvPairsShape,
  type ConvPairsTiling,
  canUseRowsInPlace,
  packConvPairsThresholds,
  packConvPairsWeights,
  padMode,
  sizesOf,
  unitBytes,
} from "../../src/kernels/conv-pairs-pack.js";
import type { CodeMatrix } from "../../src/program/types.js";

export type Random = () => number;

/** Numbers in [0, 1): mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export interface ConvPairsCase {
  readonly name: string;
  readonly shape: ConvPairsShape;
  readonly tiling: ConvPairsTiling;
  readonly weights: CodeMatrix;
  readonly thresholds: Int32Array;
  /** [row][column][channel], 0 or 1. */
  readonly input: Uint8Array;
  /** Rows per call. */
  readonly step: number;
}

export type Pattern = "random" | "zeros" | "ones" | "mixed";

export function fill(size: number, pattern: Pattern, random: Random): Uint8Array {
  const bit = {
    random: () => random() < 0.5,
    zeros: () => false,
    ones: () => true,
    mixed: () => random() < 0.9,
  };
  return Uint8Array.from({ length: size }, () => (bit[pattern]() ? 1 : 0));
}

export function binaryWeights(outputs: number, inputs: number, codes: Uint8Array): CodeMatrix {
  return { outputs, inputs, bits: 1, step: 2, offset: -1, codes };
}

/** Output bits [row][column][output], one tap after the other. */
export function naive({ shape, weights, thresholds, input }: ConvPairsCase): Uint8Array {
  const { height, width, channels, outputHeight, outputWidth, outputs, groups, padValue } = shape;
  const { kernel, stride, dilation, pads } = shape.window;
  const perGroup = channels / groups;
  const bits = new Uint8Array(outputHeight * outputWidth * outputs);
  let at = 0;
  for (let y = 0; y < outputHeight; y++) {
    for (let x = 0; x < outputWidth; x++) {
      for (let n = 0; n < outputs; n++) {
        const firstChannel = Math.floor(n / (outputs / groups)) * perGroup;
        let k = n * weights.inputs;
        let sum = 0;
        for (let ky = 0; ky < kernel[0]; ky++) {
          for (let kx = 0; kx < kernel[1]; kx++) {
            const iy = y * stride[0] - pads[0] + ky * dilation[0];
            const ix = x * stride[1] - pads[1] + kx * dilation[1];
            const inside = iy >= 0 && ix >= 0 && iy < height && ix < width;
            const from = (iy * width + ix) * channels + firstChannel;
            for (let c = 0; c < perGroup; c++) {
              const value = inside ? 2 * input[from + c]! - 1 : padValue;
              sum += value * (2 * weights.codes[k++]! - 1);
            }
          }
        }
        bits[at++] = sum >= thresholds[n]! ? 1 : 0;
      }
    }
  }
  return bits;
}

function rowBytes(width: number, channels: number): number {
  return (unitBytes(width) * channels + 3) & ~3;
}

/** The `pixels` layout of one-bit codes. */
export function packPixels(bits: Uint8Array, height: number, width: number, channels: number): Uint8Array {
  const unit = unitBytes(width);
  const row = rowBytes(width, channels);
  const bytes = new Uint8Array(height * row);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        if (bits[(y * width + x) * channels + c] === 1) bytes[y * row + c * unit + (x >> 3)]! |= 1 << (x & 7);
      }
    }
  }
  return bytes;
}

function array(type: string, name: string, values: ArrayLike<number>): string {
  const list = values.length === 0 ? "0" : Array.from(values).join(",");
  return `static const ${type} ${name}[] __attribute__((aligned(8))) = {${list}};\n`;
}

const SCHEMES = { window: 0, rows: 1, tiles: 2 } as const;

/** The descriptor's fields. */
export function layerFields(shape: ConvPairsShape, tiling: ConvPairsTiling, id: number): string {
  const { kernel, stride, dilation, pads } = shape.window;
  const isZero = padMode(shape) === 2;
  return [
    `.weights=weights${id},.thresholds=thresholds${id}`,
    isZero ? `.row_classes=rows${id},.column_classes=columns${id}` : ".row_classes=0,.column_classes=0",
    `.column_class_count=COLUMNS${id}`,
    `.height=${shape.height},.width=${shape.width},.channels=${shape.channels},.outputs=${shape.outputs}`,
    `.groups=${shape.groups},.output_width=${shape.outputWidth}`,
    `.kernel_height=${kernel[0]},.kernel_width=${kernel[1]},.stride_y=${stride[0]},.stride_x=${stride[1]}`,
    `.dilation_y=${dilation[0]},.dilation_x=${dilation[1]},.pad_top=${pads[0]},.pad_left=${pads[1]}`,
    `.block=${tiling.block},.piece=${tiling.piece},.line_slots=${tiling.lineSlots}`,
    `.pad=${padMode(shape)},.scheme=${SCHEMES[tiling.scheme]},.planes=${sizesOf(shape, tiling).planes}`,
  ].join(",");
}

/** Constants and the table of cases, for the harness. */
export function casesSource(cases: readonly ConvPairsCase[]): string {
  const constants = cases.map((c, id) => {
    const thresholds = packConvPairsThresholds(c.shape, c.weights, c.thresholds);
    const { height, width, channels, outputHeight, outputWidth, outputs } = c.shape;
    return (
      array("uint32_t", `weights${id}`, packConvPairsWeights(c.shape, c.tiling, c.weights)) +
      array("uint16_t", `thresholds${id}`, thresholds.values) +
      array("uint8_t", `rows${id}`, thresholds.rowClasses) +
      array("uint8_t", `columns${id}`, thresholds.columnClasses) +
      `#define COLUMNS${id} ${thresholds.columnClassCount}\n` +
      array("uint8_t", `input${id}`, packPixels(c.input, height, width, channels)) +
      array("uint8_t", `expected${id}`, packPixels(naive(c), outputHeight, outputWidth, outputs))
    );
  });
  const table = cases.map((c, id) => {
    const { shape, tiling } = c;
    return (
      `{${JSON.stringify(c.name)},{${layerFields(shape, tiling, id)}},input${id},expected${id},` +
      `${rowBytes(shape.width, shape.channels)},${rowBytes(shape.outputWidth, shape.outputs)},` +
      `${unitBytes(shape.outputWidth) * shape.outputs},${shape.outputHeight},${c.step},` +
      `${sizesOf(shape, tiling).scratchBytes}},`
    );
  });
  return `${constants.join("")}\nstatic const test_case cases[] = {\n${table.join("\n")}\n};\n`;
}

const pick = <T>(random: Random, values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
const between = (random: Random, from: number, to: number): number =>
  from + Math.floor(random() * (to - from + 1));

/** A random geometry, drawn until it has an output. */
export function randomShape(random: Random): ConvPairsShape {
  for (;;) {
    const groups = pick(random, [1, 1, 1, 2, 3]);
    const kernel = pick(random, [
      [1, 1],
      [3, 3],
      [3, 3],
      [5, 5],
      [7, 7],
      [1, 5],
      [4, 1],
      [2, 3],
    ] as const);
    const height = between(random, 1, 12);
    const width = pick(random, [
      between(random, 1, 12),
      between(random, 1, 40),
      between(random, 30, 70),
      16,
      32,
    ]);
    const perGroup = pick(random, [1, 3, 4, 5, 8, 12, 16, 21, 32]);
    const stride = [between(random, 1, 2), pick(random, [1, 1, 1, 2, 3])] as const;
    const dilation = [pick(random, [1, 1, 2]), pick(random, [1, 1, 2])] as const;
    const pad = (size: number): number => (random() < 0.3 ? 0 : between(random, 0, size));
    const pads = [pad(kernel[0]), pad(kernel[1]), pad(kernel[0]), pad(kernel[1])] as const;
    const span = (axis: 0 | 1): number => (kernel[axis] - 1) * dilation[axis] + 1;
    const outputHeight = Math.floor((height + pads[0] + pads[2] - span(0)) / stride[0]) + 1;
    const outputWidth = Math.floor((width + pads[1] + pads[3] - span(1)) / stride[1]) + 1;
    if (outputHeight < 1 || outputWidth < 1) continue;
    return {
      height,
      width,
      channels: perGroup * groups,
      outputHeight,
      outputWidth,
      outputs: groups * between(random, 1, 9),
      groups,
      window: { kernel, stride, dilation, pads },
      padValue: pick(random, [-1, 1, 0] as const),
    };
  }
}

/** A random way to cut the work that is possible. */
export function randomTiling(shape: ConvPairsShape, random: Random): ConvPairsTiling {
  for (;;) {
    const tiling: ConvPairsTiling = {
      scheme: pick(random, ["window", "rows", "tiles"] as const),
      block: between(random, 1, shape.outputs / shape.groups),
      piece: pick(random, [1, 2, 3, 6, 9]),
      lineSlots: canUseRowsInPlace(shape) && random() < 0.5 ? 0 : pick(random, [1, 2, 3, 8]),
    };
    const size = sizesOf(shape, tiling);
    if ((tiling.scheme !== "window" || size.words <= 9) && Number.isFinite(size.planes)) return tiling;
  }
}

export function randomCase(seed: number): ConvPairsCase {
  const random = seeded(seed);
  const shape = randomShape(random);
  const inputs = (shape.channels / shape.groups) * shape.window.kernel[0] * shape.window.kernel[1];
  const pattern = pick(random, ["random", "random", "random", "mixed", "zeros", "ones"] as const);
  const weights = pick(random, ["random", "random", "random", "mixed", "zeros", "ones"] as const);
  const spread = pick(random, [Math.sqrt(inputs), inputs + 2]);
  const thresholds = Int32Array.from({ length: shape.outputs }, () => {
    if (random() < 0.1) return pick(random, [-(2 ** 31), 2 ** 31 - 1, inputs + 1, -inputs, inputs]);
    return Math.round((random() * 2 - 1) * spread);
  });
  return {
    name: `seed ${seed}`,
    shape,
    tiling: randomTiling(shape, random),
    weights: binaryWeights(shape.outputs, inputs, fill(shape.outputs * inputs, weights, random)),
    thresholds,
    input: fill(shape.height * shape.width * shape.channels, pattern, random),
    step: pick(random, [shape.outputHeight, shape.outputHeight, 1, 2, 3]),
  };
}
