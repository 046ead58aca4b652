/** NaN and infinities in float inputs, wherever the input goes first: the library and the reference refuse them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import { hostEmulator } from "../../src/emulators/index.js";
import { randomBatch } from "../../src/inputs.js";
import { runDevice } from "../../src/reference/device.js";
import { findBoard } from "../../src/targets/index.js";
import { verifyModel, writeLibrary } from "../../src/verify.js";
import { compileGraph } from "../support/models.js";
import { SmallGraph } from "../support/small-graph.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-finite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SIZE = 2 * 4 * 4;
const MAIN = `
#include <math.h>
#include <stdio.h>
#include "net.h"
static uint64_t arena[4096];
int main(void)
{
    const float values[] = {0.0f, NAN, INFINITY, -INFINITY, 3e38f};
    for (unsigned v = 0; v < sizeof values / sizeof values[0]; v++) {
        for (unsigned at = 0; at < NET_INPUT_COUNT; at += NET_INPUT_COUNT - 1) {
            static float input[NET_INPUT_COUNT];
            static net_output_t output[NET_OUTPUT_COUNT];
            net_context context;
            for (unsigned i = 0; i < NET_INPUT_COUNT; i++) input[i] = 0.5f;
            input[at] = values[v];
            printf("%d ", net_init(&context, arena) + net_run(&context, input, output));
        }
    }
    return 0;
}
`;

const graphs: readonly (readonly [string, (g: SmallGraph) => void])[] = [
  ["a threshold", (g) => g.sign()],
  ["a pool", (g) => g.maxPool(2)],
  ["a convolution", (g) => g.conv(3)],
  ["a transpose", (g) => g.transpose([0, 1, 3, 2])],
];

describe("an input that is not finite", () => {
  it.each(graphs)("is refused where %s reads it", async (name, first) => {
    const g = new SmallGraph([1, 2, 4, 4]);
    first(g);
    g.sign();
    g.flatten();
    g.dense(3);
    const model = compileGraph(g.graph, undefined, { input: { type: "f32" } });
    const library = writeLibrary(model, mkdtempSync(join(folder, "library-")));
    const main = join(library.dir, "main.c");
    const program = join(library.dir, "main");
    writeFileSync(main, MAIN);
    const sources = library.sources.map((s) => join(library.dir, s));
    await execa("gcc", ["-std=c99", "-O2", "-ffast-math", main, ...sources, "-o", program]);
    const { stdout } = await execa(program);
    expect(stdout.trim(), name).toBe("0 0 -2 -2 -2 -2 -2 -2 0 0");
    const input = new Float32Array(SIZE).fill(0.5);
    for (const x of [Number.NaN, Number.POSITIVE_INFINITY]) {
      input[SIZE - 1] = x;
      expect(() => runDevice(model.program, input)).toThrow(/finite/);
    }
  });
});

describe("an operand that is infinite", () => {
  it("compiles: the part of a concatenation that is not clipped", async () => {
    const g = new SmallGraph([1, 2, 4, 4]);
    g.sign();
    const sums = g.conv(3);
    const clipped = g.add({ kind: "clip", low: -4, high: 4 });
    g.add({ kind: "concat", axis: 1 }, [1, 6, 4, 4], [clipped, sums]);
    const model = compileGraph(g.graph, undefined, { input: { type: "f32" }, output: "float32" });
    expect(model.library.files.some(({ text }) => text.includes("-INFINITY"))).toBe(true);
    const options = { emulator: hostEmulator, board: findBoard("mps2-an386") };
    expect(await verifyModel(model, randomBatch(model.program, 4, 1), options)).toMatchObject({
      passed: true,
    });
  });
});
