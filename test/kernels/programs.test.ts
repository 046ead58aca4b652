/**
 * Every way in which a kernel can execute an instruction of random programs gives what the device reference
 * gives: whole maps, and random pieces of rows through rings that hold no more rows than a piece needs.
 */
import { afterAll, describe, expect, it } from "vitest";
import { qemuEmulator } from "../../src/emulators/index.js";
import { layoutConversion } from "../../src/kernels/layout-conversion.js";
import { kernels } from "../../src/kernels/registry.js";
import type { KernelChoice } from "../../src/kernels/types.js";
import { choiceKey } from "../../src/plan/index.js";
import type { DeviceProgram } from "../../src/program/index.js";
import { compileTrace } from "../../src/reference/device-fast.js";
import { findCpu } from "../../src/targets/index.js";
import { type BareTarget, bareTargets } from "../support/kernel-cases.js";
import { type KernelCase, KernelHarness } from "../support/kernel-harness.js";
import { full } from "../support/models.js";
import { Random } from "../support/random-graph.js";
import { type ProgramOptions, randomProgram, randomValues } from "../support/random-program.js";

const harness = new KernelHarness();
afterAll(() => harness.close());

/** BITLOOM_SEED replays a run; names of failing cases begin with the seed of their program. */
const firstSeed = Number(process.env.BITLOOM_SEED ?? 1000);
const times = full ? 10 : 1;

/** All choices for all instructions, those for calls of few rows too, and all changes of layout. */
function casesOf(seed: number, program: DeviceProgram, core = "cortex-m4"): KernelCase[] {
  const cpu = findCpu(core);
  const values = compileTrace(program)(randomValues(new Random(seed + 1), program.tensors[0]!));
  const choices = (rows?: number): KernelChoice[] =>
    program.instructions.flatMap((_, i) => kernels.flatMap((k) => k.match(program, i, cpu, rows)));
  const whole = choices();
  const keys = new Set(whole.map(choiceKey));
  const inRows = [3, 2, 1].flatMap((rows) =>
    choices(rows)
      .filter((choice) => !keys.has(choiceKey(choice)))
      .map((choice) => {
        keys.add(choiceKey(choice));
        return { choice, rows };
      }),
  );
  const conversions = program.tensors.flatMap((_, id) =>
    (["channels", "pixels"] as const).flatMap((from) => {
      const to = from === "channels" ? "pixels" : "channels";
      return layoutConversion(program, id, from, to) ?? [];
    }),
  );
  return [...[...whole, ...conversions].map((choice) => ({ choice })), ...inRows].map((c) => {
    const { choice } = c;
    const shapes = [...choice.inputs, choice.output].map((id) => program.tensors[id]!.shape.join("×"));
    const name = `${seed}: ${choice.call.function} ${choice.inputLayouts} to ${choice.outputLayout} ${shapes}`;
    return { name, program, values, ...c };
  });
}

/**
 * Functions that were compared.
 *
 * @param isWanted Which of the choices are compared; all of them if absent.
 */
async function compare(
  seeds: number,
  options: ProgramOptions,
  target?: BareTarget,
  isWanted: (choice: KernelChoice) => boolean = () => true,
): Promise<Set<string>> {
  const functions = new Set<string>();
  for (let first = 0; first < seeds; first += 10) {
    const cases = Array.from({ length: Math.min(10, seeds - first) }, (_, i) => firstSeed + first + i)
      .flatMap((seed) => casesOf(seed, randomProgram(seed, options), target?.cpu))
      .filter(({ choice }) => isWanted(choice));
    for (const { choice } of cases) functions.add(choice.call.function);
    expect(await harness.run(cases, new Random(firstSeed + first), target)).toBe("");
  }
  return functions;
}

/** Programs of planes by bases, with what makes codes of sums, and floats of codes. */
const PLANES: ProgramOptions = {
  kinds: ["threshold", "conv-bases", "conv-bases", "threshold", "lookup", "decode"],
  inputType: "i8",
  instructions: 10,
  maxSide: 7,
};

/** Float convolutions behind each other, some of whose numbers are 0, subnormal, or greater and smaller than those of inputs. */
const FLOATS: ProgramOptions = {
  kinds: ["conv-float", "conv-float", "conv-float", "scale", "pool"],
  inputType: "f32",
  instructions: 5,
  maxSide: 6,
};

/** Sums in 16 bits. */
const SHORT: ProgramOptions = {
  kinds: ["threshold", "threshold", "conv", "conv", "add"],
  inputType: "f32",
  channels: [1, 3, 12, 33],
  instructions: 8,
  maxSide: 6,
  shortSums: true,
};

/** Sums, streams of 16 bits and what reads them. */
const FIXED: ProgramOptions = {
  kinds: ["requantize", "requantize", "requantize", "requantize", "conv", "add-fixed", "pool"],
  instructions: 14,
  maxSide: 5,
};

/** What makes outputs that may lie over inputs, of few and of many words, with windows of all kinds. */
const OVERWRITING: ProgramOptions = {
  kinds: [
    ...([
      "threshold",
      "threshold",
      "pool",
      "pool",
      "select",
      "lookup",
      "scale",
      "combine",
      "pairwise",
    ] as const),
    ...(["concat", "concat", "pad"] as const),
  ],
  channels: [1, 3, 8, 31, 33, 64, 70],
  maxSide: 10,
  instructions: 14,
};

/** Channels of several words in any order: only some orders may move within a word's bytes. */
const ORDERS: ProgramOptions = {
  kinds: ["threshold", "select", "select", "select"],
  channels: [33, 70, 100],
  maxSide: 4,
  instructions: 10,
};

