import type { Instruction, Window } from "../program/types.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Shape = readonly [number, number, number];

/** As in the runtime. */
const MAX_PLANES = 14;
const LEAST_PLANES = 9;
const MAX_CHUNK = 56;
const MAX_CLASSES = 32;
const MAX_BYTE = 255;
const MAX_OFFSET = 65535;
/** Scratch bytes that a layer may take. */
const SCRATCH_LIMIT = 12288;

/** What follows from the shape alone. Channels and outputs per group. */
export interface TablesShape {
  readonly channels: number;
  readonly outputs: number;
  readonly taps: number;
  /** Groups of 4 channels of a tap, and of 4 such quads. */
  readonly quads: number;
  readonly fours: number;
  /** Of 8 outputs, in a group. */
  readonly blocks: number;
  /** Of the image, so that 4 quads in a row have slots of their own. */
  readonly copies: number;
  readonly planes: number;
  /** Whether thresholds depend on the place: padding 0. */
  readonly hasClasses: boolean;
  readonly rowClasses: number;
  readonly columnClasses: number;
}

/** How the runtime executes a layer. */
export interface TablesPlan extends TablesShape {
  /** Fours whose tables exist together. */
  readonly chunk: number;
  /** Where tables are, in bytes from the chunk's first; undefined: one after the other. */
  /** Whether places of all fours exist together, or those of a chunk. */
  readonly wholeList: boolean;
  readonly places: readonly number[] | undefined;
  /** Of u, or v, of a chunk's tables. */
  readonly tableBytes: number;
  readonly tileRows: number;
  readonly tileColumns: number;
  readonly partRows: number;
  readonly scratchBytes: number;
  readonly cost: number;
}

/** The cheapest plan whose scratch is within `limit`; undefined where the runtime cannot execute the layer. */
export function planTables(
  conv: Conv,
  input: Shape,
  output: Shape,
  limit = SCRATCH_LIMIT,
): TablesPlan | undefined {
  const shape = shapeOf(conv, input, output);
  if (shape === undefined) return undefined;
  const chunkings = chunkChoices(shape);
  const plans = columnChoices(conv, output).flatMap((tileColumns) => {
    const mostRows = rowsOfPart(conv, tileColumns);
    if (mostRows === 0) return [];
    return tileChoices(output[0], mostRows).flatMap(([tileRows, partRows]) =>
      chunkings.map((chunking) => {
        const tile = { ...shape, ...chunking, tileRows, tileColumns, partRows };
        return { ...tile, scratchBytes: scratchOf(conv, tile), cost: costOf(conv, input, output, tile) };
      }),
    );
  });
  const rowBytes = output[1] * wordBytes(output[2]);
  return plans
    .filter((p) => p.scratchBytes <= limit && p.partRows * rowBytes <= MAX_OFFSET)
    .sort((a, b) => a.cost - b.cost || a.scratchBytes - b.scratchBytes)[0];
}

function shapeOf(conv: Conv, input: Shape, output: Shape): TablesShape | undefined {
  const { window, groups } = conv;
  const taps = window.kernel[0] * window.kernel[1];
  const channels = conv.weights.inputs / taps;
  const outputs = conv.weights.outputs / groups;

  const small = [...window.kernel, ...window.stride, ...window.dilation];
  // Counts of unequal pairs of a pixel are bytes.
  if (small.some((n) => n > MAX_BYTE) || channels > 2 * MAX_BYTE) return undefined;
  const quads = Math.ceil(channels / 4);
  const hasClasses = conv.padValue === 0 && !hasEveryTap(conv, input, output);
  const count = (d: 0 | 1): number =>
    hasClasses ? outsideClasses(window, d, output[d], input[d]).length : 1;
  const [rowClasses, columnClasses] = [count(0), count(1)];
  const planes = Math.max(6, bitLength(3 * taps * quads));
  if (planes > MAX_PLANES || rowClasses * columnClasses > MAX_CLASSES) return undefined;
  return {
    channels,
    outputs,
    taps,
    quads,
    fours: Math.ceil((taps * quads) / 4),
    blocks: Math.ceil(outputs / 8),
    copies: Math.ceil(4 / quads),
    planes,
    hasClasses,
    rowClasses,
    columnClasses,
  };
}

/** Where a tile is a whole row, or pieces of it. */
function columnChoices(conv: Conv, output: Shape): number[] {
  const most = Math.min(output[1], Math.floor(MAX_BYTE / conv.window.stride[1]) + 1);
  const least = Math.ceil(output[1] / most);
  const counts = [0, 1, 2, 3, 5, 7].map((n) => Math.ceil(output[1] / (least + n)));
  return [...new Set(counts)];
}

/** Output rows whose windows start within 256 bytes of the image. */
function rowsOfPart(conv: Conv, tileColumns: number): number {
  const { stride } = conv.window;
  const left = MAX_BYTE - (tileColumns - 1) * stride[1];
  return left < 0 ? 0 : Math.floor(left / (stride[0] * pitchOf(conv, tileColumns))) + 1;
}

