/**
 * Programs whose input never ends: which of them have outputs that follow from the last rows, how far apart these are, and
 * the program of so many more rows. Rows are the moments of a signal.
 */
import { Diagnostics } from "../diagnostics/diagnostic.js";
import { kernelSpan } from "./geometry.js";
import { type DeviceProgram, type Instruction, inputsOf, type ProgramTensor } from "./types.js";

export interface StreamShape {
  /** Per tensor: rows of the input from one of its rows to the next. */
  readonly strides: readonly number[];
  /** A multiple of all of them: so many more rows of the input add whole rows to every tensor. */
  readonly unit: number;
  /**
   * Whether something stands before the first row of the input: outputs then follow from all rows since the start.
   * Otherwise they follow from the last ones.
   */
  readonly isCausal: boolean;
}

/** Throws all reasons why a program cannot go on for ever, each with its layer. */
export function streamShape(program: DeviceProgram): StreamShape {
  const diagnostics = new Diagnostics();
  const refuse = (where: string, problem: string, remedy = REMEDY): void =>
    diagnostics.error("plan/no-stream", `the model cannot be given sample by sample: ${problem}`, {
      where,
      remedy,
    });
  const { tensors, input, output } = program;
  if (tensors[input.tensor]!.shape[0] === 1) refuse("input", "its input has only one moment");
  if (tensors[output.tensor]!.shape[0] > 1)
    refuse(tensors[output.tensor]!.name, "it has an output for several moments, and one is wanted", TAIL);
  const strides: number[] = [];
  strides[input.tensor] = 1;
  for (const instruction of program.instructions) {
    const inputs = inputsOf(instruction);
    const where = tensors[instruction.output]!.name;
    if (inputs.includes(output.tensor)) refuse(where, "a layer reads the output");
    for (const problem of problemsOf(tensors, instruction)) refuse(where, problem);
    const [stride, ...others] = inputs.map((id) => strides[id]!);
    if (others.some((other) => other !== stride)) refuse(where, "it joins branches of different rates");
    strides[instruction.output] = stride! * rowStride(instruction);
  }
  diagnostics.throwIfErrors();
  return {
    strides,
    unit: strides.reduce(leastCommonMultiple),
    isCausal: program.instructions.some((i) => "window" in i && i.window.pads[0] > 0),
  };
}

const REMEDY = "compile it without --push samples; with --push rows one window is given moment by moment";
const TAIL = "end the model with a pool, a dense layer or a slice that leaves one moment";

function rowStride(instruction: Instruction): number {
  if ("window" in instruction) return instruction.window.stride[0];
  return instruction.kind === "select" ? instruction.steps[0] : 1;
}

/** What an instruction does that needs the end of the input, or the number of a row. */
function problemsOf(tensors: readonly ProgramTensor[], instruction: Instruction): string[] {
  const [height, width] = tensors[inputsOf(instruction)[0]!]!.shape;
  const rows = tensors[instruction.output]!.shape[0];
  switch (instruction.kind) {
    case "conv":
    case "conv-float":
    case "conv-bases":
    case "pool": {
      const { window } = instruction;
      const span = kernelSpan(window, 0);
      const end = (rows - 1) * window.stride[0] - window.pads[0] + span;
      return [
        ...(end > height ? ["this layer has padding behind the last moment"] : []),
        ...(window.pads[0] >= span ? ["this layer has more padding than its kernel is long"] : []),
      ];
    }
    case "pad":
      return instruction.pads[0] + instruction.pads[2] > 0 ? ["padding stands apart from the layer"] : [];
    case "pairwise": {
      const other = tensors[instruction.inputs[1]]!.shape[0];
      return height === rows && other === rows ? [] : ["one number serves all moments"];
    }
    case "reduce":
      return instruction.over === "channels" || (height === 1 && width === 1) ? [] : ["it sums all moments"];
    case "scale":
      return instruction.steps.some(({ extent }) => extent !== undefined && extent[0] > 1)
        ? ["its numbers differ between moments"]
        : [];
    case "combine":
      return instruction.tail === undefined ? [] : ["its numbers differ between moments"];
    case "gather":
    case "region":
      return ["it moves elements between moments"];
    default:
      return [];
  }
}

/** The same layers on an input of `rows` rows, which differ from the program's own by a multiple of the unit. */
export function stretchedProgram(
  program: DeviceProgram,
  { strides }: StreamShape,
  rows: number,
): DeviceProgram {
  const more = rows - program.tensors[program.input.tensor]!.shape[0];
  return {
    ...program,
    tensors: program.tensors.map((tensor, id) => {
      const [height, width, channels] = tensor.shape;
      return { ...tensor, shape: [height + more / (strides[id] ?? 1), width, channels] };
    }),
    instructions: program.instructions.map((instruction) =>
      instruction.kind === "reduce" ? { ...instruction, over: "channels" } : instruction,
    ),
  };
}

function leastCommonMultiple(a: number, b: number): number {
  return (a / greatestCommonDivisor(a, b)) * b;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
