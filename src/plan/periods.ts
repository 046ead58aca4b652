/**
 * Rings of a stream. Rows are counted without end, so counters step back by a period: rows of the input after which every
 * ring is at the same slot again. More slots than are needed can make the period short.
 */
import { fail } from "../diagnostics/diagnostic.js";
import { rowBytes } from "../kernels/layout.js";
import type { DeviceProgram, StreamShape } from "../program/index.js";
import type { Buffer } from "./types.js";

interface StreamRing {
  /** Rows that are needed at once. */
  readonly least: number;
  /** Rows of the input from one row to the next. */
  readonly stride: number;
  readonly rowBytes: number;
}

/** Longest period tried: so far, or as far as the longest ring goes round a few times, and kernels count in 16 bits. */
const USUAL = 4096;
const TURNS = 4;
const MOST = 32768;

/** Of the bytes that rings take, the part by which they may grow for a shorter period: kernels can have data for each row. */
const SLACK = 1 / 32;

/** The period of a stream, from its buffers with the slots that are needed. */
export function streamPeriod(
  program: DeviceProgram,
  buffers: readonly Buffer[],
  { strides, unit }: StreamShape,
): number {
  const rings = buffers.flatMap(({ holds, slots = 1 }) =>
    holds.kind === "tensor"
      ? [
          {
            least: slots,
            stride: strides[holds.tensor]!,
            rowBytes: rowBytes(program.tensors[holds.tensor]!, holds.layout),
          },
        ]
      : [],
  );
  return bestPeriod(rings, unit);
}

/** The same buffers with rings of so many slots that each is a part of the period. */
export function inPeriod(program: DeviceProgram, buffers: readonly Buffer[], stream: StreamShape): Buffer[] {
  const period = streamPeriod(program, buffers, stream);
  return buffers.map((buffer) => {
    const { holds, slots: least = 1 } = buffer;
    if (holds.kind !== "tensor") return buffer;
    const slots = ringSlots({ least, stride: stream.strides[holds.tensor]! }, period)!;
    return { ...buffer, slots, bytes: slots * rowBytes(program.tensors[holds.tensor]!, holds.layout) };
  });
}

/** The shortest multiple of `unit` with which the rings take the fewest bytes, or little more. */
export function bestPeriod(rings: readonly StreamRing[], unit: number): number {
  const longest = Math.max(unit, ...rings.map(({ least, stride }) => least * stride));
  const most = Math.min(MOST, Math.max(USUAL, TURNS * longest));
  const tried = Array.from({ length: Math.floor(most / unit) }, (_, i) => (i + 1) * unit);
  const fewest = tried.reduce(
    (least, period) => Math.min(least, bytesWith(rings, period, least)),
    Number.POSITIVE_INFINITY,
  );
  const allowed = fewest * (1 + SLACK);
  const found = tried.find((period) => bytesWith(rings, period, allowed + 1) <= allowed);
  if (found !== undefined && fewest < Number.POSITIVE_INFINITY) return found;
  throw fail("plan/no-stream", "the model cannot be given sample by sample: its memory is too long", {
    remedy: "its windows must be shorter than 20000 samples",
  });
}

/** Slots of a ring: enough, and a part of the period. Undefined where there are none below the limit. */
export function ringSlots(
  { least, stride }: Pick<StreamRing, "least" | "stride">,
  period: number,
  limit = Number.POSITIVE_INFINITY,
): number | undefined {
  const rows = period / stride;
  for (let slots = least; slots <= Math.min(rows, limit); slots++) if (rows % slots === 0) return slots;
  return undefined;
}

/** Bytes of all rings; `limit` or more where they take no less. */
function bytesWith(rings: readonly StreamRing[], period: number, limit: number): number {
  let bytes = 0;
  for (const ring of rings) {
    const slots = ringSlots(ring, period, (limit - bytes) / ring.rowBytes);
    if (slots === undefined) return limit;
    bytes += slots * ring.rowBytes;
  }
  return bytes;
}
