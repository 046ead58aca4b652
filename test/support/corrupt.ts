/** Corrupts one place of a generated library on disk, the way a flash error or a wrong kernel would. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LibraryOnDisk } from "../../src/toolchain/library.js";
import type { Random } from "./random-graph.js";

export type CorruptionClass = "weight bit" | "threshold" | "tail bit" | "padding" | "kernel operation";

export const corruptionClasses: readonly CorruptionClass[] = [
  "weight bit",
  "threshold",
  "tail bit",
  "padding",
  "kernel operation",
];

/**
 * Applies one random corruption and says what it did; undefined where the library has no such place.
 * `layerInputs` are the inputs of the dense layers, in order.
 */
export function corrupt(
  library: LibraryOnDisk,
  layerInputs: readonly number[],
  kind: CorruptionClass,
  random: Random,
): string | undefined {
  switch (kind) {
    case "weight bit":
      return corruptWords(library, layerInputs, random, (inputs) => random.integer(0, inputs - 1));
    case "tail bit":
      return corruptWords(library, layerInputs, random, (inputs) =>
        inputs % 32 === 0 ? undefined : random.integer(inputs, Math.ceil(inputs / 32) * 32 - 1),
      );
    case "threshold":
      return corruptThreshold(library, random);
    case "padding":
      return replaceOne(library, paddingSites(library), random);
    case "kernel operation":
      return replaceOne(library, operationSites(library), random);
  }
}

/** Flips one bit of one constant of any kernel, whatever its layout; says which. */
export function flipConstantBit(library: LibraryOnDisk, random: Random): string {
  const path = join(library.dir, `${library.name}_weights.c`);
  const text = readFileSync(path, "utf8");
  const arrays = [...text.matchAll(/const (u?int(8|16|32)_t|float) (\w+)\[\d+\][^=]*= \{([^}]*)\}/g)].filter(
    (match) => match[1] !== "float" && !isTraceOnly(match[3]!),
  );
  const match = random.pick(arrays);
  const [all, type, bits, name, body] = match as unknown as [string, string, string, string, string];
  const values = body.match(/-?(0x[0-9a-f]+|\d+)/g)!;
  const index = random.integer(0, values.length - 1);
  const bit = random.integer(0, Number(bits) - 1);
  const changed = Number(values[index]) ^ (1 << bit);
  const unused = 32 - Number(bits);
  values[index] = String(
    type.startsWith("u") ? (changed << unused) >>> unused : (changed << unused) >> unused,
  );
  writeFileSync(path, text.replace(all, all.replace(body, `\n${values.map((v) => `${v},`).join("\n")}\n`)));
  return `${name}[${index}] bit ${bit}`;
}

interface WeightArray {
  readonly name: string;
  readonly start: number;
  readonly words: readonly string[];
  readonly inputs: number;
}

/** Flips one bit of a packed weight row; `bitOf` picks the bit from the number of inputs, or refuses the array. */
function corruptWords(
  library: LibraryOnDisk,
  layerInputs: readonly number[],
  random: Random,
  bitOf: (inputs: number) => number | undefined,
): string | undefined {
  const path = join(library.dir, `${library.name}_weights.c`);
  const text = readFileSync(path, "utf8");
  const candidates = weightArrays(text, layerInputs).flatMap((array) => {
    const bit = bitOf(array.inputs);
    return bit === undefined ? [] : [{ array, bit }];
  });
  if (candidates.length === 0) return undefined;
  const { array, bit } = random.pick(candidates);
  const rowWords = Math.ceil(array.inputs / 32);
  const row = random.integer(0, array.words.length / rowWords - 1);
  const index = row * rowWords + (bit >> 5);
  const words = [...array.words];
  words[index] = `0x${((Number(words[index]) ^ (1 << (bit & 31))) >>> 0).toString(16).padStart(8, "0")}`;
  const end = text.indexOf("};", array.start);
  const body = words.map((w) => `${w},`).join("\n");
  writeFileSync(path, `${text.slice(0, array.start)}\n${body}\n${text.slice(end)}`);
  return `${array.name}[${index}] bit ${bit & 31}`;
}