/** Rows of tiles and of their parts. */
function tileChoices(height: number, mostRows: number): [number, number][] {
  const choices = new Map<string, [number, number]>();
  for (let tiles = 1; tiles <= height; tiles++) {
    const rows = Math.ceil(height / tiles);
    const least = Math.ceil(rows / mostRows);
    for (const parts of new Set([least, least + 1, least + 2])) {
      const partRows = Math.ceil(rows / parts);
      if (partRows * parts - rows < partRows)
        choices.set(`${parts} ${partRows}`, [partRows * parts, partRows]);
    }
  }
  return [...choices.values()];
}

function chunkChoices(
  shape: TablesShape,
): Pick<TablesPlan, "chunk" | "wholeList" | "places" | "tableBytes">[] {
  const chunks = new Set<number>();
  for (let count = 1; count <= shape.fours; count++) {
    const chunk = 2 * Math.ceil(shape.fours / count / 2);
    if (chunk <= MAX_CHUNK && chunk >= Math.min(8, shape.fours)) chunks.add(chunk);
  }
  return [...chunks].flatMap((chunk) => {
    const tables = { chunk, ...placeTables(shape, chunk) };
    return (chunk >= shape.fours ? [true] : [true, false]).map((wholeList) => ({ ...tables, wholeList }));
  });
}

/** One after the other where slots are 0 to 3 again and again; else in the first gap for the slots of each four. */
function placeTables(shape: TablesShape, chunk: number): Pick<TablesPlan, "places" | "tableBytes"> {
  const images = shape.quads * shape.copies;
  const fours = 2 * Math.ceil(shape.fours / 2);
  if (images % 4 === 0) return { places: undefined, tableBytes: 64 * Math.min(chunk, fours) };
  const places: number[] = [];
  let cells = 0;
  let used = new Set<number>();
  for (let four = 0; four < fours; four++) {
    if (four % chunk === 0) used = new Set();
    const slots = [0, 1, 2, 3].map((i) => slotOf((4 * four + i) % images, images));
    let base = 0;
    while (slots.some((s) => used.has(base + s))) base++;
    for (const s of slots) {
      used.add(base + s);
      places.push(16 * (base + s));
    }
    cells = Math.max(cells, base + Math.max(...slots) + 1);
  }
  return { places, tableBytes: 16 * cells };
}

/** As `bitloom_conv_tables_mve_slot`. */
function slotOf(plane: number, planes: number): number {
  const last = 4 * Math.floor(planes / 4) - 4;
  return plane < last ? plane % 4 : plane - last;
}

type Tile = Omit<TablesPlan, "scratchBytes" | "cost">;

/** As `bitloom_conv_tables_mve_scratch`. */
function scratchOf(conv: Conv, tile: Tile): number {
  const planeBytes = imageRows(conv, tile.tileRows) * pitchOf(conv, tile.tileColumns);
  const partVectors = Math.ceil((tile.partRows * tile.tileColumns) / 16);
  const tileVectors = (partVectors * tile.tileRows) / tile.partRows;
  let bytes = 2 * tile.tableBytes + 16 * (Math.floor(Math.min(tile.chunk, tile.fours) / 4) + 3);
  bytes = align16(bytes + tile.quads * tile.copies);
  bytes += align16(tile.quads * tile.copies * planeBytes + 15) + align16(planeBytes + 15);
  bytes =
    align16(bytes + 24 * (tile.wholeList ? tile.fours : Math.min(tile.chunk, tile.fours))) + 48 * partVectors;
  const planes = Math.max(LEAST_PLANES, tile.planes);
  bytes = align16(bytes + 2 * (planes + 1) * tileVectors);
  if (tile.hasClasses) bytes = align16(bytes + 20 * tileVectors);
  const sums = tile.chunk >= tile.fours ? 1 : tileVectors;
  return bytes + 16 * planes * sums + 16 * partVectors;
}

/** Executed instructions on a Cortex-M55, as counted in the assembly and fitted where the compiler decides. */
function costOf(conv: Conv, input: Shape, output: Shape, tile: Tile): number {
  const { quads, copies, fours } = tile;
  const partPixels = tile.partRows * tile.tileColumns;
  const call = 400 + 10 * partPixels + 8 * quads * copies + (tile.wholeList ? 68 * fours : 0);
  // Tiles of the same size cost the same.
  const rowTiles = pieces(output[0], tile.tileRows);
  const columnTiles = pieces(output[1], tile.tileColumns);
  let cost = call + (columnTiles.length > 1 ? 10 * partPixels * 2 * rowTiles.length : 0);
  for (const [rows, rowCount] of rowTiles) {
    for (const [columns, columnCount] of columnTiles) {
      cost += rowCount * columnCount * tileCost(conv, input, output, tile, rows, columns);
    }
  }
  return Math.round(cost);
}

/** Sizes of tiles, and how many there are of each. */
function pieces(size: number, most: number): [number, number][] {
  const rest = size % most;
  const whole: [number, number] = [most, Math.floor(size / most)];
  return [...(whole[1] > 0 ? [whole] : []), ...(rest > 0 ? [[rest, 1] as [number, number]] : [])];
}

