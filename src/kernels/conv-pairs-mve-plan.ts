import type { Instruction, Window } from "../program/types.js";

type Conv = Extract<Instruction, { kind: "conv" }>;
type Shape = readonly [number, number, number];

const MAX_PLANES = 14;
const MAX_COLUMNS = 16;
/** As in the runtime: a column's sum, carries of weight 32 of a column, outputs that are finished together. */
const COLUMN_BYTES = 144;
const MAX_CARRIES = 15;
const FUSED_OUTPUTS = 16;
/** Scratch bytes that a chunk of channels may take. */
const SCRATCH_LIMIT = 12288;

/** A kernel row or column in a map without stride: which phase of the input it reads, and how far from the output. */
export interface Tap {
  readonly index: number;
  readonly phase: number;
  readonly offset: number;
}

/** A kernel column in the order of summation. */
export interface ColumnStep extends Tap {
  /** 0: from the left end, 1: from the right end. */
  readonly side: 0 | 1;
  /** Shifts by one pixel after it. */
  readonly shifts: number;
}

/** How the runtime executes a layer. */
export interface MvePlan {
  readonly rowTaps: readonly Tap[];
  readonly columnSteps: readonly ColumnStep[];
  readonly rowPhases: readonly number[];
  readonly columnPhases: readonly number[];
  readonly laneBits: number;
  readonly lanesAcross: number;
  readonly laneColumns: number;
  readonly firstBit: number;
  readonly firstColumn: number;
  readonly firstRow: number;
  /** Whether one lane is a whole row, with nothing but padding outside it. */
  readonly isWhole: boolean;
  readonly rows: number;
  readonly columnClassCount: number;
  readonly planes: number;
  readonly sidePlanes: readonly [number, number];
  /** Groups of 4 channels at a time, and outputs whose sums are kept. */
  readonly chunk: number;
  readonly block: number;
  readonly scratchBytes: number;
  readonly cost: number;
}

/** The cheapest plan whose scratch is within `limit`; undefined where the runtime cannot execute the layer. */
export function planMve(conv: Conv, input: Shape, output: Shape, limit = SCRATCH_LIMIT): MvePlan | undefined {
  const plans = laneChoices(conv, input, output).flatMap((lanes) => chunkChoices(conv, output, lanes, limit));
  return plans.sort((a, b) => a.cost - b.cost || a.scratchBytes - b.scratchBytes)[0];
}

type Lanes = Omit<MvePlan, "sidePlanes" | "chunk" | "block" | "scratchBytes" | "cost">;

function laneChoices(conv: Conv, input: Shape, output: Shape): Lanes[] {
  const { kernel, stride, dilation, pads } = conv.window;
  const rowTaps = taps(kernel[0], stride[0], dilation[0], pads[0]);
  const columnTaps = taps(kernel[1], stride[1], dilation[1], pads[1]);
  const planes = Math.max(6, bitLength(pairsOf(conv)));
  if (planes > MAX_PLANES || kernel[1] > MAX_COLUMNS) return [];
  const rowOffsets = rowTaps.map((t) => t.offset);
  const firstRow = Math.min(...rowOffsets);
  const reach = Math.max(...rowOffsets) - firstRow;
  const left = Math.min(0, ...columnTaps.map((t) => t.offset));
  const right = Math.max(0, ...columnTaps.map((t) => t.offset));
  const common = {
    rowTaps,
    columnSteps: hornerSteps(columnTaps),
    rowPhases: distinct(rowTaps),
    columnPhases: distinct(columnTaps),
    firstRow,
    columnClassCount: conv.padValue === 0 ? outsideClasses(conv.window, 1, output[1], input[1]).length : 1,
    planes,
  };
  const widest = Math.max(Math.ceil(input[1] / stride[1]), output[1]);
  const whole = [16, 32]
    .filter((laneBits) => widest <= laneBits)
    .map((laneBits) => ({
      ...common,
      laneBits,
      lanesAcross: 1,
      laneColumns: output[1],
      firstBit: 0,
      firstColumn: 0,
      isWhole: true,
      rows: 128 / laneBits + reach,
    }));
  const laneColumns = 32 + left - right;
  const pieces = [1, 2, 4].map((lanesAcross) => ({
    ...common,
    laneBits: 32,
    lanesAcross,
    laneColumns,
    firstBit: -left,
    firstColumn: left,
    isWhole: false,
    rows: 4 / lanesAcross + reach,
  }));
  const all = laneColumns >= 8 ? [...whole, ...pieces] : whole;
  return all.filter((lanes) => lanes.rows <= 255);
}

