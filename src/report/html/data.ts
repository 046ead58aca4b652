/**
 * What the HTML report of a plan is made of: plain values that survive JSON. `src/plan-report.ts` derives them from a
 * plan. Names are as the model has them; whatever draws them makes them safe.
 */

/** Sizes are in bytes; steps are counted from 0, and lifetimes include their last step. */
export interface PlanReport {
  /** Name of the library. */
  readonly model: string;
  /** Format of the file and what wrote it. */
  readonly source: string;
  /** CRC-32 of weights and thresholds, as the generated header has it. */
  readonly modelCrc: number;
  /** Version of bitloom. */
  readonly version: string;
  /** Core that kernels were chosen for. */
  readonly core: string;
  /** What they were chosen for. */
  readonly goal: string;
  readonly input: CallersBuffer;
  readonly output: CallersBuffer;
  readonly weightBytes: number;
  readonly contextBytes: number;
  readonly arenaBytes: number;
  /** No plan with these kernels in this order can have a smaller arena. */
  readonly lowerBound: number;
  /** Whether no smaller arena is possible. */
  readonly proven: boolean;
  readonly steps: readonly ReportedStep[];
  readonly buffers: readonly ReportedBuffer[];
  readonly board?: ReportedBoard;
  /** Present where the library was built and counted in an emulator. */
  readonly run?: ReportedRun;
  /** Steps that run together row by row, in order. */
  readonly groups?: readonly ReportedGroup[];
  /** Bytes of each bank, where the arena is several memories: they follow each other. */
  readonly banks?: readonly number[];
  /** Present where the input never ends. */
  readonly stream?: ReportedStream;
  /** Present where other plans were looked for. */
  readonly curve?: ReportedCurve;
}

/** The input or the output: the caller's memory, not the arena's. */
export interface CallersBuffer {
  readonly name: string;
  /** The model's shape. */
  readonly shape: readonly number[];
  readonly type: string;
  readonly bytes: number;
  /** Present where it is never whole: what is given at a time, and its bytes. */
  readonly given?: { readonly what: "row" | "sample"; readonly bytes: number };
}

export interface ReportedStep {
  /** Symbol in C and in profiles, after the model's prefix. */
  readonly layer: string;
  readonly kernel: string;
  /** Tensor that it writes. */
  readonly writes: string;
  /** Height, width, channels. */
  readonly inputs: readonly (readonly number[])[];
  readonly output: readonly number[];
  /** Multiply-accumulates: outputs × taps. */
  readonly macs: number;
  /** Estimated instructions that it executes. */
  readonly instructions: number;
  /** Counted ones, mean over the inputs; present with `run`. */
  readonly executed?: number;
  readonly constantBytes: number;
  readonly scratchBytes: number;
  /** Bytes of the arena that are alive while it runs, each buffer but the last rounded up to its alignment. */
  readonly live: { readonly tensors: number; readonly scratch: number };
}

export interface ReportedBuffer {
  readonly kind: "tensor" | "scratch";
  /** The tensor's name, or the layer whose working memory it is. */
  readonly name: string;
  /** Height, width, channels; empty for scratch. */
  readonly shape: readonly number[];
  /** Elements and layout, e.g. `±1, channels`; empty for scratch. */
  readonly holds: string;
  /** Present where only some rows are kept at a time. */
  readonly rows?: { readonly kept: number; readonly height: number };
  readonly offset: number;
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

export interface ReportedBoard {
  readonly name: string;
  readonly flashBytes: number;
  readonly ramBytes: number;
}

export interface ReportedRun {
  /** Emulator and board. */
  readonly machine: string;
  readonly inputs: number;
  /** Executed by one run of the whole model, mean over the inputs. */
  readonly instructions: number;
  /** Of the library's objects: code and constants. */
  readonly flashBytes: number;
  readonly stackBytes: number;
}

export interface ReportedGroup {
  readonly from: number;
  readonly to: number;
  /** Rows of the group's input that each turn takes. */
  readonly band: number;
}

/** Plans for one arena, with the kernels that this one could have had. */
export interface ReportedCurve {
  readonly points: readonly CurvePoint[];
  /** Whether the search came to its end; otherwise there may be more plans. */
  readonly isWhole: boolean;
}

export interface CurvePoint {
  /** Size of the arena. */
  readonly ramBytes: number;
  /** The most bytes that are live at a time: no places of the same buffers need fewer. */
  readonly lowerBound: number;
  /** Whether no places of the same buffers need fewer than `ramBytes`. */
  readonly proven: boolean;
  /** Estimated instructions of the whole run. */
  readonly instructions: number;
  /** Steps that go row by row. */
  readonly rolledSteps: number;
}

/** An input that is given sample by sample, without end. */
export interface ReportedStream {
  /** Samples of the window that the model was trained with; the figures of the report are those of one. */
  readonly window: number;
  /** Samples from the start to the first output, and from one output to the next. */
  readonly warmUp: number;
  readonly perOutput: number;
  /** Whether outputs follow from all samples since the start, not from the last ones alone. */
  readonly isCausal: boolean;
  /** Bytes that are kept from one sample to the next. */
  readonly stateBytes: number;
  /** Estimated instructions of one sample, when every step has rows of its own before and behind it. */
  readonly instructions: { readonly mean: number; readonly most: number };
  /** Index of the buffer with the samples that are kept. */
  readonly input: number;
  /** One for each step of the report. */
  readonly steps: readonly ReportedPace[];
}

export interface ReportedPace {
  /** It makes a row of its output after every so many samples, with so many instructions (estimated). */
  readonly every: number;
  readonly instructions: number;
  /** Index of the buffer with its output's rows; absent for the caller's. */
  readonly output?: number;
}
