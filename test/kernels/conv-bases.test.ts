/**
 * Both forms of `conv_bases` on host and cores equal the definition, whatever the coefficients, where sums are thresholds
 * or lie next to them. What fails names its seed.
 */
import { afterAll, describe, expect, it } from "vitest";
import { qemuEmulator } from "../../src/emulators/index.js";
import { convBases } from "../../src/kernels/conv-bases.js";
import { convBasesRows } from "../../src/kernels/conv-bases-rows.js";
import { findCpu } from "../../src/targets/index.js";
import { bareTargets } from "../support/kernel-cases.js";
import { type KernelCase, KernelHarness } from "../support/kernel-harness.js";
import { full } from "../support/models.js";
import { randomBasesCase } from "../support/random-bases.js";
import { Random } from "../support/random-graph.js";

const harness = new KernelHarness();
afterAll(() => harness.close());

const firstSeed = Number(process.env.BITLOOM_SEED ?? 4000);
const times = full ? 10 : 1;

function casesOf(seed: number, core: string): KernelCase[] {
  const { program, values } = randomBasesCase(new Random(seed));
  const choices = [convBases, convBasesRows].flatMap((k) => k.match(program, 0, findCpu(core)));
  return choices.map((choice) => ({
    name: `${seed}: ${choice.call.function}, ${choice.scratchBytes} bytes of scratch`,
    program,
    values,
    choice,
  }));
}

const manyCases = (count: number, core: string): KernelCase[] =>
  Array.from({ length: count }, (_, i) => casesOf(firstSeed + i, core)).flat();

/** Outputs of a case whose coefficients have a unit, and those whose have none. */
function units({ choice }: KernelCase): readonly [number, number] {
  const { values } = choice.call.constants.find(({ name }) => name === "exponents")!;
  const without = Array.from(values).filter((e, i) => i % 2 === 0 && e === -128).length;
  return [values.length / 2 - without, without];
}

const hasQemu = (await qemuEmulator.find()) !== undefined;

describe("planes by bases equal the definition", () => {
  it("on the host", async () => {
    const cases = manyCases(80 * times, "cortex-m4");
    expect(await harness.run(cases, new Random(firstSeed))).toBe("");
  }, 600_000);

  it.skipIf(!hasQemu).each(bareTargets)(
    "on $name in QEMU",
    async (target) => {
      const cases = manyCases(25 * times, target.cpu);
      expect(await harness.run(cases, new Random(firstSeed), target)).toBe("");
    },
    600_000,
  );

  it("in all forms, with units and without, in bytes and halves, in one block and in several", () => {
    const cases = manyCases(80, "cortex-m4");
    const functions = new Set(cases.map(({ choice }) => choice.call.function));
    expect([...functions].sort()).toEqual(
      ["rows_sums", "rows_threshold", "sums", "threshold"].map((what) => `bitloom_conv_bases_${what}`),
    );
    for (const of of [0, 1]) expect(cases.some((c) => units(c)[of]! > 0)).toBe(true);
    const fields = cases.map(({ choice }) => Object.fromEntries(choice.call.fields));
    for (const wide of [0, 1]) expect(fields.some((f) => f.wide === wide)).toBe(true);
    const outputs = fields.map((f) => [f.block_outputs, f["base.group_outputs"]]);
    expect(outputs.some(([block, all]) => block !== undefined && block === all)).toBe(true);
    expect(outputs.some(([block, all]) => block !== undefined && Number(block) < Number(all))).toBe(true);
  });
});