function tileCost(
  conv: Conv,
  input: Shape,
  output: Shape,
  tile: Tile,
  rows: number,
  columns: number,
): number {
  const { quads, copies, taps, blocks } = tile;
  const { groups } = conv;
  const partVectors = pieces(rows, tile.partRows).map(
    ([r, n]) => [Math.ceil((r * columns) / 16), n] as const,
  );
  const vectors = partVectors.reduce((sum, [v, n]) => sum + v * n, 0);
  const parts = Math.ceil(rows / tile.partRows);
  const isPadded = conv.window.pads.some((p) => p > 0);
  const planeBytes = imageRows(conv, tile.tileRows) * pitchOf(conv, tile.tileColumns);
  const fill = isPadded ? (quads * copies + 1) * (25 + 0.16 * planeBytes) : 0;
  const inside = Math.min(imageRows(conv, rows), input[0]);
  const words = Math.ceil(Math.min(pitchOf(conv, columns), input[1]) / 16);
  const isNear = wordBytes(input[2]) <= 16 && (groups === 1 || tile.channels % 8 === 0);
  const read = inside * (60 + words * copies * (isNear ? 75 + 9.5 * quads : 110 + 45 * quads));
  const count = parts * partVectors[0]![0] * (9 * taps + 115);
  const classes = tile.hasClasses ? 22 * rows * columns : 0;
  const clear = (wordBytes(output[2]) - Math.ceil(output[2] / 8)) * rows * Math.ceil(columns / 16) * 20;
  return groups * (fill + read + count + blocks * blockCost(tile, vectors, parts)) + classes + clear + 150;
}

/** 8 outputs of a tile. */
function blockCost(tile: Tile, vectors: number, parts: number): number {
  let cost = 60;
  for (let first = 0; first < tile.fours; first += tile.chunk) {
    const fours = Math.min(tile.chunk, tile.fours - first);
    const [all, rest] = [Math.floor(fours / 4), fours % 4];
    const pairs = Math.ceil((all + (rest > 0 ? 1 : 0)) / 2);
    const sums = 191 * all + 55 * rest + (rest > 0 ? 3 : 0) + 13 * pairs;
    const isLast = first + fours === tile.fours;
    cost += vectors * (sums + 75 + (isLast ? finishCost(tile) : 0));
    cost += 110 + parts * (70 + (parts > 1 ? 5 * fours + 20 : 0));
    cost += Math.ceil(fours / 2) * (tile.places === undefined ? 61 : 85);
    if (!tile.wholeList) cost += 40 + 68 * fours;
  }
  return cost;
}

/** Comparison with thresholds, and the output, of a vector. */
function finishCost(tile: Tile): number {
  const { planes, hasClasses, rowClasses, columnClasses, tileRows, tileColumns } = tile;
  const more = 19 * Math.max(0, planes - LEAST_PLANES);
  if (!hasClasses) return 65 + 8 * Math.min(planes - 5, 4) + more;
  // Of a vector, on average.
  const rows = 1 + (rowClasses - 1) * Math.min(1, 16 / (tileRows * tileColumns));
  const columns = 1 + (columnClasses - 1) * Math.min(1, 16 / tileColumns);
  return 160 + more + rows * columns * (45 + 8 * planes);
}

const imageRows = ({ window }: Conv, rows: number): number =>
  (rows - 1) * window.stride[0] + (window.kernel[0] - 1) * window.dilation[0] + 1;
const pitchOf = ({ window }: Conv, columns: number): number =>
  (columns - 1) * window.stride[1] + (window.kernel[1] - 1) * window.dilation[1] + 1;
const wordBytes = (channels: number): number => 4 * Math.ceil(channels / 32);
const align16 = (bytes: number): number => Math.ceil(bytes / 16) * 16;
const bitLength = (value: number): number => (value === 0 ? 0 : Math.floor(Math.log2(value)) + 1);

/** No tap of any output is outside the map. */
export function hasEveryTap({ window }: Conv, input: Shape, output: Shape): boolean {
  return ([0, 1] as const).every((d) =>
    outsideClasses(window, d, output[d], input[d]).every((c) => c.outside.length === 0),
  );
}

/** Output rows or columns with the same taps outside the map. */
export interface OutsideClass {
  readonly outside: readonly number[];
  readonly members: readonly number[];
}

/** Classes of output rows (direction 0) or columns (direction 1). */
export function outsideClasses(
  window: Window,
  direction: 0 | 1,
  size: number,
  inputSize: number,
): OutsideClass[] {
  const found = new Map<string, { outside: number[]; members: number[] }>();
  const taps = Array.from({ length: window.kernel[direction] }, (_, k) => k);
  for (let at = 0; at < size; at++) {
    const first = at * window.stride[direction] - window.pads[direction];
    const outside = taps.filter((k) => {
      const from = first + k * window.dilation[direction];
      return from < 0 || from >= inputSize;
    });
    const key = outside.join();
    const members = found.get(key)?.members ?? [];
    found.set(key, { outside, members: [...members, at] });
  }
  return [...found.values()];
}
