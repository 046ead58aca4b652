/** The tensors that a manifest names, from its weights file. */
import { printable } from "../../diagnostics/text.js";
import type { FloatTensor, IntTensor } from "../../graph/types.js";
import type { WorkBudget } from "../common/limits.js";
import { Rejection } from "../common/rejection.js";
import type { StoredTensor, TensorSource } from "../common/tensor-source.js";
import { openNpz } from "../npz.js";
import { openSafetensors } from "../safetensors.js";
import { pickled } from "../weights-alone.js";
import { isZip } from "../zip.js";
import type { Guesser } from "./guesser.js";

/** Opens safetensors or npz, by content. Throws a Rejection; `name` is the file's, for the command that converts it. */
export function openWeights(bytes: Uint8Array, name: string): TensorSource {
  const pickle = pickled(bytes, name);
  if (pickle !== undefined) throw new Rejection(`it is ${pickle.name}`, pickle.remedy);
  return isZip(bytes) ? openNpz(bytes) : openSafetensors(bytes);
}

/** Hands out tensors, and knows which nobody asked for. */
export class Tensors {
  readonly #source: TensorSource | undefined;
  readonly #budget: WorkBudget;
  readonly #guesser: Guesser;
  readonly #asked = new Set<string>();

  constructor(source: TensorSource | undefined, budget: WorkBudget, guesser: Guesser) {
    this.#source = source;
    this.#budget = budget;
    this.#guesser = guesser;
  }

  /** Whether the weights file has a tensor. */
  has(name: string): boolean {
    return this.#source?.names.includes(name) ?? false;
  }

  /** Counts the elements of what is computed from tensors. Throws a Rejection where a small file asks for much work. */
  spend(elements: number): void {
    this.#budget.spend(elements);
  }

  /** A tensor whose numbers float32 holds exactly. Throws a Rejection for others and for NaN and infinities. */
  floats(name: string): FloatTensor {
    const { shape, data } = this.#read(name);
    const floats = data instanceof Float32Array ? data : Float32Array.from(data);
    const odd = floats.findIndex((x, i) => x !== data[i] || !Number.isFinite(x));
    if (odd < 0) return { shape, data: floats };
    throw new Rejection(
      `element ${odd} of tensor "${printable(name, 60)}" is ${data[odd]}`,
      Number.isFinite(data[odd])
        ? "float32 does not hold this number: save tensor.float() (PyTorch) or array.astype('float32') (NumPy)"
        : "weights must be finite numbers: the training may have diverged",
    );
  }

  /** A tensor of 32-bit integers. Throws a Rejection for others. */
  integers(name: string): IntTensor {
    const { shape, data } = this.#read(name);
    const integers = Int32Array.from(data);
    const odd = integers.findIndex((x, i) => x !== data[i]);
    if (odd < 0) return { shape, data: integers };
    throw new Rejection(
      `element ${odd} of tensor "${printable(name, 60)}" is ${data[odd]}`,
      "whole numbers of 32 bits are expected",
    );
  }

  /** Names in the file that no layer asked for. */
  unread(): readonly string[] {
    return (this.#source?.names ?? []).filter((name) => !this.#asked.has(name));
  }

  #read(name: string): StoredTensor {
    this.#asked.add(name);
    if (this.#source === undefined) {
      throw new Rejection(
        `it names the tensor "${printable(name, 60)}", but the manifest names no file of weights`,
        'add e.g. "weights": "net.safetensors"',
      );
    }
    const tensor = this.#source.read(name);
    if (tensor === undefined) {
      throw new Rejection(
        `there is no tensor "${printable(name, 60)}" in the weights file`,
        this.#guesser.remedy(
          name,
          this.#source.names,
          "use the names of the state_dict: print(model.state_dict().keys())",
        ),
      );
    }
    if (tensor.data.length === 0)
      throw new Rejection(`the tensor "${printable(name, 60)}" is empty`, "save the trained weights");
    this.#budget.spend(tensor.data.length);
    return tensor;
  }
}
