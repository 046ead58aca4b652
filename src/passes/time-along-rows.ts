import type { DeviceProgram, Instruction, ProgramTensor, Window } from "../program/types.js";

/**
 * Signals with time along the height: a program whose tensors all have one row gets their columns as rows, so that what
 * works row by row works moment by moment. Bytes of tensors, order of weights and tensor ids stay, and so do references.
 * Programs with maps of several rows stay as they are.
 */
export function timeAlongRows(program: DeviceProgram): DeviceProgram {
  const isSignal = program.tensors.every(({ shape }) => shape[0] === 1);
  // Boxes have a horizontal and a vertical side.
  if (!isSignal || program.instructions.some((i) => i.kind === "region")) return program;
  return {
    ...program,
    tensors: program.tensors.map((tensor) => ({ ...tensor, shape: exchanged(tensor.shape) })),
    instructions: program.instructions.map((instruction) => turned(program.tensors, instruction)),
  };
}

function exchanged<T>([height, width, channels]: readonly [T, T, T]): [T, T, T] {
  return [width, height, channels];
}

function turned(tensors: readonly ProgramTensor[], instruction: Instruction): Instruction {
  switch (instruction.kind) {
    case "conv":
    case "conv-float":
    case "conv-bases":
    case "pool":
      return { ...instruction, window: turnedWindow(instruction.window) };
    case "select": {
      const { top, left, steps } = instruction;
      return { ...instruction, top: left, left: top, steps: [steps[1], steps[0]] };
    }
    case "pad":
      return { ...instruction, pads: turnedPads(instruction.pads) };
    case "gather":
      return turnedGather(instruction, tensors[instruction.output]!);
    case "scale":
      return {
        ...instruction,
        steps: instruction.steps.map((step) =>
          step.extent === undefined ? step : { ...step, extent: exchanged(step.extent) },
        ),
      };
    default:
      return instruction;
  }
}

function turnedWindow({ kernel, stride, dilation, pads }: Window): Window {
  return {
    kernel: [kernel[1], kernel[0]],
    stride: [stride[1], stride[0]],
    dilation: [dilation[1], dilation[0]],
    pads: turnedPads(pads),
  };
}

function turnedPads([top, left, bottom, right]: Window["pads"]): Window["pads"] {
  return [left, top, right, bottom];
}

/** Its one row of places becomes one for every moment. */
function turnedGather(
  gather: Extract<Instruction, { kind: "gather" }>,
  { shape: [, moments, channels] }: ProgramTensor,
): Instruction {
  const { columns, step } = gather;
  const entries = moments * channels;
  return {
    ...gather,
    rows: Int32Array.from(
      { length: entries },
      (_, i) => columns[i % channels]! + Math.floor(i / channels) * step,
    ),
    columns: new Int32Array(entries),
    channels: Int32Array.from({ length: entries }, (_, i) => gather.channels[i % channels]!),
    step: 1,
  };
}
