/** Reads the files that a model names, from the folder that the model lies in and nowhere else. */
import { closeSync, fstatSync, openSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fail } from "./diagnostics/diagnostic.js";
import type { CompanionReader } from "./formats/common/companions.js";

/**
 * A reader for the model file at `modelPath`. Links that lead out of the model's folder are not followed, and
 * larger files than the caller's limit are refused (BitloomError, exit 2).
 */
export function companionFiles(modelPath: string): CompanionReader {
  return (path, limit) => {
    const folder = realpathSync(dirname(modelPath));
    const file = realPath(join(folder, path));
    if (file === undefined) return undefined;
    if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep)) {
      throw fail("file/outside", `the model names ${path}, which leads out of the model's folder`, {
        where: modelPath,
        remedy: "put the file itself into the model's folder",
      });
    }
    return readRegular(file, limit);
  };
}

/** Where a path leads, if that is a file: what is none cannot be read, or not to its end. */
function realPath(path: string): string | undefined {
  try {
    const real = realpathSync(path);
    return statSync(real).isFile() ? real : undefined;
  } catch {
    return undefined;
  }
}

function readRegular(path: string, limit: number): Uint8Array {
  const descriptor = openSync(path, "r");
  try {
    const { size } = fstatSync(descriptor);
    if (size > limit) {
      throw fail("file/too-large", `the file has ${size} bytes; at most ${limit} are read`, { where: path });
    }
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