function chunkChoices(conv: Conv, output: Shape, lanes: Lanes, limit: number): MvePlan[] {
  const quads = quadsOf(conv);
  const outputs = conv.weights.outputs / conv.groups;
  const plans: MvePlan[] = [];
  for (let chunks = 1; chunks <= quads; chunks++) {
    const chunk = Math.ceil(quads / chunks);
    if (Math.ceil(quads / chunk) !== chunks || carriesOf(chunk * lanes.rowTaps.length) > MAX_CARRIES)
      continue;
    const blocks = chunks === 1 ? [outputs] : [1, 2, 3, 4, 6, 8].map((n) => Math.ceil(outputs / n));
    for (const block of new Set(blocks)) {
      const scratchBytes = scratchOf(conv, lanes, chunk, block);
      if (scratchBytes > limit) continue;
      const steps = lanes.columnSteps;
      const sidePlanes = ([0, 1] as const).map((side) =>
        Math.max(
          5,
          bitLength(2 * chunk * lanes.rowTaps.length * steps.filter((s) => s.side === side).length),
        ),
      ) as [number, number];
      const plan = { ...lanes, sidePlanes, chunk, block, scratchBytes, cost: 0 };
      plans.push({ ...plan, cost: costOf(conv, output, plan) });
    }
    if (chunks === 1 && plans.length > 0) break;
  }
  return plans;
}

/** Carries of weight 32 of a column with so many groups: one for every 16, an 8 and a 4. */
function carriesOf(groups: number): number {
  const rest = groups % 8;
  const words = Math.floor(groups / 8) + (rest > 4 ? 1 : 0);
  return Math.ceil(words / 2) + (rest > 0 && rest <= 4 ? 1 : 0);
}

/** As `bitloom_conv_pairs_mve_scratch`. */
function scratchOf(conv: Conv, lanes: Lanes, chunk: number, block: number): number {
  const sets = lanes.rowPhases.length * lanes.columnPhases.length;
  const entry = (2 * lanes.rows * lanes.lanesAcross * lanes.laneBits) / 8;
  const image = align16(entry / 2);
  const lists = 32 * Math.ceil((chunk * lanes.rowTaps.length) / 8) * lanes.columnPhases.length;
  let bytes = chunk * sets * 16 * entry + 32 + sets * 4 * image;
  bytes = align16(bytes + Math.max(entry + 32, COLUMN_BYTES));
  bytes = align16(bytes + lists) + COLUMN_BYTES * lanes.columnSteps.length + 32 * lanes.planes;
  bytes += 16 * Math.max(3, carriesOf(chunk * lanes.rowTaps.length)) + 16 * Math.max(lanes.planes + 1, 10);
  bytes += 16 * FUSED_OUTPUTS;
  if (chunk < quadsOf(conv)) bytes += 16 * lanes.planes * block;
  if (conv.padValue === 0) {
    bytes += 16 * (8 + lanes.columnClassCount + lanes.planes + 2);
  }
  return bytes;
}

