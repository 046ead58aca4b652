/** Files of named tensors: safetensors and npz. */
import type { NpyData } from "../npy.js";

/** A tensor as the file has it, row-major. Integers of 64 bits come as float64. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: NpyData;
}

export interface TensorSource {
  readonly names: readonly string[];
  /** Undefined where there is none of this name. Throws a Rejection for damaged ones. */
  read(name: string): StoredTensor | undefined;
}
