/** Data of tensors that stand in files beside the model: ONNX's external data. */
import { printable } from "../../diagnostics/text.js";
import { type CompanionReader, readCompanion } from "../common/companions.js";
import { FILE_LIMIT } from "../common/limits.js";
import { damaged, Rejection } from "../common/rejection.js";
import type { TensorProto } from "./onnx_pb.js";

/** The keys that say where a tensor's data stand; checksums are not looked at. */
const PLACE_KEYS = ["location", "offset", "length"] as const;

/** Gives the files that tensors name, each read once, all of them together within the limit of a model. */
export class ExternalData {
  readonly #companions: CompanionReader | undefined;
  readonly #onRead: (bytes: number) => void;
  /** Files by their path, and why the others could not be read. */
  readonly #files = new Map<string, Uint8Array | Rejection>();
  /** Bytes of files, and of the tensors in them, that may still be read: tensors may share bytes. */
  #left = FILE_LIMIT;
  #leftOfTensors = FILE_LIMIT;

  /** `onRead` is told the size of each file that was read. */
  constructor(companions: CompanionReader | undefined, onRead: (bytes: number) => void) {
    this.#companions = companions;
    this.#onRead = onRead;
  }

  /**
   * The raw data of a tensor whose location is EXTERNAL: `length` bytes from `offset` (0) on, or all that follow.
   * Throws a Rejection where the file is not there or does not hold them; a file that cannot be read is one
   * Rejection, the same each time.
   */
  read(tensor: TensorProto): Uint8Array {
    const place = placeOf(tensor);
    const path = place.get("location");
    if (path === undefined || path === "")
      throw new Rejection("its data are in another file, but it does not say in which", damaged);
    const bytes = this.#file(path);
    const offset = numberOf("offset", place.get("offset")) ?? 0;
    const length = numberOf("length", place.get("length")) ?? bytes.length - offset;
    if (offset > bytes.length || length > bytes.length - offset)
      throw new Rejection(
        `its data are ${Math.max(length, 0)} bytes from ${offset} on in "${printable(path, 60)}", which has ${bytes.length} bytes`,
        "the two files do not belong together, or one is cut off: copy both again",
      );
    this.#leftOfTensors -= length;
    if (this.#leftOfTensors < 0)
      throw new Rejection(
        `tensors of more than ${FILE_LIMIT} bytes stand in other files`,
        "this is more than a microcontroller can hold: check that this is the right file",
      );
    return bytes.subarray(offset, offset + length);
  }

  #file(path: string): Uint8Array {
    const known = this.#files.get(path) ?? this.#load(path);
    this.#files.set(path, known);
    if (known instanceof Rejection) throw known;
    return known;
  }

  #load(path: string): Uint8Array | Rejection {
    try {
      const bytes = readCompanion(this.#companions, path, this.#left);
      this.#left -= bytes.length;
      this.#onRead(bytes.length);
      return bytes;
    } catch (error) {
      if (error instanceof Rejection) return error;
      throw error;
    }
  }
}

function placeOf({ externalData }: TensorProto): ReadonlyMap<string, string> {
  const place = new Map<string, string>();
  for (const { key, value } of externalData) {
    if (!PLACE_KEYS.some((known) => known === key)) continue;
    if (place.has(key)) throw new Rejection(`its external data have two entries "${key}"`, damaged);
    place.set(key, value);
  }
  return place;
}

/** Numbers stand in the file as text. */
function numberOf(key: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Rejection(
    `the ${key} of its external data is "${printable(text, 30)}", which is no size`,
    damaged,
  );
}