/** Estimated instructions on a Cortex-M55, fitted to counts of the assembly version. */
function costOf(conv: Conv, output: Shape, plan: MvePlan): number {
  const sets = plan.rowPhases.length * plan.columnPhases.length;
  const chunks = Math.ceil(quadsOf(conv) / plan.chunk);
  const outputs = conv.weights.outputs / conv.groups;
  const tileRows = 128 / (plan.laneBits * plan.lanesAcross);
  const tiles =
    conv.groups *
    Math.ceil(output[0] / tileRows) *
    Math.ceil(output[1] / (plan.laneColumns * plan.lanesAcross));
  const words = Math.ceil((plan.chunk * plan.rowTaps.length) / 8);
  const columns = plan.columnSteps.length;
  const sums = columns * (50 + words * 80 + Math.ceil(words / 2) * 22);
  const classes = conv.padValue === 0 ? 6 * 130 : 0;
  const finish = isFused(conv, plan) ? (columns === 1 ? 140 : 270) : 300 + columns * 300 + classes;
  const images = Math.ceil((plan.rows * plan.lanesAcross * plan.laneBits) / 128);
  const isStraight = conv.window.stride[1] === 1 && plan.isWhole && conv.padValue !== 1;
  const lanes = plan.rows * plan.lanesAcross * (isStraight ? 10 : 40 + 20 * conv.window.stride[1]);
  const build = plan.chunk * sets * (images * 150 + 4 * lanes) + 2000;
  const rebuilds = chunks === 1 ? 1 : Math.ceil(outputs / plan.block);
  return tiles * (outputs * chunks * (sums + finish) + rebuilds * chunks * build);
}

/** As `can_fuse` of the runtime: the inner loop finishes outputs. */
function isFused(conv: Conv, plan: MvePlan): boolean {
  if (plan.chunk < quadsOf(conv) || conv.padValue === 0 || plan.planes > 9) return false;
  if (carriesOf(plan.chunk * plan.rowTaps.length) > 3) return false;
  const shifts = plan.columnSteps.map((s) => (s.side === 0 ? s.shifts : -s.shifts)).join();
  const phases = new Set(plan.columnSteps.map((s) => s.phase)).size;
  return shifts === "0" || (shifts === "1,0,-1" && phases === 1);
}

/** Taps of one direction as those of a map without stride, per phase. */
function taps(kernel: number, stride: number, dilation: number, pad: number): Tap[] {
  return Array.from({ length: kernel }, (_, index) => {
    const from = index * dilation - pad;
    const offset = Math.floor(from / stride);
    return { index, phase: from - offset * stride, offset };
  });
}

/** Columns left of the output from the far end, with what they are shifted by before the next; then those to the right. */
function hornerSteps(columns: readonly Tap[]): ColumnStep[] {
  const left = columns.filter((t) => t.offset <= 0).sort((a, b) => a.offset - b.offset);
  const right = columns.filter((t) => t.offset > 0).sort((a, b) => b.offset - a.offset);
  const steps = (side: 0 | 1, list: Tap[]): ColumnStep[] =>
    list.map((tap, i) => ({
      ...tap,
      side,
      shifts: Math.abs((list[i + 1]?.offset ?? 0) - tap.offset),
    }));
  return [...steps(0, left), ...steps(1, right)];
}

function distinct(list: readonly Tap[]): number[] {
  return [...new Set(list.map((t) => t.phase))].sort((a, b) => a - b);
}

const align16 = (bytes: number): number => Math.ceil(bytes / 16) * 16;
const bitLength = (value: number): number => (value === 0 ? 0 : Math.floor(Math.log2(value)) + 1);
export const groupChannels = (conv: Conv): number =>
  conv.weights.inputs / (conv.window.kernel[0] * conv.window.kernel[1]);
/** Groups of 4 channels of one convolution group. */
export const quadsOf = (conv: Conv): number => Math.ceil(groupChannels(conv) / 4);
export const pairsOf = (conv: Conv): number =>
  2 * quadsOf(conv) * conv.window.kernel[0] * conv.window.kernel[1];

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
