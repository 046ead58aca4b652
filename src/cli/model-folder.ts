/** Folders that are given where a model file is wanted: TensorFlow saves models so. */
import { readdirSync, statSync } from "node:fs";
import { fail } from "../diagnostics/diagnostic.js";
import { folderFragment } from "../formats/keras/fragments.js";

/** Throws for a folder, and says what it holds; a path that is no folder, or nothing, is left to its reader. */
export function refuseFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  const fragment = folderFragment(readdirSync(path));
  throw fail("file/eisdir", fragment === undefined ? "is a folder, not a file" : `this is ${fragment.name}`, {
    where: path,
    remedy: fragment?.remedy ?? "pass the model file in it",
  });
}
