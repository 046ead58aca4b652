/** The hand-made library in test/fixtures/firmware, and the same arithmetic in TypeScript. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { packageFile } from "../../src/assets/package-files.js";
import { findOnPath, type LibraryOnDisk } from "../../src/toolchain/index.js";

/** The fixture with the real runtime's header beside it, as a generated library has it. */
function assemble(): string {
  const dir = mkdtempSync(join(tmpdir(), "bitloom-toy-"));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  cpSync(join(import.meta.dirname, "../fixtures/firmware/toy"), dir, { recursive: true });
  cpSync(packageFile("runtime-c/bitloom_runtime.h"), join(dir, "bitloom_runtime.h"));
  return dir;
}

export const toy: LibraryOnDisk = {
  dir: assemble(),
  name: "toy",
  sources: ["toy.c", "toy_weights.c", "toy_selftest.c"],
};
export const toyCrc = 0x1234abcd;
export const inputBytes = 3136;

/** What the first byte of an input makes the library do. */
export const Misbehaviour = {
  fault: 0xf1,
  loop: 0xf2,
  wrong: 0xf3,
  status: 0xf4,
  overflow: 0xf5,
  frameLike: 0xf6,
  usageFault: 0xf7,
} as const;

/** Deterministic inputs that make nothing go wrong. */
export function toyInputs(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, v) =>
    Uint8Array.from({ length: inputBytes }, (_, i) => (i === 0 ? v % 200 : (i * (v + 3) * 7 + i * i) & 255)),
  );
}

/** An input whose first byte asks for trouble. */
export function toyTrouble(how: number): Uint8Array {
  const input = toyInputs(1)[0]!;
  input[0] = how;
  return input;
}

const weights = [3, -1, 4, 1, -5, 9, -2, 6, 5, -3];

/** The two tensors of a run: sums and scores, as bytes. */
export function toyReference(input: Uint8Array): { sums: Uint8Array; scores: Uint8Array } {
  const sums = new Int32Array(10);
  for (const [i, value] of input.entries()) sums[i % 10]! += value;
  const scores = sums.map((sum, i) => Math.trunc((sum * weights[i]!) / 7));
  return { sums: bytesOf(sums), scores: bytesOf(scores) };
}

function bytesOf(words: Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** A folder for one test file, removed after it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "bitloom-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `describe` for tests that need programs; when one is absent they are skipped under a name that says so. */
export function describeWith(programs: readonly string[], name: string, body: () => void): void {
  const absent = programs.filter((program) => findOnPath(program) === undefined);
  if (absent.length === 0) {
    describe(name, body);
    return;
  }
  console.warn(`SKIPPED: ${name}: ${absent.join(", ")} not installed`);
  describe.skip(`${name} (SKIPPED: ${absent.join(", ")} not installed)`, body);
}
