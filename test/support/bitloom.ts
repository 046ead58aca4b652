/** The built command line, as users run it. */
import { join } from "node:path";
import { execa } from "execa";
import { expect } from "vitest";
import { repoRoot } from "./root.js";

/** The program that users run. */
export const commandLine = join(repoRoot, "dist/cli/main.js");

/** Runs `bitloom` from the repository's root; the result has its exit code, whatever it is. */
export async function runBitloom(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return execa(process.execPath, [commandLine, ...args], {
    cwd: repoRoot,
    reject: false,
    env,
    stdin: "ignore",
    timeout: 90_000,
  });
}

export async function bitloom(...args: readonly string[]) {
  return runBitloom(args);
}

/** Expects that a model verifies in C on this machine, on a few inputs. */
export async function expectVerifiedOnHost(model: string): Promise<void> {
  const options = ["--board", "microbit", "--emulator", "host", "--count", "3"];
  const { exitCode, stdout } = await runBitloom(["verify", model, ...options]);
  expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^PASS/)]);
}
