/** What a firmware reads of a detector's output: the header's own functions. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { compileModelFile } from "../../src/compile.js";
import { inDeviceOrder } from "../../src/program/index.js";
import { runDevice } from "../../src/reference/device.js";
import { temporaryFolder } from "../../src/toolchain/at-exit.js";
import { hostCc } from "../../src/toolchain/tools.js";
import { writeLibrary } from "../../src/verify.js";
import { manifestOf, safetensorsFile, tensor } from "../support/bundle.js";

/** A head of two anchors on 2 × 2 cells, read from the input by a convolution that changes nothing. */
function detector() {
  const channels = 14;
  const identity = Array.from({ length: channels ** 2 }, (_, i) => (i % (channels + 1) === 0 ? 1 : 0));
  const tensors = { w: tensor([channels, channels, 1, 1], identity) };
  const region = {
    type: "region",
    anchors: [
      [0.5, 1],
      [1.5, 0.75],
    ],
    classes: 2,
    class_scores: "sigmoid",
    score_threshold: 0.3,
    iou_threshold: 0.45,
    suppression: "class",
    max_candidates: 16,
    max_boxes: 9,
  };
  const conv = { type: "conv2d", weight: "w", weight_quantizer: { type: "none" } };
  const manifest = manifestOf({ input: [channels, 2, 2], layers: [conv, region], tensors });
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  return compileModelFile(bytes, "net.json", {
    input: { type: "f32" },
    companions: () => safetensorsFile(tensors),
  });
}

const MAIN = `
#include "net.h"
#include <stdio.h>

static uint8_t arena[NET_ARENA_SIZE] __attribute__((aligned(NET_ARENA_ALIGN)));
static const float input[NET_INPUT_COUNT] = { INPUT };

int main(void) {
    net_context context;
    net_output_t output[NET_OUTPUT_COUNT];
    uint32_t i;
    if (net_init(&context, arena) != BITLOOM_OK || net_run(&context, input, output) != BITLOOM_OK) {
        return 1;
    }
    for (i = 0U; i < net_box_count(output); i++) {
        const bitloom_box box = net_box(output, i);
        printf("%.9g %.9g %.9g %.9g %.9g %d\\n", (double)box.x, (double)box.y, (double)box.width, (double)box.height,
               (double)box.score, (int)box.class_index);
    }
    return 0;
}
`;

it("name_box_count and name_box give the reference's boxes, from C and from C++", async () => {
  const model = detector();
  const { program } = model;
  const numbers = Float32Array.from({ length: 56 }, (_, i) => Math.fround(Math.sin(i * 1.7) * 2));
  const stored = inDeviceOrder(program, numbers);
  const list = runDevice(program, stored);
  const expected = Array.from({ length: 9 }, (_, i) => Array.from(list.slice(6 * i, 6 * i + 6))).filter(
    (row) => row[4]! > 0,
  );
  expect(expected.length).toBeGreaterThan(1);
  expect(expected.length).toBeLessThan(9);
  const folder = temporaryFolder("bitloom-boxes-");
  try {
    const library = writeLibrary(model, join(folder.path, "library"));
    expect(readFileSync(join(library.dir, "net.h"), "utf8")).toContain("#define NET_MOST_BOXES 9U");
    const main = join(folder.path, "main.c");
    const literals = Array.from(stored, (x) => `${x.toPrecision(9)}f`).join(", ");
    writeFileSync(main, MAIN.replace("INPUT }", `${literals} }`));
    const flags = ["-Wall", "-Wextra", "-Wconversion", "-Werror", "-I", library.dir];
    const sources = library.sources.map((s) => join(library.dir, s));
    const executable = join(folder.path, "main");
    await execa(hostCc(), ["-std=c99", ...flags, main, ...sources, "-o", executable]);
    await execa(hostCc(), ["-x", "c++", "-fsyntax-only", ...flags, main]);
    const { stdout } = await execa(executable);
    const found = stdout.split("\n").map((line) => line.split(" ").map((x) => Math.fround(Number(x))));
    expect(found).toEqual(expected);
  } finally {
    folder.remove();
  }
});
