import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import type { PackageFile } from "../emit/index.js";

/**
 * Writes files into a folder so that none of them is ever seen half-written: everything is written into a hidden folder in
 * it first and moved out at the end. Other files in the folder stay. Paths may have folders, separated by `/`. A folder
 * that was not there before goes again when something fails.
 */
export function writeFolder(folder: string, files: readonly PackageFile[]): void {
  const target = resolve(folder);
  for (const { path } of files) {
    // Names come from checked library names and our own runtime; this guards against a defect upstream.
    if (!isInside(path)) throw fail("file/name", `refusing to write "${printable(path)}"`);
  }
  const made = mkdirSync(target, { recursive: true });
  try {
    moveIn(target, files);
  } catch (error) {
    if (made !== undefined) rmSync(made, { recursive: true, force: true });
    // A full disk is known by its descriptor only.
    if (error instanceof Error && !("path" in error)) Object.assign(error, { path: target });
    throw error;
  }
}

/** The draft lies in the folder itself: it may be a disk of its own, and the only place where the user may write. */
function moveIn(target: string, files: readonly PackageFile[]): void {
  const staging = mkdtempSync(join(target, ".bitloom-"));
  try {
    for (const { path, content } of files) {
      mkdirSync(dirname(join(staging, path)), { recursive: true });
      writeFileSync(join(staging, path), content);
    }
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
