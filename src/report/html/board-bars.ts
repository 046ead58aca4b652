/** What a model takes of a board's memories, as bars. */
import type { PlanReport } from "./data.js";
import { bytesAtATime, bytesText, factor, nameText, percent, px } from "./text.js";

const WIDTH = 1076;
const BAR = 26;

interface Segment {
  readonly className: string;
  /** In bytes. */
  readonly x: number;
  readonly width: number;
  readonly tooltip: string;
}

interface Bar {
  readonly title: string;
  readonly segments: readonly Segment[];
  /** In bytes. */
  readonly size: number;
  /** From bytes to pixels. */
  readonly transform: string;
  /** Where the memory ends. */
  readonly end: number;
}

export interface BoardBars {
  readonly name: string;
  readonly width: number;
  readonly barHeight: number;
  readonly bars: readonly Bar[];
  /** Whether the arena is several memories: only one may be in this RAM. */
  readonly hasBanks: boolean;
  /** What comes on top. */
  readonly note: string;
  /** Command that counts it. */
  readonly command: string;
}

type Part = readonly [className: string, name: string, bytes: number];

/** Null where the report is for no board. */
export function boardBars(report: PlanReport): BoardBars | null {
  const { board, run, weightBytes, arenaBytes, banks, contextBytes, input, output } = report;
  if (board === undefined) return null;
  return {
    name: nameText(board.name),
    width: WIDTH,
    barHeight: BAR,
    bars: [
      barOf("flash", board.flashBytes, [
        ["weights", "weights and thresholds", weightBytes],
        ...(run === undefined ? [] : [["callers", "code", run.flashBytes - weightBytes] as const]),
      ]),
      barOf("RAM", board.ramBytes, [
        ...(banks ?? [arenaBytes]).map(
          (bytes, i) => ["arena", banks === undefined ? "arena" : `bank ${i}`, bytes] as const,
        ),
        [
          "callers",
          input.given === undefined ? "input" : `a ${input.given.what} of the input`,
          bytesAtATime(input),
        ],
        ["callers", "output", output.bytes],
        ["callers", "context", contextBytes],
        ...(run === undefined ? [] : [["callers", "stack", run.stackBytes] as const]),
      ]),
    ],
    hasBanks: banks !== undefined,
    note: run === undefined ? "Code and stack come on top" : "The rest of the firmware comes on top",
    command: run === undefined ? "bitloom profile" : "bitloom fit --build",
  };
}

function barOf(memory: string, size: number, parts: readonly Part[]): Bar {
  const needed = parts.reduce((sum, [, , bytes]) => sum + bytes, 0);
  const scale = WIDTH / Math.max(size, needed);
  let x = 0;
  const segments = parts.map(([className, name, width]) => {
    const segment = { className, x, width, tooltip: `${name}: ${bytesText(width)}` };
    x += width;
    return segment;
  });
  const listed =
    parts.length === 1 ? parts[0]![1] : parts.map(([, name, b]) => `${name} ${bytesText(b)}`).join(", ");
  return {
    title: `${memory}: ${bytesText(needed)} of ${bytesText(size)}, ${percent(needed, size)} (${listed})`,
    segments,
    size,
    transform: `scale(${factor(scale)} 1)`,
    end: px(size * scale),
  };
}
