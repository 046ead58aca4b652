/** Damaged Keras files: every one ends in a graph, perhaps a library, or in a BitloomError, soon and in little memory. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { compileModelFile, xorshift32 } from "../../../src/compile.js";
import { BitloomError } from "../../../src/diagnostics/diagnostic.js";
import { readModel } from "../../../src/formats/index.js";
import { ZipArchive } from "../../../src/formats/zip.js";
import { printGraph } from "../../../src/graph/print.js";
import { full } from "../../support/models.js";
import { repoRoot } from "../../support/root.js";
import { zipFile } from "../../support/zip.js";

const FILES = full ? 1000 : 60;
/** One file may take this long, in milliseconds, and all of them this much memory. */
const SLOWEST = 5000;
const MEMORY = 500e6;

const read = (name: string): Uint8Array =>
  Uint8Array.from(readFileSync(join(repoRoot, "test/fixtures/keras", name)));

type End = "library" | "graph" | "error";

function endOf(bytes: Uint8Array, fileName: string): End {
  const start = performance.now();
  let end: End = "error";
  try {
    printGraph(readModel(bytes, fileName));
    end = "graph";
    compileModelFile(bytes, fileName);
    return "library";
  } catch (error) {
    if (!(error instanceof BitloomError)) throw error;
    expect(error.exitCode).toBe(2);
    expect(error.diagnostics.map((d) => d.code)).not.toContain("graph/invalid");
    for (const d of error.diagnostics) expect(d.message.length).toBeLessThan(2000);
    return end;
  } finally {
    expect(performance.now() - start).toBeLessThan(SLOWEST);
  }
}

/** Places where bytes are structure rather than weights come up more often. */
function placeIn(bytes: Uint8Array, random: () => number): number {
  const near = [0, bytes.length - 2048, random() % bytes.length][random() % 3]!;
  const at = Math.max(0, near) + (random() % 2048);
  return random() % 3 === 0 ? random() % bytes.length : Math.min(at, bytes.length - 1);
}

function mutated(original: Uint8Array, random: () => number): Uint8Array {
  let bytes = original.slice();
  for (let i = random() % 3; i >= 0; i--) {
    const at = placeIn(bytes, random);
    const kind = random() % 10;
    if (kind < 4) bytes[at] = bytes[at]! ^ (1 << (random() % 8));
    else if (kind < 6) bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random() % 5]!;
    else if (kind < 8) bytes.fill(0xff, at, at + 1 + (random() % 8));
    else if (kind === 8) bytes = bytes.slice(0, Math.max(1, at));
    else bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + (random() % 100))]);
  }
  return bytes;
}

/** Numbers and texts with which a setting can do harm. */
const hostile: readonly unknown[] = [
  null,
  0,
  1,
  -1,
  2,
  0.5,
  65536,
  2 ** 31,
  2 ** 53,
  1e308,
  "",
  "same",
  "valid",
  "__proto__",
  "binary(alpha=1)",
  true,
  false,
  [],
  [2],
  [1, 1],
  [1e9, 1e9],
  {},
  { class_name: "SteSign", config: {} },
  "x".repeat(5000),
  Array(2000).fill(1),
];

/** One setting, somewhere in the config, replaced. */
function withSetting(config: unknown, random: () => number): unknown {
  const places: [Record<string, unknown>, string][] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      places.push([value as Record<string, unknown>, key]);
      visit(inner);
    }
  };
  const copy = structuredClone(config);
  visit(copy);
  const [object, key] = places[random() % places.length]!;
  object[key] = hostile[random() % hostile.length];
  return copy;
}

const before = process.memoryUsage().rss;
afterAll(() => expect(process.memoryUsage().rss - before).toBeLessThan(MEMORY));

const files = [
  "qkeras_trained.h5",
  "quantized_scope.h5",
  "normalization.h5",
  "signal.keras",
  "residual.h5",
  "nested.h5",
  "../hdf5/compressed.h5",
  "around.h5",
].map((name) => [name, read(name)] as const);

describe(`${FILES} mutated files end in a graph or a BitloomError`, () => {
  test("with damaged bytes", () => {
    const random = xorshift32(0x6b65_7261);
    const ends = { library: 0, graph: 0, error: 0 };
    for (let i = 0; i < FILES; i++) {
      const [name, bytes] = files[i % files.length]!;
      ends[endOf(mutated(bytes, random), name)]++;
    }
    // Both ends are reached, or the test tests nothing.
    expect(ends.error).toBeGreaterThan(FILES / 10);
    expect(ends.library + ends.graph).toBeGreaterThan(FILES / 10);
  });

  test("with other settings", () => {
    const random = xorshift32(0x7365_7474);
    const ends = { library: 0, graph: 0, error: 0 };
    const archives = [
      "signal.keras",
      "quantizers.keras",
      "plain.keras",
      "qkeras_objects.keras",
      "nested.keras",
    ].map((name) => {
      const archive = new ZipArchive(read(name), 1e7);
      const config: unknown = JSON.parse(new TextDecoder().decode(archive.read("config.json")!));
      return { config, weights: archive.read("model.weights.h5")! };
    });
    for (let i = 0; i < FILES; i++) {
      const { config, weights } = archives[i % archives.length]!;
      const changed = JSON.stringify(withSetting(config, random));
      const file = zipFile([
        { name: "config.json", data: new TextEncoder().encode(changed), deflate: true },
        { name: "model.weights.h5", data: weights },
      ]);
      ends[endOf(file, "m.keras")]++;
    }
    expect(ends.error).toBeGreaterThan(FILES / 20);
    expect(ends.library + ends.graph).toBeGreaterThan(FILES / 10);
  });
});

test("a file cut off after any 97th byte", () => {
  const [, whole] = files[0]!;
  for (let length = 1; length < whole.length; length += 97) endOf(whole.subarray(0, length), "m.h5");
});
