/** RAM against instructions: the plans that a user can choose between, from the smallest to the fastest. */
import type { CurvePoint, PlanReport } from "./data.js";
import { axisBytes, axisCount, bytesText, count, px } from "./text.js";
import { binaryTicks, decimalTicks } from "./ticks.js";

const LEFT = 76;
const TOP = 30;
const WIDTH = 984;
const HEIGHT = 260;
/** Pixels beneath for numbers and title of the axis. */
const FOOT = 48;
/** Room beyond the last point, in parts of the axis. */
const BEYOND = 1.06;

interface Tick {
  readonly at: number;
  readonly text: string;
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
  readonly rows: readonly {
    readonly ram: string;
    readonly instructions: string;
    readonly proven: string;
    readonly isThis: boolean;
  }[];
}

/** Null where the report has no such curve. */
export function curveOf({ curve = [], arenaBytes }: PlanReport): Curve | null {
  if (curve.length === 0) return null;
  const points = [...curve].sort((a, b) => a.ramBytes - b.ramBytes || b.instructions - a.instructions);
  const [mostRam, mostInstructions] = [
    BEYOND * Math.max(1, ...points.map((p) => p.ramBytes)),
    BEYOND * Math.max(1, ...points.map((p) => p.instructions)),
  ];
  const bottom = TOP + HEIGHT;
  const x = (bytes: number): number => px(LEFT + (bytes / mostRam) * WIDTH);
  const y = (instructions: number): number => px(bottom - (instructions / mostInstructions) * HEIGHT);
  const isThis = (point: CurvePoint): boolean => point.ramBytes === arenaBytes;
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
    xTicks: binaryTicks(mostRam, 8).map((bytes) => ({ at: x(bytes), text: axisBytes(bytes) })),
    yTicks: decimalTicks(mostInstructions, 6).map((n) => ({ at: y(n), text: axisCount(n) })),
    path: stepPath(points, x, y),
    points: points.map((point) => ({
      x: x(point.ramBytes),
      y: y(point.instructions),
      className: `${point.proven ? "proven" : "open"}${isThis(point) ? " this" : ""}`,
      tooltip: `${bytesText(point.ramBytes)} of arena, ${count(point.instructions)} instructions${point.proven ? ", proven" : ""}${isThis(point) ? "\nthis plan" : ""}`,
    })),
    rows: points.map((point) => ({
      ram: count(point.ramBytes),
      instructions: count(point.instructions),
      proven: point.proven ? "yes" : "no",
      isThis: isThis(point),
    })),
  };
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
