import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fail } from "../diagnostics/diagnostic.js";

/**
 * Writes files into a folder so that none of them is ever seen half-written: everything is written beside
 * the folder first and moved in at the end. Other files in the folder stay.
 */
export function writeFolder(
  folder: string,
  files: readonly { readonly path: string; readonly text: string }[],
): void {
  const target = resolve(folder);
  for (const { path } of files) {
    // Names come from checked library names and our own runtime; this guards against a defect upstream.
    if (basename(path) !== path || path.startsWith("."))
      throw fail("file/name", `refusing to write "${path}"`);
  }
  mkdirSync(dirname(target), { recursive: true });
  const staging = mkdtempSync(join(dirname(target), ".bitloom-"));
  try {
    for (const { path, text } of files) writeFileSync(join(staging, path), text);
    mkdirSync(target, { recursive: true });
    for (const { path } of files) renameSync(join(staging, path), join(target, path));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
