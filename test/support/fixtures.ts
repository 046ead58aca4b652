/** Where tests find models: small ones in the repository, larger ones in a folder that users do not have. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type NpyArray, readNpy } from "../../src/formats/npy.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const sharedFolder = process.env.BITLOOM_FIXTURES ?? `${root}../shared`;

/** Path of a file in the shared models folder, undefined where it is absent. */
export function sharedModel(name: string): string | undefined {
  const path = `${sharedFolder}/models/${name}`;
  return existsSync(path) ? path : undefined;
}

/**
 * For `describe.skipIf(missingModels(...))(title, ...)`: true when a file is absent, after a line that names it,
 * so that nobody takes a skipped test for a passed one.
 */
export function missingModels(...names: readonly string[]): boolean {
  const missing = names.filter((name) => sharedModel(name) === undefined);
  if (missing.length > 0)
    console.warn(
      `SKIPPED without ${missing.join(", ")}: set BITLOOM_FIXTURES to the folder that has models/`,
    );
  return missing.length > 0;
}

/** Bytes of a shared model that `missingModels` has found. */
export function readShared(name: string): Uint8Array {
  const path = sharedModel(name);
  if (path === undefined) throw new Error(`no shared model ${name}`);
  return readFileSync(path);
}

/** Bytes of a file in test/fixtures/onnx. */
export function onnxFixture(file: string): Uint8Array {
  return readFileSync(`${root}test/fixtures/onnx/${file}`);
}

/** The rows of a .npy file's first axis, flattened. */
export function rowsOf(bytes: Uint8Array): Float32Array[] {
  const array: NpyArray = readNpy(bytes);
  const count = array.shape[0]!;
  const size = array.data.length / count;
  return Array.from({ length: count }, (_, i) =>
    Float32Array.from(array.data.subarray(i * size, (i + 1) * size)),
  );
}
