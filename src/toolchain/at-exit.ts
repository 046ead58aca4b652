/**
 * What must not outlive this process, however it ends: temporary folders and processes. The command line turns signals into an exit,
 * and what is asynchronous does not happen any more then.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Killable {
  kill(signal: "SIGKILL"): boolean;
}

const folders = new Set<string>();
const children = new Set<Killable>();
let isInstalled = false;

export interface TemporaryFolder {
  readonly path: string;
  /** Removes the folder with all that is in it. May be called more than once. */
  remove(): void;
}

/** A new folder, in the system's for temporary files by default, that is removed at exit unless it was before. */
export function temporaryFolder(prefix: string, parent = tmpdir()): TemporaryFolder {
  install();
  const path = mkdtempSync(join(parent, prefix));
  folders.add(path);
  return {
    path,
    remove: () => {
      folders.delete(path);
      removeFolder(path);
    },
  };
}

/** Kills a process at exit, unless `ended` comes first. One that is stuck ignores polite signals. */
export function killAtExit(child: Killable, ended: Promise<unknown>): void {
  install();
  children.add(child);
  void ended.finally(() => children.delete(child));
}

function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  process.once("exit", () => {
    for (const child of children) child.kill("SIGKILL");
    for (const path of folders) removeFolder(path);
  });
}

/** A killed process may still be writing: removing is tried again. */
function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}
