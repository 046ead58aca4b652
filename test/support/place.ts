/** The built command line in a place of its own, where whatever it leaves behind shows. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { commandLine } from "./bitloom.js";
import { repoRoot } from "./root.js";

const fakeEmulator = join(repoRoot, "test/fixtures/firmware/fake-emulator.mjs");

export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), "bitloom-place-"));
  /** Where the command puts its temporary files; nothing else is there. */
  readonly temporary = join(this.folder, "tmp");
  /** Stands in the arguments of every emulator that is started from here. */
  readonly mark = `mark-${process.pid}-${this.folder.slice(-6)}`;

  constructor() {
    for (const name of ["tmp", "cache", "bin"]) mkdirSync(join(this.folder, name));
  }

  /** A program that behaves as `mode` of the fake emulator, whatever its arguments. */
  emulator(mode: string): string {
    return this.program(`qemu-${mode}`, `exec "${process.execPath}" "${fakeEmulator}" ${mode} ${this.mark}`);
  }

  /** A shell script in a folder `bin`. */
  program(name: string, script: string): string {
    const path = join(this.folder, "bin", name);
    writeFileSync(path, `#!/bin/bash\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    return execa(process.execPath, [commandLine, ...args], {
      cwd: this.folder,
      reject: false,
      timeout: 90_000,
      env: { TMPDIR: this.temporary, XDG_CACHE_HOME: join(this.folder, "cache"), ...env },
    });
  }

  /** Temporary files that are still there. */
  leftFiles(): string[] {
    return readdirSync(this.temporary);
  }

  /** Command lines of processes that were started from here and still run. */
  leftProcesses(): string[] {
    const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return ids.map(commandLineOf).filter((line) => line.includes(this.mark) || line.includes(this.folder));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Empty for a process that has ended meanwhile. */
function commandLineOf(id: string): string {
  try {
    return readFileSync(`/proc/${id}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
