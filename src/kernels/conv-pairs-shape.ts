/** The shape of a layer for `runtime-c/bitloom_conv_pairs.h`, and the taps that lie outside its map. */
import type { Window } from "../program/types.js";

export interface ConvPairsShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly outputs: number;
  readonly groups: number;
  readonly window: Window;
  /** Value of a tap outside the map. */
  readonly padValue: -1 | 0 | 1;
}

/** Whether a tap of the window can lie outside the map. */
export function hasTapsOutside(shape: ConvPairsShape): boolean {
  return (
    outsideRows(shape).some((rows) => rows.length > 0) || outsideColumns(shape).some((c) => c.length > 0)
  );
}

/** Asked for every weight, and a walk over the map's border: each shape is walked round once. */
const padModes = new WeakMap<ConvPairsShape, 0 | 1 | 2>();

/** The padding of the C: zeros that no tap meets are no zero padding. */
export function padMode(shape: ConvPairsShape): 0 | 1 | 2 {
  const known = padModes.get(shape);
  if (known !== undefined) return known;
  const isMinusOne = shape.padValue === -1 || !hasTapsOutside(shape);
  const mode = isMinusOne ? 0 : shape.padValue === 1 ? 1 : 2;
  padModes.set(shape, mode);
  return mode;
}

/** Per output row, the kernel rows that lie outside the map. */
export function outsideRows({ height, outputHeight, window }: ConvPairsShape): number[][] {
  return outside(
    height,
    outputHeight,
    window.kernel[0],
    window.stride[0],
    window.dilation[0],
    window.pads[0],
  );
}

export function outsideColumns({ width, outputWidth, window }: ConvPairsShape): number[][] {
  return outside(width, outputWidth, window.kernel[1], window.stride[1], window.dilation[1], window.pads[1]);
}

function outside(
  size: number,
  outputs: number,
  kernel: number,
  stride: number,
  dilation: number,
  pad: number,
): number[][] {
  return Array.from({ length: outputs }, (_, y) =>
    Array.from({ length: kernel }, (_, k) => k).filter((k) => {
      const from = y * stride - pad + k * dilation;
      return from < 0 || from >= size;
    }),
  );
}

/** Equal sets of taps outside are one class. */
export function classesOf(taps: readonly number[][]): {
  readonly ids: Uint8Array;
  readonly classes: number[][];
} {
  const classes: number[][] = [];
  const keys: string[] = [];
  const ids = taps.map((t) => {
    const key = t.join();
    if (!keys.includes(key)) {
      keys.push(key);
      classes.push(t);
    }
    return keys.indexOf(key);
  });
  return { ids: Uint8Array.from(ids), classes };
}

/** Whether class numbers fit a byte, and a tile's threshold table a 16-bit count. */
export function hasFewClasses(shape: ConvPairsShape): boolean {
  const { rows, columns } = classCounts(shape);
  return rows <= 255 && columns <= 255 && rows * columns <= 65535;
}

/** Output rows and columns by the taps outside the map that padding with 0 leaves out. */
export function classCounts(shape: ConvPairsShape): { readonly rows: number; readonly columns: number } {
  if (padMode(shape) !== 2) return { rows: 1, columns: 1 };
  return {
    rows: classesOf(outsideRows(shape)).classes.length,
    columns: classesOf(outsideColumns(shape)).classes.length,
  };
}