const mayOverwrite = ({ inPlace }: KernelChoice): boolean => inPlace !== undefined;

const hasQemu = (await qemuEmulator.find()) !== undefined;

describe("kernels equal the device reference", () => {
  it("on random programs", async () => {
    await compare(40 * times, {});
  }, 900_000);

  it("on maps of more than 32 and 64 pixels a row", async () => {
    const kinds = ["threshold", "pool", "pool", "select", "pad", "concat"] as const;
    const channels = [1, 3, 33];
    const options = {
      kinds,
      channels,
      inputType: "i8",
      maxSide: 9,
      maxLength: 140,
      instructions: 9,
    } as const;
    expect(await compare(20 * times, options)).toContain("bitloom_pool_pixels_extreme");
  }, 900_000);

  it("on floats that differ between positions, are joined and added up", async () => {
    const kinds = ["scale", "scale", "pairwise", "pairwise", "reduce", "conv-float"] as const;
    const functions = await compare(12 * times, {
      kinds,
      inputType: "f32",
      channels: [1, 3, 33],
      maxSide: 5,
    });
    expect([...functions]).toEqual(
      expect.arrayContaining([
        ...["bitloom_scale_positions_f32", "bitloom_reduce_f32"],
        ...["add", "subtract", "multiply"].map((o) => `bitloom_pairwise_${o}`),
      ]),
    );
  }, 900_000);

  it("on float convolutions, those by powers of two with and without multiplications", async () => {
    const functions = await compare(30 * times, FLOATS);
    for (const name of ["conv_float_f32", "conv_select_f32"]) expect(functions).toContain(`bitloom_${name}`);
  }, 900_000);

  it("on moves between pixels and channels, and heads of detectors", async () => {
    const kinds = ["scale", "threshold", "gather", "gather", "region"] as const;
    const options = { kinds, channels: [1, 6, 12, 16, 33, 35, 40], instructions: 10 } as const;
    const functions = await compare(20 * times, options);
    for (const name of ["gather_scalars", "gather_channels", "region_f32"])
      expect(functions).toContain(`bitloom_${name}`);
  }, 900_000);

  it("on convolutions of codes", async () => {
    const kinds = ["threshold", "conv", "conv", "pool"] as const;
    const functions = await compare(30 * times, { kinds, inputType: "i8", instructions: 10 });
    expect(functions).toContain("bitloom_conv_general_sums");
    expect(functions).toContain("bitloom_conv_general_threshold");
  }, 900_000);

  it("on fixed point, in 32 bits, with two lines, and in 64", async () => {
    const forms = ["", "two_", "wide_"].map((form) => `bitloom_requantize_${form}`);
    for (const inputType of ["u8", "i8", "i16"] as const) {
      const functions = await compare(15 * times, { ...FIXED, inputType });
      const types = [inputType, "i16", "i32"];
      for (const form of forms) for (const type of types) expect(functions).toContain(`${form}${type}`);
      expect(functions).toContain("bitloom_add_fixed_i16");
    }
  }, 900_000);

  it("on planes by bases, with and without thresholds", async () => {
    const functions = await compare(30 * times, PLANES);
    const wanted = ["conv_bases_sums", "conv_bases_threshold", "lookup_codes_channels", "decode_f32"];
    for (const name of wanted) expect(functions).toContain(`bitloom_${name}`);
  }, 900_000);

  it("on sums in 16 bits", async () => {
    const functions = await compare(20 * times, SHORT);
    for (const name of ["narrow_i32", "add_i16", "conv_general_narrow", "conv_rows_narrow"])
      expect(functions).toContain(`bitloom_${name}`);
  }, 900_000);

  it("where outputs lie over inputs that are not read again", async () => {
    await compare(20 * times, ORDERS, undefined, mayOverwrite);
    const functions = await compare(40 * times, OVERWRITING, undefined, mayOverwrite);
    const pools = ["maximum", "codes_extreme", "pixels_extreme", "pixels_planes", "pixels_words"];
    const layouts = ["scalars", "channels", "pixels"];
    const moves = [
      ...[...layouts.map((l) => `concat_${l}`), "pad_scalars", "pad_channels"],
      ...["select_scalars", "select_channels", "lookup_u8", "layout_to_pixels", "layout_to_channels"],
    ];
    const floats = [
      "scale_f32",
      "scale_u8",
      "pairwise",
      "threshold_f32",
      "threshold_pixels",
      "threshold_bytes",
    ];
    const wanted = [...pools.map((n) => `pool_${n}`), ...moves, ...floats, "combine"];
    const missing = wanted.filter((name) => ![...functions].some((f) => f.startsWith(`bitloom_${name}`)));
    expect(missing).toEqual([]);
  }, 900_000);

  it.skipIf(!hasQemu).each(bareTargets.map((t) => [t.name, t] as const))(
    "on random programs on %s in QEMU",
    async (_, target) => {
      await compare(full ? 60 : 5, { instructions: 6 }, target);
      await compare(full ? 60 : 3, OVERWRITING, target, mayOverwrite);
      const functions = await compare(full ? 30 : 2, PLANES, target);
      expect(functions).toContain("bitloom_conv_bases_sums");
      expect(await compare(full ? 30 : 3, FLOATS, target)).toContain("bitloom_conv_select_f32");
      expect(await compare(full ? 30 : 2, SHORT, target)).toContain("bitloom_conv_rows_narrow");
    },
    900_000,
  );
});
