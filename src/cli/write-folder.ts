import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import type { PackageFile } from "../emit/index.js";

/**
 * Writes files into a folder so that none of them is ever seen half-written: everything is written beside
 * the folder first and moved in at the end. Other files in the folder stay. Paths may have folders, separated by `/`.
 */
export function writeFolder(folder: string, files: readonly PackageFile[]): void {
  const target = resolve(folder);
  for (const { path } of files) {
    // Names come from checked library names and our own runtime; this guards against a defect upstream.
    if (!isInside(path)) throw fail("file/name", `refusing to write "${printable(path)}"`);
  }
  mkdirSync(dirname(target), { recursive: true });
  const staging = mkdtempSync(join(dirname(target), ".bitloom-"));
  try {
    for (const { path, content } of files) {
      mkdirSync(dirname(join(staging, path)), { recursive: true });
      writeFileSync(join(staging, path), content);
    }
    mkdirSync(target, { recursive: true });
    for (const { path } of files) {
      mkdirSync(dirname(join(target, path)), { recursive: true });
      renameSync(join(staging, path), join(target, path));
    }
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Whether a path names a file below its folder, on every system: plain names, none hidden. */
function isInside(path: string): boolean {
  return path.split("/").every((part) => /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(part));
}