/** Weight arrays stand in the file in the order of their layers. */
function weightArrays(text: string, layerInputs: readonly number[]): WeightArray[] {
  const all = [...text.matchAll(/const uint32_t (\w+_weights)\[\d+\][^=]*= \{/g)];
  const matches = all.filter((match) => !isTraceOnly(match[1]!));
  return matches.map((match, layer) => {
    const start = match.index + match[0].length;
    const words = text.slice(start, text.indexOf("};", start)).match(/0x[0-9a-f]{8}/g) ?? [];
    return { name: match[1]!, start, words, inputs: layerInputs[layer]! };
  });
}

/** Arrays that only trace builds have are not what is flashed. */
function isTraceOnly(name: string): boolean {
  return /_trace\d/.test(name);
}

function corruptThreshold(library: LibraryOnDisk, random: Random): string | undefined {
  const path = join(library.dir, `${library.name}_weights.c`);
  const text = readFileSync(path, "utf8");
  const arrays = [
    ...text.matchAll(/const int(16|32)_t (\w+_(?:limits|thresholds))\[(\d+)\][^=]*= \{([^}]*)\}/g),
  ].filter((match) => !isTraceOnly(match[2]!));
  if (arrays.length === 0) return undefined;
  const match = random.pick(arrays);
  const values = match[4]!.match(/-?\d+/g)!;
  const index = random.integer(0, values.length - 1);
  const old = Number(values[index]);
  const changed = old + random.pick([-1, 1, -3, 3, -20, 20]);
  values[index] = String(changed);
  const body = match[0].replace(match[4]!, `\n${values.join(",\n")},\n`);
  writeFileSync(path, text.replace(match[0], body));
  return `${match[2]}[${index}] ${old} -> ${changed}`;
}

interface Site {
  readonly file: string;
  readonly at: number;
  readonly from: string;
  readonly to: string;
}

/** Places that keep the unused bits of a packed word zero, or that say how many bits are used. */
function paddingSites(library: LibraryOnDisk): Site[] {
  const shift = />> \(32U - bits\)/g;
  return sitesOf(library, [
    [shift, ">> 0"],
    [shift, ">> (31U - (bits & 30U))"],
    [shift, ">> (32U - bits) | 0x80000000U"],
    [shift, ">> (32U - bits) | (0xfffffffeU << (bits - 1U))"],
    [shift, ">> (32U - bits) << 1"],
  ]);
}

/** Operators and constants of the kernels' code that runs on every target. */
function operationSites(library: LibraryOnDisk): Site[] {
  return sitesOf(library, [
    [/ \^ (?!0x)/g, " | "],
    [/ & (?!0x)/g, " ^ "],
    [/ \| /g, " & "],
    [/ >> 1\)/g, " >> 2)"],
    [/ >> 2\)/g, " >> 3)"],
    [/ >> 4\)/g, " >> 5)"],
    [/0x55555555U/g, "0x55555557U"],
    [/0x33333333U/g, "0x33333133U"],
    [/8U \* /g, "4U * "],
    [/4U \* /g, "3U * "],
    [/ - 2 \* /g, " + 2 * "],
    [/<< \(i \+ j\)/g, "<< (i)"],
    [/ >= thresholds/g, " > thresholds"],
    [/ \+= layer->words/g, " += layer->words - 1U"],
    [/words -= 8U/g, "words -= 7U"],
    [/0x80000000U/g, "0x40000000U"],
  ]);
}

function sitesOf(library: LibraryOnDisk, rules: readonly (readonly [RegExp, string])[]): Site[] {
  const files = readdirSync(library.dir).filter((f) =>
    /^bitloom_(popcount|codes|dense_\w+|conv_general|threshold)\.[ch]$/.test(f),
  );
  return files.flatMap((file) => {
    const code = blankComments(readFileSync(join(library.dir, file), "utf8"));
    return rules.flatMap(([pattern, to]) =>
      [...code.matchAll(pattern)].map((m) => ({ file, at: m.index, from: m[0], to })),
    );
  });
}

function replaceOne(library: LibraryOnDisk, sites: readonly Site[], random: Random): string | undefined {
  if (sites.length === 0) return undefined;
  const { file, at, from, to } = random.pick(sites);
  const path = join(library.dir, file);
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.slice(0, at) + to + text.slice(at + from.length));
  const line = text.slice(0, at).split("\n").length;
  const statement = text.split("\n")[line - 1]!.trim();
  return `${file}:${line} "${from.trim()}" -> "${to.trim()}" in: ${statement}`;
}

/** Comments and preprocessor conditions blanked out, every character in its place. */
function blankComments(text: string): string {
  const blank = (s: string): string => s.replace(/[^\n]/g, " ");
  return text
    .replace(/\/\*[\s\S]*?\*\//g, blank)
    .replace(/^#if[\s\S]*?^#endif/gm, (block) => (block.includes("__ARM") ? blank(block) : block));
}
