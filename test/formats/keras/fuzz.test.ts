/**
 * Keras files with other settings: every one ends in a graph, perhaps a library, or in a BitloomError, soon and in little memory.
 * Damaged bytes: `../mutants.test.ts`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { xorshift32 } from "../../../src/compile.js";
import { ZipArchive } from "../../../src/formats/zip.js";
import { endOf, expectLittleMemory } from "../../support/hostile-end.js";
import { full } from "../../support/models.js";
import { repoRoot } from "../../support/root.js";
import { zipFile } from "../../support/zip.js";

const FILES = full ? 1000 : 60;

const read = (name: string): Uint8Array =>
  Uint8Array.from(readFileSync(join(repoRoot, "test/fixtures/keras", name)));

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

expectLittleMemory();

describe(`${FILES} mutated files end in a graph or a BitloomError`, () => {
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
  const whole = read("qkeras_trained.h5");
  for (let length = 1; length < whole.length; length += 97) endOf(whole.subarray(0, length), "m.h5");
});
