/**
 * What verification is worth: a single corruption anywhere in a library must make it fail, and the trace must
 * name the layer. A corruption that nothing could notice is only accepted with its reason.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { CompiledModel } from "../../src/compile.js";
import { BitloomError } from "../../src/diagnostics/diagnostic.js";
import { type Emulator, hostEmulator, qemuEmulator } from "../../src/emulators/index.js";
import { randomBatch } from "../../src/inputs.js";
import { kernels } from "../../src/kernels/registry.js";
import { findBoard } from "../../src/targets/index.js";
import { verifyModel, writeLibrary } from "../../src/verify.js";
import { type CorruptionClass, corrupt, corruptionClasses, flipConstantBit } from "../support/corrupt.js";
import { compileGraph, full } from "../support/models.js";
import { preferring } from "../support/prefer-kernel.js";
import { layeredNet, Random, randomFloats } from "../support/random-graph.js";
import { SmallGraph, windowOf } from "../support/small-graph.js";

/** Nets with unused bits at the end of rows, one binary and one of several planes. */
const nets = [layered(1), layered(3)];
const folder = mkdtempSync(join(tmpdir(), "bitloom-mutation-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const places = full ? 20 : 4;
const machines: readonly (readonly [string, Emulator, string])[] = [
  ["host", hostEmulator, "microbit"],
  ...(full ? ([["QEMU Cortex-M0", qemuEmulator, "qemu-cortex-m0"]] as const) : []),
];

describe.each(machines)("single corruptions on %s", (_machine, emulator, board) => {
  it.each(corruptionClasses)(`${places} places of class "%s" are noticed and located`, async (kind) => {
    const report: string[] = [];
    for (let place = 0; place < places; place++) {
      const outcome = await tryCorruption(kind, place, emulator, board);
      report.push(`${kind} ${place}: ${outcome.what}: ${outcome.result}`);
      expect(outcome.accepted, report.at(-1)).toBe(true);
    }
    if (full) console.log(report.join("\n"));
  });
});

/** Constants of kernels that pack weights in ways of their own: any bit of them is under the layer's checksum. */
describe("single bits of the constants of fast kernels", () => {
  const net = convolutional();
  it.each([
    "conv_image",
    "conv_pairs",
    "conv_rows_pairs",
    "conv_rows_inputs",
  ])("%s is in the net", (kernel) => {
    expect(net.plans.flatMap(({ plan }) => plan.steps.map((s) => s.choice.kernel))).toContain(kernel);
  });

  it.each(Array.from({ length: full ? 40 : 4 }, (_, place) => place))("place %i", async (place) => {
    const random = new Random(7000 + place);
    const model = net.plans[place % net.plans.length]!;
    const library = writeLibrary(model, mkdtempSync(join(folder, "library-")));
    const what = flipConstantBit(library, random);
    const batch = randomBatch(model.program, 2, place);
    const options = { emulator: hostEmulator, board: findBoard("microbit"), library, timeoutMs: 20_000 };
    const result = await verifyModel(model, batch, options);
    expect(result.passed, what).toBe(false);
    const said = result.builds.flatMap((b) => [b.divergence?.layer ?? "", ...b.problems]).join("; ");
    const names = layerNames(what, model)!;
    expect(
      names.some((name) => said.includes(name)),
      `${what}: ${said}`,
    ).toBe(true);
  });
});

async function tryCorruption(kind: CorruptionClass, place: number, emulator: Emulator, board: string) {
  const random = new Random(1000 * corruptionClasses.indexOf(kind) + place + 1);
  const net = nets[place % nets.length]!;
  const dir = mkdtempSync(join(folder, "library-"));
  const library = writeLibrary(net.model, dir);
  const what = corrupt(library, net.layerInputs, kind, random);
  if (what === undefined) throw new Error(`no place for a corruption of class ${kind}`);
  try {
    const options = { emulator, board: findBoard(board), library, timeoutMs: 20_000 };
    const result = await verifyModel(net.model, net.batch, options);
    const named = result.builds.find((b) => b.divergence !== undefined)?.divergence?.layer;
    const problems = result.builds.flatMap((b) => b.problems).join("; ");
    if (result.passed) {
      const reason = survivors.find(
        ([pattern, , bits]) => pattern.test(what) && (bits ?? net.bits) === net.bits,
      );
      const why = reason?.[1];
      return { what, result: `survives: ${why ?? "no reason known"}`, accepted: why !== undefined };
    }
    if (named !== undefined)
      return { what, result: `fails, first at ${named}`, accepted: isExpected(what, named, net) };
    return { what, result: `fails: ${problems}`, accepted: isExplained(what, problems, net) };
  } catch (error) {
    // A corruption that the compiler or linker refuses has been noticed as early as can be.
    if (error instanceof BitloomError && error.exitCode === 1)
      return { what, result: "does not build", accepted: true };
    throw error;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Corruptions of code that these nets, or the one of so many bits, cannot notice, and why. test/kernels covers each of them. */
const survivors: readonly (readonly [RegExp, string, bits?: number])[] = [
  [/from \+= layer->words/, "steps to the next pixel of a row, and a vector has one pixel"],
  [/to->words\[0\]/, "stores codes of layers of one bit", 3],
];

/** Corrupted data must be blamed on its own layer: the sums it makes, or their codes. */
function isExpected(what: string, named: string, net: Net): boolean {
  const names = layerNames(what, net.model);
  return names === undefined || names.includes(named);
}

/**
 * Failures without a diverging tensor. A threshold that no input's sum lies beyond, and a weight's unused bit
 * that the AND kernel masks, change no result at all: there the checksum of the layer names it. A wrong
 * kernel may also crash or never end.
 */
function isExplained(what: string, problems: string, net: Net): boolean {
  const names = layerNames(what, net.model);
  if (names !== undefined)
    return names.some((name) => problems.includes(`thresholds of layer ${name} are not`));
  return /ended|within|did not|fault|exited|killed/i.test(problems);
}

/** Names of the tensors that a corrupted array's layer makes; undefined for corrupted code. */
function layerNames(what: string, model: CompiledModel): string[] | undefined {
  const layer = /_layer(\d+)_/.exec(what)?.[1];
  if (layer === undefined) return undefined;
  const covers = model.plan.steps[Number(layer)]!.choice.covers;
  return covers.map((i) => model.program.tensors[model.program.instructions[i]!.output]!.name);
}

type Net = ReturnType<typeof layered>;

function layered(bits: number) {
  // No width is a multiple of 32: every row ends in unused bits.
  const graph = layeredNet(bits, [300, 70, 45, 10], bits);
  // The kernels whose weights lie row by row, as corruptions find their places.
  const rowByRow = kernels.filter((k) => !/^conv_(rows|pairs|planes|image|bytes)/.test(k.name));
  const model = compileGraph(graph, randomFloats(1, 300), {}, { kernels: rowByRow });
  return { bits, model, batch: randomBatch(model.program, 12, bits), layerInputs: [300, 70, 45] };
}

/** A small image net, once for each of the fast kernels of its middle layers. */
function convolutional() {
  const g = new SmallGraph([1, 3, 9, 9]);
  g.conv(32, { window: windowOf({ kernel: [3, 3] }) });
  g.sign();
  g.conv(33, { window: windowOf({ kernel: [3, 3] }) });
  g.sign();
  g.flatten();
  g.dense(10);
  const variants = ["conv_pairs", "conv_rows_pairs", "conv_rows_inputs"];
  return { plans: variants.map((v) => compileGraph(g.graph, undefined, {}, { kernels: preferring(v) })) };
}
