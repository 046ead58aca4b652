/**
 * The memory map: steps across, addresses upwards, a box for every buffer, and beneath it the bytes that are alive in each
 * step. Boxes stand in the drawing in steps and bytes, exactly as in the plan; a transform makes pixels of them.
 */
import { shapeText } from "../../diagnostics/text.js";
import { BANKS_WIDTH, type BankMark, bankMarks } from "./bank-marks.js";
import { type BoxLine, boxLabel, LABEL_SIZE } from "./box-label.js";
import { type Columns, columnsOf } from "./columns.js";
import type { PlanReport, ReportedBuffer, ReportedGroup } from "./data.js";
import { axisBytes, bytesText, factor, nameText, px, stepsText, textWidth } from "./text.js";
import { binaryTicks } from "./ticks.js";

const LEFT = 76;
const RIGHT = 16;
/** Pixels above the map, for the arena's size. */
const HEAD = 30;
/** Pixels above that for the brackets of groups. */
const BRACKETS = 34;
const MAP_HEIGHT = 420;
/** Pixels between the two panels, for the second one's title. */
const BETWEEN = 36;
const LIVE_HEIGHT = 96;
/** Widest map that is drawn as wide as the page. */
const PAGE_WIDTH = 1000;
/** Narrowest column that has lines at its sides. */
const LINED_COLUMN = 12;
const MOST_TICKS = 8;

interface Line {
  readonly y: number;
  readonly text: string;
}

interface Box {
  readonly index: number;
  readonly className: string;
  readonly isHatched: boolean;
  /** In steps and bytes. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly tooltip: string;
}

interface Label extends BoxLine {
  /** Of its box. */
  readonly className: string;
}

/** What the template draws. */
export interface MemoryMap {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly mapHeight: number;
  readonly panelWidth: number;
  /** Where numbers beside the axis end. */
  readonly tickX: number;
  /** Whether it is wider than a page, so that it scrolls. */
  readonly isWide: boolean;
  readonly areColumnsLined: boolean;
  readonly description: string;
  /** From steps and bytes to pixels. */
  readonly transform: string;
  /** The inverse of its scale: patterns are not stretched. */
  readonly unscale: string;
  readonly ticks: readonly Line[];
  readonly columns: readonly { readonly x: number; readonly tooltip: string }[];
  readonly steps: number;
  readonly arenaBytes: number;
  readonly boxes: readonly Box[];
  readonly labels: readonly Label[];
  readonly arenaText: string;
  readonly bound: Line & { readonly textY: number };
  readonly brackets: readonly Bracket[];
  /** Empty where the arena is one. */
  readonly banks: readonly BankMark[];
  readonly live: LivePanel;
  readonly names: Columns["names"];
}

interface Bracket {
  readonly path: string;
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly tooltip: string;
}

interface LivePanel {
  readonly top: number;
  readonly bottom: number;
  readonly height: number;
  readonly title: string;
  readonly transform: string;
  readonly boundY: number;
  readonly ticks: readonly Line[];
  readonly bars: readonly {
    readonly x: number;
    readonly tensors: number;
    readonly scratch: number;
    readonly tooltip: string;
  }[];
}

/** The drawing of a plan with an arena of at least one byte. */
export function memoryMap(report: PlanReport): MemoryMap {
  const { steps, buffers, arenaBytes, lowerBound, groups = [], banks = [] } = report;
  const beside = banks.length > 0 ? BANKS_WIDTH : 0;
  const top = HEAD + (groups.length > 0 ? BRACKETS : 0);
  const bottom = top + MAP_HEIGHT;
  const liveTop = bottom + BETWEEN;
  const liveBottom = liveTop + LIVE_HEIGHT;
  const { column, width, names, namesHeight } = columnsOf(steps, LEFT, liveBottom, beside);
  const upward = MAP_HEIGHT / arenaBytes;
  const y = (bytes: number): number => px(bottom - bytes * upward);
  const boundY = y(lowerBound);
  return {
    width: Math.ceil(LEFT + width + Math.max(RIGHT, beside)),
    height: liveBottom + namesHeight,
    left: LEFT,
    right: px(LEFT + width),
    top,
    bottom,
    mapHeight: MAP_HEIGHT,
    panelWidth: px(width),
    tickX: LEFT - 8,
    isWide: width + beside > PAGE_WIDTH,
    areColumnsLined: column >= LINED_COLUMN,
    description: descriptionOf(report),
    transform: transformTo(bottom, column, upward),
    unscale: `scale(${factor(1 / column)} ${factor(-1 / upward)})`,
    ticks: binaryTicks(arenaBytes, MOST_TICKS).map((bytes) => ({ y: y(bytes), text: axisBytes(bytes) })),
    columns: steps.map((step, i) => ({ x: i, tooltip: stepTooltip(report, i, step.layer) })),
    steps: steps.length,
    arenaBytes,
    boxes: buffers.map((buffer, index) => boxOf(buffer, index)),
    labels: buffers.flatMap((buffer) => labelOf(buffer, column, upward, bottom)),
    arenaText: arenaText(report),
    // Below the line where it is close to the top.
    bound: { y: boundY, textY: boundY - top < 16 ? boundY + 13 : boundY - 5, text: boundText(report) },
    brackets: groups.map((group) => bracketOf(group, column, top, report.stream !== undefined)),
    banks: banks.length === 0 ? [] : bankMarks(banks, { right: LEFT + width, bottom, upward }),
    live: livePanel(report, column, liveTop),
    names,
  };
}

