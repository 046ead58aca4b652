/** Which rows of its inputs an instruction reads for a row of its output: what row-by-row execution rests on. */
import { kernelSpan } from "./geometry.js";
import type { DeviceProgram, Instruction, TensorId } from "./types.js";

/** Output row y reads the input rows from `y · stride − pad` to `span` rows on, as far as they exist. */
export interface RowWindow {
  readonly span: number;
  readonly stride: number;
  /** Negative where rows at the top are left out. */
  readonly pad: number;
}

/** `all`: no row of the output is known before all rows of the input are. */
export type RowNeed = RowWindow | "all";

const SAME_ROW: RowWindow = Object.freeze({ span: 1, stride: 1, pad: 0 });

/** What an instruction needs of an input, which is one of those that it reads. */
export function rowNeed(program: DeviceProgram, instruction: Instruction, input: TensorId): RowNeed {
  switch (instruction.kind) {
    case "conv":
    case "conv-float":
    case "conv-bases":
    case "pool": {
      const { window } = instruction;
      return { span: kernelSpan(window, 0), stride: window.stride[0], pad: window.pads[0] };
    }
    case "select":
      return { span: 1, stride: instruction.steps[0], pad: -instruction.top };
    case "pad":
      return { span: 1, stride: 1, pad: instruction.pads[0] };
    case "gather":
    case "region":
      return "all";
    case "reduce":
      return instruction.over === "channels" ? SAME_ROW : "all";
    case "pairwise":
      return heightOf(program, input) === heightOf(program, instruction.output) ? SAME_ROW : "all";
    default:
      return SAME_ROW;
  }
}

/** What an instruction needs of the input of an instruction before it, through the tensor between them. */
export function throughRows(after: RowNeed, before: RowNeed): RowNeed {
  if (after === "all" || before === "all") return "all";
  return {
    span: (after.span - 1) * before.stride + before.span,
    stride: after.stride * before.stride,
    pad: after.pad * before.stride + before.pad,
  };
}

/** What two readers of a tensor need together, for the same row of the output of both. */
export function bothRows(a: RowNeed, b: RowNeed): RowNeed {
  if (a === "all" || b === "all" || a.stride !== b.stride) return "all";
  const pad = Math.max(a.pad, b.pad);
  return { span: Math.max(a.span - a.pad, b.span - b.pad) + pad, stride: a.stride, pad };
}

/** Rows of the output that can be computed from the first `have` rows of the input. */
export function rowsReady(need: RowNeed, have: number, inputRows: number, outputRows: number): number {
  if (have >= inputRows) return outputRows;
  if (need === "all") return 0;
  const reach = have + need.pad - need.span;
  return reach < 0 ? 0 : Math.min(outputRows, Math.floor(reach / need.stride) + 1);
}

/** The first row of the input that output rows from `row` on still read. */
export function firstRowRead(need: RowNeed, row: number): number {
  return need === "all" ? 0 : Math.max(0, row * need.stride - need.pad);
}

function heightOf(program: DeviceProgram, id: TensorId): number {
  return program.tensors[id]!.shape[0];
}
