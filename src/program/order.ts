/** The order of a program's input and output elements against the model's. */
import type { TensorValues } from "./canonical.js";
import type { DeviceProgram } from "./types.js";

/** Input elements in the model's order, as the device takes them. */
export function inDeviceOrder<T extends TensorValues>({ input, tensors }: DeviceProgram, values: T): T {
  return input.order === "nhwc" ? transposed(values, tensors[input.tensor]!.shape[2]) : values;
}

/** Output elements of the device in the model's order. */
export function inModelOrder<T extends TensorValues>({ output, tensors }: DeviceProgram, values: T): T {
  const [height, width] = tensors[output.tensor]!.shape;
  return output.layout === "nhwc" ? transposed(values, height * width) : values;
}

/** A matrix of so many rows with rows and columns exchanged: [C, pixels] to [pixels, C] and back. */
function transposed<T extends TensorValues>(values: T, rows: number): T {
  const columns = values.length / rows;
  const result = values.slice() as T;
  for (let i = 0; i < values.length; i++) {
    result[(i % columns) * rows + Math.floor(i / columns)] = values[i]!;
  }
  return result;
}
