/** Damaged bundles: every one ends in a graph, perhaps a library, or in a BitloomError, soon and in little memory. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { xorshift32 } from "../../../src/compile.js";
import { bundleLayers } from "../../../src/formats/bundle/registry.js";
import { withHeader } from "../../support/bundle.js";
import { type End, endOf, expectLittleMemory } from "../../support/hostile-end.js";
import { full } from "../../support/models.js";
import { repoRoot } from "../../support/root.js";

/** Mutants of the manifest, and as many of the weights; a library is made of some of those that are read. */
const FILES = full ? 5000 : 500;
const COMPILED = full ? 3 : 10;

const read = (name: string): Uint8Array =>
  Uint8Array.from(readFileSync(join(repoRoot, "test/fixtures/bundle", name)));

interface Bundle {
  readonly text: string;
  readonly weights: Uint8Array;
}

const bundles = ["trained", "sequential", "branches", "archive", "fixed_point", "floats"].map(
  (name): Bundle => {
    const text = new TextDecoder().decode(read(`${name}.json`));
    return { text, weights: read((JSON.parse(text) as { weights: string }).weights) };
  },
);

let readCount = 0;

/** Some of them are compiled too. */
function bundleEnd({ text, weights }: Bundle): End {
  const bytes = new TextEncoder().encode(text);
  return endOf(bytes, "net.json", { companions: () => weights }, readCount++ % COMPILED === 0);
}

expectLittleMemory();

/** Numbers, texts and structures with which a field can do harm. */
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
  -1e-45,
  "",
  "input",
  "sign",
  "__proto__",
  "constructor",
  "../../etc/passwd",
  true,
  false,
  [],
  [1],
  [2, 2],
  [1, 1, 1, 1],
  [65536, 65536],
  {},
  { type: "none" },
  { mean_abs: "output" },
  { type: "sign", sign_of_zero: 1, scale: 1 },
  "x".repeat(5000),
  new Array(2000).fill(1),
  JSON.parse('{"__proto__":{"type":"relu"},"constructor":{"prototype":{"stride":9}}}'),
  "NESTED",
];

/** JSON in which one of the texts above stands for more levels than functions can call each other. */
function jsonOf(value: unknown): string {
  return JSON.stringify(value).replace('"NESTED"', "[".repeat(50_000) + "]".repeat(50_000));
}

type Fields = Record<string, unknown>;

/** Every place of a manifest at which a value stands. */
function placesOf(root: Fields): [Fields, string][] {
  const places: [Fields, string][] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      places.push([value as Fields, key]);
      visit(inner);
    }
  };
  visit(root);
  return places;
}

const types = bundleLayers.map((l) => l.type);

/** One to three changes: a value, a key, a layer's type, its inputs, or its place in the list. */
function changed(text: string, random: () => number): string {
  const manifest = JSON.parse(text) as Fields & { layers: Fields[] };
  for (let i = random() % 3; i >= 0; i--) {
    const { layers } = manifest;
    if (!Array.isArray(layers) || layers.length === 0) break;
    const layer = layers[random() % layers.length];
    if (typeof layer !== "object" || layer === null) break;
    const [object, key] = placesOf(manifest)[random() % placesOf(manifest).length]!;
    const kind = random() % 8;
    if (kind < 3) object[key] = structuredClone(hostile[random() % hostile.length]);
    else if (kind === 3) delete object[key];
    else if (kind === 4) layer.type = types[random() % types.length];
    else if (kind === 5) layer.inputs = [layers[random() % layers.length]?.name ?? "input", "input"];
    else if (kind === 6) layers.splice(random() % layers.length, 1);
    else layers.push(...layers.splice(random() % layers.length, 1));
  }
  return jsonOf(manifest);
}

/** Damage to a file's bytes, more of it near the start, where headers are. */
function damagedBytes(original: Uint8Array, random: () => number): Uint8Array {
  let bytes = original.slice();
  for (let i = random() % 3; i >= 0; i--) {
    const at = random() % (random() % 2 === 0 ? Math.min(400, bytes.length) : bytes.length);
    const kind = random() % 8;
    if (kind < 3) bytes[at] = bytes[at]! ^ (1 << (random() % 8));
    else if (kind < 5) bytes[at] = [0, 1, 0x39, 0x7f, 0x80, 0xff][random() % 6]!;
    else if (kind === 5) bytes.fill(0xff, at, at + 1 + (random() % 8));
    else if (kind === 6) bytes = bytes.slice(0, Math.max(1, at));
    else bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + (random() % 100))]);
  }
  return bytes;
}

function ends(count: number, mutant: (bundle: Bundle, random: () => number) => Bundle): Record<End, number> {
  const random = xorshift32(0x6275_6e64);
  const found = { library: 0, graph: 0, error: 0 };
  for (let i = 0; i < count; i++) found[bundleEnd(mutant(bundles[i % bundles.length]!, random))]++;
  return found;
}

test(`${FILES} manifests with other values end in a graph or a BitloomError`, () => {
  const found = ends(FILES, ({ text, weights }, random) => ({ text: changed(text, random), weights }));
  // Both ends are reached, or the test tests nothing.
  expect(found.error).toBeGreaterThan(FILES / 5);
  expect(found.graph + found.library).toBeGreaterThan(FILES / 50);
});

test(`${FILES} files of weights with damaged bytes`, () => {
  const found = ends(FILES, ({ text, weights }, random) => ({
    text,
    weights: damagedBytes(weights, random),
  }));
  expect(found.error).toBeGreaterThan(FILES / 5);
  expect(found.graph + found.library).toBeGreaterThan(FILES / 20);
});

test("manifests with damaged text", () => {
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const found = ends(FILES / 2, ({ text: whole, weights }, random) => ({
    text: `{${text(damagedBytes(new TextEncoder().encode(whole), random)).slice(1)}`,
    weights,
  }));
  expect(found.error).toBeGreaterThan(FILES / 10);
});

test("headers of safetensors with every hostile value at every place", () => {
  const { text } = bundles[0]!;
  const entry = { dtype: "F32", shape: [8, 1, 3, 3], data_offsets: [0, 288] };
  for (const value of hostile) {
    for (const key of ["dtype", "shape", "data_offsets", "__proto__", "0.0.weight", "__metadata__"]) {
      const header = JSON.stringify({ "0.0.weight": entry }).replace(
        `"${key}":`,
        `"${key}":${jsonOf(value)},"was":`,
      );
      expect(bundleEnd({ text, weights: withHeader(header, new Uint8Array(288)) })).toBe("error");
    }
  }
});

test("weights cut off after any 13th byte", () => {
  for (const { text, weights } of bundles)
    for (let length = 0; length < weights.length; length += 13)
      expect(bundleEnd({ text, weights: weights.subarray(0, length) })).toBe("error");
});

test("nothing of JavaScript's own has been touched", () => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as Fields).stride).toBeUndefined();
});
