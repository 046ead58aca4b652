/** Finds fixtures that others made: in the repository, or where BITLOOM_FIXTURES says. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

/** Folder of models and data that is not part of the repository; `../shared` by default. */
export const sharedFolder = resolve(root, process.env.BITLOOM_FIXTURES ?? "../shared");

/** A file of the repository's own fixtures. */
export function fixture(path: string): Buffer {
  return readFileSync(`${root}test/fixtures/${path}`);
}

export function sharedModel(name: string): Buffer {
  return readFileSync(`${sharedFolder}/models/${name}`);
}

/** Skipped tests say in their name what they need. */
export const hasSharedModels = existsSync(`${sharedFolder}/models`);
export const needsShared = hasSharedModels
  ? ""
  : " (SKIPPED: set BITLOOM_FIXTURES to the folder of shared models)";