function transformTo(bottom: number, column: number, upward: number): string {
  return `translate(${LEFT} ${bottom}) scale(${factor(column)} ${factor(-upward)})`;
}

function boxOf(buffer: ReportedBuffer, index: number): Box {
  const { kind, rows, from, to, offset, bytes } = buffer;
  return {
    index,
    className: kind,
    isHatched: rows !== undefined,
    x: from,
    y: offset,
    width: to - from + 1,
    height: bytes,
    tooltip: boxTooltip(buffer),
  };
}

function labelOf(buffer: ReportedBuffer, column: number, upward: number, bottom: number): Label[] {
  const { kind, name, from, to, offset, bytes } = buffer;
  const box = {
    x: LEFT + from * column,
    y: bottom - (offset + bytes) * upward,
    width: (to - from + 1) * column,
    height: bytes * upward,
  };
  const lines = boxLabel(box, kind === "scratch" ? "scratch" : nameText(name), bytesText(bytes));
  return lines.map((line) => ({ ...line, className: `on-${kind}` }));
}

function boxTooltip({ kind, name, shape, holds, rows, offset, bytes, from, to }: ReportedBuffer): string {
  return [
    kind === "scratch" ? `scratch of ${nameText(name)}` : nameText(name),
    ...(kind === "scratch" ? [] : [`${shapeText(shape)}, ${nameText(holds)}`]),
    ...(rows === undefined ? [] : [`${rows.kept} rows of ${rows.height} are kept`]),
    `${bytesText(bytes)} at ${offset} to ${offset + bytes - 1}`,
    `alive in ${stepsText(from, to)}`,
  ].join("\n");
}

function stepTooltip({ steps }: PlanReport, index: number, layer: string): string {
  const { live } = steps[index]!;
  return `step ${index}: ${nameText(layer)}\n${bytesText(live.tensors + live.scratch)} alive`;
}

function arenaText({ arenaBytes, lowerBound, proven, banks }: PlanReport): string {
  const size = `arena ${bytesText(arenaBytes)}${banks === undefined ? "" : ` in ${banks.length} banks`}`;
  if (arenaBytes === lowerBound) return `${size} = the lower bound: no plan of these calls needs less`;
  return proven ? `${size}, proven: no plan of these calls needs less` : size;
}

function boundText({ arenaBytes, lowerBound, banks }: PlanReport): string {
  const what = banks === undefined ? "lower bound" : "lower bound of one arena";
  return arenaBytes === lowerBound ? "" : `${what} ${bytesText(lowerBound)}`;
}

function bracketOf(
  { from, to, band }: ReportedGroup,
  column: number,
  top: number,
  isStream: boolean,
): Bracket {
  const unit = isStream ? "sample" : "row";
  const [pace, turn] =
    band === 1 ? [`${unit} by ${unit}`, `one ${unit}`] : [`${band} ${unit}s at a time`, `${band} ${unit}s`];
  const [x1, x2] = [px(LEFT + from * column + 2), px(LEFT + (to + 1) * column - 2)];
  const y = top - HEAD - 2;
  return {
    path: `M${x1} ${y + 6}V${y}H${x2}V${y + 6}`,
    text: [pace, turn].find((text) => textWidth(text, LABEL_SIZE) <= x2 - x1) ?? "",
    x: px((x1 + x2) / 2),
    y: y - 6,
    tooltip: `${stepsText(from, to)} run together, ${turn} of what the first reads at a time`,
  };
}

function livePanel({ steps, arenaBytes, lowerBound }: PlanReport, column: number, top: number): LivePanel {
  const bottom = top + LIVE_HEIGHT;
  const upward = LIVE_HEIGHT / arenaBytes;
  const sums = steps.map(({ live }) => live.tensors + live.scratch);
  const peak = Math.max(0, ...sums);
  return {
    top,
    bottom,
    height: LIVE_HEIGHT,
    title: `live bytes in each step, at most ${bytesText(peak)} in step ${sums.indexOf(peak)}`,
    transform: transformTo(bottom, column, upward),
    boundY: px(bottom - lowerBound * upward),
    ticks: binaryTicks(arenaBytes, 2).map((bytes) => ({
      y: px(bottom - bytes * upward),
      text: axisBytes(bytes),
    })),
    bars: steps.map(({ layer, live }, x) => ({
      x,
      ...live,
      tooltip: `step ${x}: ${nameText(layer)}\n${bytesText(live.tensors)} of tensors, ${bytesText(live.scratch)} of scratch`,
    })),
  };
}

function descriptionOf({ steps, buffers, arenaBytes, lowerBound, banks }: PlanReport): string {
  const split = banks === undefined ? "" : ` in banks of ${banks.join(", ")} bytes`;
  return `Steps run from left to right, addresses grow upwards: ${buffers.length} buffers over ${steps.length} steps in an arena of ${arenaBytes} bytes${split}. The lower bound is ${lowerBound} bytes. The tables below have every number.`;
}
