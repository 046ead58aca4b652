/** Files that a model file names: external data of ONNX, the weights of a bundle. */
import { printable } from "../../diagnostics/text.js";
import { Rejection } from "./rejection.js";

/**
 * Gives the bytes of a file by its path from the model file's folder, of at most `limit` bytes, or undefined where
 * there is none. Importers check the path with `companionPath` first; readers check where it leads.
 */
export type CompanionReader = (path: string, limit: number) => Uint8Array | undefined;

const LONGEST_PATH = 500;

/**
 * A path of the model file, as it may be followed: forward slashes, below the model file's folder. Throws a
 * Rejection for others.
 */
export function companionPath(path: string): string {
  const parts = path.split("/");
  const isPlain =
    path.length <= LONGEST_PATH &&
    parts.every((part) => part !== "" && part !== "..") &&
    !/[\\:\p{Cc}]/u.test(path);
  if (isPlain) return path;
  throw new Rejection(
    `it names the file "${printable(path, 60)}", which is not below the model's folder`,
    "put both files into one folder and name the file alone",
  );
}

/** The bytes of a named file. Throws a Rejection where there is none, or where the path leads elsewhere. */
export function readCompanion(
  companions: CompanionReader | undefined,
  path: string,
  limit: number,
): Uint8Array {
  const bytes = companions?.(companionPath(path), limit);
  if (bytes !== undefined) return bytes;
  throw new Rejection(
    `the file "${printable(path, 60)}" that it names is not there`,
    "put it into the same folder as the model, under the name that the model has for it",
  );
}
