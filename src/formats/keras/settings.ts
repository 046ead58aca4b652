/** Typed access to the settings of a layer or quantizer: JSON from a file, so nothing of it is trusted. */
import { didYouMean, printable } from "../../diagnostics/text.js";
import { damaged, listText, Rejection } from "../common/rejection.js";

/** A JSON object by its keys. A Map, so that no key of a file meets a property of JavaScript's own. */
export type Fields = ReadonlyMap<string, unknown>;

/** The fields of a JSON object; undefined for other values. */
export function fieldsOf(value: unknown): Fields | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return new Map(Object.entries(value));
}

/** Endings of settings that matter in training only. */
const trainingEndings = ["_initializer", "_regularizer", "_constraint", "_range", "_momentum"];
/** Settings that say nothing about what a layer computes, or that are read elsewhere. */
const ignored: ReadonlySet<string> = new Set([
  "name",
  "trainable",
  "dtype",
  "batch_input_shape",
  "batch_shape",
  "momentum",
  "seed",
  "sparse",
  "ragged",
  "metrics",
  "activity_regularizer",
  "autocast",
  "optional",
  "synchronized",
  "build_config",
  "shared_object_id",
  "use_ste",
  "var_name",
  "use_variables",
  "input_dtype",
  "quantization_config",
  "lora_rank",
]);

/** Settings of one layer or quantizer. What a handler has not asked for is unknown and refused by `finish`. */
export class Settings {
  readonly #fields: Fields;
  readonly #read = new Set<string>();

  constructor(fields: Fields) {
    this.#fields = fields;
  }

  /** The setting as it stands in the file; undefined where it is absent or null. */
  raw(name: string): unknown {
    this.#read.add(name);
    return this.#fields.get(name) ?? undefined;
  }

  text(name: string, byDefault: string): string {
    const value = this.raw(name) ?? byDefault;
    if (typeof value === "string") return value;
    throw wrong(name, "text");
  }

  flag(name: string, byDefault: boolean): boolean {
    const value = this.raw(name) ?? byDefault;
    if (typeof value === "boolean") return value;
    if (value === 0 || value === 1) return value === 1;
    throw wrong(name, "true or false");
  }

  number(name: string, byDefault?: number): number {
    const value = this.raw(name) ?? byDefault;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw wrong(name, "a number");
  }

  /** A number, or undefined where it is absent or null. */
  optionalNumber(name: string): number | undefined {
    return this.raw(name) === undefined ? undefined : this.number(name);
  }

  integer(name: string, byDefault?: number): number {
    const value = this.number(name, byDefault);
    if (Number.isSafeInteger(value)) return value;
    throw wrong(name, "a whole number");
  }

  /** Whole numbers, one for all or `count` of them, each at least `least`. */
  sizes(name: string, count: number, least: number, byDefault?: number): number[] {
    const value = this.raw(name) ?? byDefault;
    const list = Array.isArray(value) ? value : new Array<unknown>(count).fill(value);
    const numbers = list.map((n) => (typeof n === "number" ? n : Number.NaN));
    if (
      numbers.length === count &&
      numbers.every((n) => Number.isSafeInteger(n) && n >= least && n <= LARGEST)
    )
      return numbers;
    throw new Rejection(
      `its ${name} is ${Array.isArray(value) ? listText(numbers) : printable(String(value), 20)}`,
      `${count === 1 ? "a whole number" : `${count} whole numbers`} from ${least} to ${LARGEST} ${count === 1 ? "is" : "are"} expected`,
    );
  }

  /** A list of whole numbers of any length up to 8. */
  integers(name: string): readonly number[] {
    const value = this.raw(name);
    const list = Array.isArray(value) ? value : [value];
    if (list.length <= 8 && list.every((n): n is number => Number.isSafeInteger(n))) return list;
    throw wrong(name, "a list of whole numbers");
  }

  /** Refuses settings that nobody asked for, unless they are off or matter in training only. */
  finish(): void {
    for (const [name, value] of this.#fields) {
      const isOff = value === null || value === false || (Array.isArray(value) && value.length === 0);
      if (isOff || this.#read.has(name) || ignored.has(name) || trainingEndings.some((e) => name.endsWith(e)))
        continue;
      const guess = name.length <= 40 ? didYouMean(name, [...this.#read]) : undefined;
      throw new Rejection(
        `its setting "${printable(name, 40)}" is not known`,
        guess === undefined
          ? "build the layer without it and save the model again"
          : `did you mean ${guess}?`,
      );
    }
  }
}

/** Larger kernels, strides, pads and widths than this are no layer of a microcontroller. */
const LARGEST = 1 << 16;

function wrong(name: string, expected: string): Rejection {
  return new Rejection(`its setting "${printable(name, 40)}" is not ${expected}`, damaged);
}
