/** RAM against instructions: the plans that a user can choose between, from the smallest to the fastest. */
import type { CurvePoint, PlanReport } from "./data.js";
import { axisBytes, axisCount, bytesText, count, px } from "./text.js";
import { decimalTicks, powerTicks } from "./ticks.js";

const LEFT = 76;
const TOP = 30;
const WIDTH = 984;
const HEIGHT = 260;
/** Pixels beneath for numbers and title of the axis. */
const FOOT = 48;
/** Room beyond the last point, in parts of the axis. */
const BEYOND = 1.06;
/** Pixels between two numbers beside each other. */
const NUMBER_ROOM = 72;

interface Tick {
  readonly at: number;
  readonly text: string;
}

/** A plan in the drawing and in the table. */
interface Point extends CurvePoint {
  /** Whether it is the plan of the report. */
  readonly isThis: boolean;
  /** Whether the curve goes through it: the plan of the report may have been chosen for something else. */
  readonly isOnCurve: boolean;
}

interface Row {
  readonly ram: string;
  readonly bound: string;
  readonly proven: string;
  readonly instructions: string;
  /** Of those of the fastest plan. */
  readonly times: string;
  readonly rolledSteps: string;
  readonly isThis: boolean;
}

export interface Curve {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly plotWidth: number;
  readonly plotHeight: number;
  /** Where numbers beside the axis end. */
  readonly tickX: number;
  readonly description: string;
  /** Of the axis of instructions. */
  readonly title: string;
  readonly xTicks: readonly Tick[];
  readonly yTicks: readonly Tick[];
  readonly path: string;
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    readonly className: string;
    readonly tooltip: string;
  }[];
  /** For the table: the points in words. */
  readonly rows: readonly Row[];
}

/** The drawing of a report that has plans to choose between; null where it has none. */
export function curveOf(report: PlanReport): Curve | null {
  if (report.curve === undefined || report.curve.points.length < 2) return null;
  const points = pointsOf(report, report.curve.points);
  const rams = points.map((p) => Math.max(1, p.ramBytes));
  const [leastRam, mostRam] = [Math.min(...rams) / BEYOND, Math.max(...rams) * BEYOND];
  const mostInstructions = BEYOND * Math.max(1, ...points.map((p) => p.instructions));
  const bottom = TOP + HEIGHT;
  // Equal factors of RAM are equal distances: plans lie close together where there is little of it.
  const across = WIDTH / Math.log2(mostRam / leastRam);
  const x = (bytes: number): number => px(LEFT + Math.log2(Math.max(1, bytes) / leastRam) * across);
  const y = (instructions: number): number => px(bottom - (instructions / mostInstructions) * HEIGHT);
  return {
    width: LEFT + WIDTH + 16,
    height: bottom + FOOT,
    left: LEFT,
    right: LEFT + WIDTH,
    top: TOP,
    bottom,
    plotWidth: WIDTH,
    plotHeight: HEIGHT,
    tickX: LEFT - 8,
    description: `Arena against estimated instructions of ${points.length} plans; the table below has the numbers.`,
    title: `instructions of one ${report.stream === undefined ? "run" : "window"} (estimate)`,
    xTicks: powerTicks(leastRam, mostRam, 2 ** (NUMBER_ROOM / across)).map((bytes) => ({
      at: x(bytes),
      text: axisBytes(bytes),
    })),
    yTicks: decimalTicks(mostInstructions, 6).map((n) => ({ at: y(n), text: axisCount(n) })),
    path: stepPath(
      points.filter((p) => p.isOnCurve),
      x,
      y,
    ),
    points: points.map((point) => ({
      x: x(point.ramBytes),
      y: y(point.instructions),
      className: `${point.proven ? "proven" : "open"}${point.isThis ? " this" : ""}`,
      tooltip: tooltipOf(point),
    })),
    rows: rowsOf(points),
  };
}

/** Why there is nothing to draw, or what is missing in the drawing; empty where it has all. */
export function curveNote({ curve, banks, steps }: PlanReport): string {
  if (curve === undefined) return "";
  const { points, isWhole } = curve;
  const size = `the model has ${count(steps.length)} steps, and the search for plans ends after a fixed amount of work`;
  const found =
    points.length > 1
      ? isWhole
        ? []
        : [`There may be plans between these, and smaller ones: ${size}.`]
      : isWhole
        ? ["No plan with less RAM than the fastest was found, so there is no curve."]
        : [
            `There is no curve: ${size}, before it found one. A limit (--ram-limit) is searched for to the end.`,
          ];
  return [
    ...found,
    ...(banks === undefined ? [] : ["Plans of the curve have one arena instead of banks."]),
  ].join(" ");
}

/** The plans of the curve and the one of the report, by RAM. */
function pointsOf(
  { steps, arenaBytes, lowerBound, proven, groups = [] }: PlanReport,
  curve: readonly CurvePoint[],
): Point[] {
  const instructions = steps.reduce((sum, s) => sum + s.instructions, 0);
  const isThis = (p: CurvePoint): boolean =>
    p.ramBytes === arenaBytes && Math.abs(p.instructions - instructions) <= steps.length;
  const points = curve.map((p) => ({ ...p, isThis: isThis(p), isOnCurve: true }));
  const rolledSteps = groups.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  const own = { ramBytes: arenaBytes, lowerBound, proven, instructions, rolledSteps };
  return [
    ...points,
    ...(points.some((p) => p.isThis) ? [] : [{ ...own, isThis: true, isOnCurve: false }]),
  ].sort((a, b) => a.ramBytes - b.ramBytes || b.instructions - a.instructions);
}

function tooltipOf({ ramBytes, lowerBound, instructions, proven, isThis }: Point): string {
  return [
    `${bytesText(ramBytes)} of arena, ${count(instructions)} instructions`,
    proven ? "proven minimal for its calls" : `lower bound ${bytesText(lowerBound)}, not proven minimal`,
    ...(isThis ? ["this plan"] : []),
  ].join("\n");
}

function rowsOf(points: readonly Point[]): Row[] {
  const fewest = Math.max(1, Math.min(...points.map((p) => p.instructions)));
  return points.map(({ ramBytes, lowerBound, proven, instructions, rolledSteps, isThis }) => ({
    ram: count(ramBytes),
    bound: count(lowerBound),
    proven: proven ? "yes" : "no",
    instructions: count(instructions),
    times: `× ${(instructions / fewest).toFixed(2)}`,
    rolledSteps: String(rolledSteps),
    isThis,
  }));
}

/** The fewest instructions with so much RAM: down at every plan that is faster than all smaller ones. */
function stepPath(
  points: readonly CurvePoint[],
  x: (bytes: number) => number,
  y: (instructions: number) => number,
): string {
  let path = `M${x(points[0]!.ramBytes)} ${TOP}`;
  let fewest = Number.POSITIVE_INFINITY;
  for (const { ramBytes, instructions } of points) {
    if (instructions >= fewest) continue;
    path += `H${x(ramBytes)}V${y(instructions)}`;
    fewest = instructions;
  }
  return `${path}H${LEFT + WIDTH}`;
}
