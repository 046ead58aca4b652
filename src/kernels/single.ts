import { type DeviceProgram, inputsOf } from "../program/types.js";
import { type Layout, layoutBytes } from "./layout.js";
import type { KernelCall, KernelChoice } from "./types.js";

/** What differs between kernels that execute one instruction with all inputs in one layout. */
export interface SingleChoice {
  readonly kernel: string;
  /** Of all inputs; `channels` if absent. */
  readonly layout?: Layout;
  /** The inputs' if absent. */
  readonly outputLayout?: Layout;
  /** Whether, or over which of its inputs, the output may be written if it is no larger: `KernelChoice.inPlace`. */
  readonly inPlace?: boolean | readonly number[];
  /** Whether a larger one may be, too. */
  readonly growsInPlace?: true;
  readonly scratchBytes?: number;
  readonly call: Omit<KernelCall, "constants" | "canFail"> & Partial<KernelCall>;
  readonly cost: number;
}

/** A way to execute the instruction at `index` alone. */
export function singleChoice(program: DeviceProgram, index: number, choice: SingleChoice): KernelChoice {
  const instruction = program.instructions[index]!;
  const inputs = inputsOf(instruction);
  const { kernel, layout = "channels", outputLayout = layout, scratchBytes = 0, call, cost } = choice;
  const bytes = layoutBytes(program.tensors[instruction.output]!, outputLayout);
  const inPlace = (choice.inPlace === true ? inputs.map((_, i) => i) : choice.inPlace || []).filter(
    (i) => choice.growsInPlace || bytes <= layoutBytes(program.tensors[inputs[i]!]!, layout),
  );
  return {
    kernel,
    covers: [index],
    inputs,
    inputLayouts: inputs.map(() => layout),
    output: instruction.output,
    outputLayout,
    ...(inPlace.length === 0 ? {} : { inPlace }),
    scratchBytes,
    call: { constants: [], canFail: false, ...call },
    cost,
  };
}
