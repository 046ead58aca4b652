/** Payloads of the vector protocol (docs/PROTOCOL.md) as values. Every reader checks the length and says what was wrong. */
import { fail } from "../diagnostics/diagnostic.js";
import { type Frame, frameName } from "./frames.js";

export const PROTOCOL_VERSION = 1;

/** Words of END: of firmware from before the stack of each function was measured, in general, and where input is pushed. */
const END_WORDS = [6, 9, 12] as const;

export interface Hello {
  readonly protocol: number;
  /** `NAME_MODEL_CRC` of the library that was built. */
  readonly modelCrc: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly tensorCount: number;
  readonly arenaBytes: number;
  /** Status of `name_init`; 0 is good. */
  readonly initStatus: number;
  /** Status of `name_selftest`; 0 is good, and 0 when it was not run. */
  readonly selftestStatus: number;
  readonly trace: boolean;
  readonly selftestRun: boolean;
}

/** FNV-1a (32 bit) of one tensor's canonical bytes. */
export interface TraceHash {
  readonly tensor: number;
  readonly hash: number;
}

export interface VectorResult {
  /** Index of the input among those given to `runVectors`. */
  readonly index: number;
  /** Status of `name_run`. */
  readonly status: number;
  readonly output: Uint8Array;
  /** In call order; empty in a build without traces. */
  readonly traces: readonly TraceHash[];
}

/** Functions of a library whose stack the harness measures, in the order in which END has them. */
export const measuredEntries = ["init", "run", "selftest", "reset", "push_row", "push_sample"] as const;
export type MeasuredEntry = (typeof measuredEntries)[number];

export interface Verdict {
  readonly pass: boolean;
  readonly runs: number;
  readonly failedRuns: number;
  readonly rejectedFrames: number;
  /** Deepest stack so far in bytes, the harness's own frames and the self-test included; 0 where it is not measured. */
  readonly stackUsedBytes: number;
  /** Bytes of stack that the image reserves; 0 on the host. */
  readonly stackSizeBytes: number;
  /**
   * Most bytes of stack that a call of each of the library's functions has taken, itself included; 0 where it is not measured or
   * the library has no such function. Absent of firmware before these were measured, and of what is pushed where nothing is.
   */
  readonly stackOf?: Readonly<Partial<Record<MeasuredEntry, number>>>;
}

/** Registers at a fault; the four status registers only where the core has them. */
export interface FaultRegisters {
  readonly r0: number;
  readonly r1: number;
  readonly r2: number;
  readonly r3: number;
  readonly r12: number;
  readonly lr: number;
  readonly pc: number;
  readonly xpsr: number;
  readonly sp: number;
  readonly exception: number;
  /** True when the stack pointer was outside RAM: r0 to xpsr are not known and are 0. */
  readonly stackLost: boolean;
  /** True when there was no exception but the stack was found full: every register is 0. */
  readonly stackFull: boolean;
  readonly status?: {
    readonly cfsr: number;
    readonly hfsr: number;
    readonly mmfar: number;
    readonly bfar: number;
  };
}

export function readHello(frame: Frame): Hello {
  const view = viewOf(frame, 36);
  const u32 = (index: number): number => view.getUint32(4 * index, true);
  const flags = u32(8);
  return {
    protocol: u32(0),
    modelCrc: u32(1),
    inputBytes: u32(2),
    outputBytes: u32(3),
    tensorCount: u32(4),
    arenaBytes: u32(5),
    initStatus: view.getInt32(24, true),
    selftestStatus: view.getInt32(28, true),
    trace: (flags & 1) !== 0,
    selftestRun: (flags & 2) !== 0,
  };
}

/** Reads a RESULT of a model that introduced itself with `hello`. */
export function readResult(frame: Frame, hello: Hello, index: number): VectorResult {
  const start = 8 + hello.outputBytes;
  if (frame.payload.length < start) throw wrongLength(frame, start);
  const view = new DataView(frame.payload.buffer, frame.payload.byteOffset, frame.payload.byteLength);
  const count = view.getUint32(4, true);
  if (count > hello.tensorCount) {
    throw fail(
      "protocol/too-many-traces",
      `the model traced ${count} tensors but says that it has ${hello.tensorCount}`,
      {
        exitCode: 1,
      },
    );
  }
  if (frame.payload.length !== start + 8 * count) throw wrongLength(frame, start + 8 * count);
  const traces = Array.from({ length: count }, (_, i) => ({
    tensor: view.getUint32(start + 8 * i, true),
    hash: view.getUint32(start + 8 * i + 4, true),
  }));
  return { index, status: view.getInt32(0, true), output: frame.payload.slice(8, start), traces };
}

export function readVerdict(frame: Frame): Verdict {
  const words = frame.payload.length / 4;
  const view = viewOf(frame, 4 * (END_WORDS.find((n) => n === words) ?? END_WORDS[1]));
  const u32 = (index: number): number => view.getUint32(4 * index, true);
  const measured = measuredEntries.slice(0, words - END_WORDS[0]);
  return {
    pass: u32(0) === 1,
    runs: u32(1),
    failedRuns: u32(2),
    rejectedFrames: u32(3),
    stackUsedBytes: u32(4),
    stackSizeBytes: u32(5),
    ...(measured.length === 0
      ? {}
      : { stackOf: Object.fromEntries(measured.map((entry, i) => [entry, u32(END_WORDS[0] + i)])) }),
  };
}

export function readFault(frame: Frame): FaultRegisters {
  const view = viewOf(frame, 60);
  const u32 = (index: number): number => view.getUint32(4 * index, true);
  const flags = u32(10);
  const registers = {
    r0: u32(0),
    r1: u32(1),
    r2: u32(2),
    r3: u32(3),
    r12: u32(4),
    lr: u32(5),
    pc: u32(6),
    xpsr: u32(7),
    sp: u32(8),
    exception: u32(9),
    stackLost: (flags & 2) !== 0,
    stackFull: (flags & 4) !== 0,
  };
  if ((flags & 1) === 0) return registers;
  return { ...registers, status: { cfsr: u32(11), hfsr: u32(12), mmfar: u32(13), bfar: u32(14) } };
}

/** FNV-1a (32 bit) as the harness computes it over a tensor's canonical bytes. */
export function traceHash(canonical: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of canonical) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function viewOf(frame: Frame, bytes: number): DataView {
  if (frame.payload.length !== bytes) throw wrongLength(frame, bytes);
  return new DataView(frame.payload.buffer, frame.payload.byteOffset, bytes);
}

function wrongLength(frame: Frame, expected: number): Error {
  return fail(
    "protocol/wrong-length",
    `a ${frameName(frame.type)} frame has ${frame.payload.length} bytes of payload instead of ${expected}`,
    { exitCode: 1 },
  );
}
