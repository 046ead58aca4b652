/**
 * Inputs from frames and recorded sound: the C of generated headers against the definition in docs/NUMERICS.md, on every
 * sample, on the host and on a Cortex-M0.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import { packageFile } from "../../src/assets/package-files.js";
import { type CompiledModel, compileModelFile } from "../../src/compile.js";
import { sampleMap } from "../../src/emit/sample-maps.js";
import { qemuEmulator } from "../../src/emulators/index.js";
import type { InputFormat } from "../../src/passes/lowering.js";
import { Blob, CRunner } from "../support/c-runner.js";
import { convModel, signalModel } from "../support/conv-model.js";
import { bareTargets } from "../support/kernel-cases.js";
import { mnistMlp } from "../support/models.js";
import { floats, node, onnxFile, scalar } from "../support/onnx.js";
import { Random } from "../support/random-graph.js";
import { repoRoot } from "../support/root.js";

const runner = new CRunner();
afterAll(() => runner.close());

const RANGES = { u8: [0, 255], i8: [-128, 127], i16: [-32768, 32767] } as const;
const PIXELS = { first: 0, count: 256 };
const PCM = { first: -32768, count: 65536 };

/** A dense layer's model, whose input is a vector in the model's order: all of a channel, then the next. */
function flatModel(shape: readonly number[]) {
  const size = shape.reduce((a, b) => a * b, 1);
  const file = onnxFile({
    nodes: [node("Flatten", "x", {}, "f"), node("BipolarQuant", "f s", {}, "q"), node("MatMul", "q w")],
    inputs: { x: [...shape] },
    constants: {
      s: scalar(1),
      w: floats(
        [size, 2],
        Array.from({ length: 2 * size }, (_, i) => (i % 3 === 0 ? -1 : 1)),
      ),
    },
  });
  return compileModelFile(file, "net.onnx", { name: "net" });
}

const i8 = (numerator: number, denominator: number, zero: number): InputFormat => ({
  type: "i8",
  affine: { numerator, denominator, zero },
});

/** `print` of every sample's element, by the header of a model; as text. */
async function elements(model: CompiledModel, call: string, samples: typeof PIXELS, onM0 = false) {
  const source = headerProgram(
    model,
    `int32_t i; for (i = ${samples.first}; i < ${samples.first + samples.count}; i++) say("%ld ", (long)${call});`,
  );
  return (await runner.run(source, new Blob(), [], onM0 ? m0 : undefined)).trim().split(/\s+/).map(Number);
}

const m0 = bareTargets.find((t) => t.name === "M0")!;
const hasQemu = (await qemuEmulator.find()) !== undefined;

function headerProgram(model: CompiledModel, body: string): string {
  writeHeader(model);
  return `#include "check.h"\n#include "model.h"\nPROGRAM { ${body} return 0; }\n`;
}

function writeHeader({ library }: CompiledModel): void {
  writeFileSync(
    join(runner.folder, "model.h"),
    library.files.find((f) => f.path === `${library.name}.h`)!.text,
  );
}

/** The definition: the element nearest to what a sample stands for; of two the greater; at most a step is cut off. */
function defined(real: number, step: number, zero: number, [low, high]: readonly [number, number]): number {
  return Math.min(high, Math.max(low, Math.floor(real / step + 0.5) + zero));
}

describe("maps of samples", () => {
  it("give the nearest element for every sample, or are refused for one that is out of range", () => {
    const seed = Number(process.env.BITLOOM_SEED ?? 20);
    const random = new Random(seed);
    const outcomes = { found: 0, refused: 0 };
    for (let round = 0; round < 36; round++) {
      const type = (["u8", "i8", "i16"] as const)[random.integer(0, 2)]!;
      const isPcm = round % 6 === 0;
      const samples = isPcm ? PCM : PIXELS;
      const meaning = [
        { slope: 1, intercept: 0, divisor: isPcm ? 32768 : 255 },
        { slope: 2, intercept: -255, divisor: 255 },
        { slope: 1, intercept: 0, divisor: 1 },
      ][isPcm ? 0 : random.integer(0, 2)]!;
      const [low, high] = RANGES[type];
      // Steps with which the samples fill about the type's range, some with odd binary fractions.
      const span = (meaning.slope * samples.count) / meaning.divisor;
      const numerator = Math.fround((span / (high - low)) * (0.9 + random.integer(0, 60) / 100));
      const zero = random.integer(0, 2) === 0 ? 0 : random.integer(low, high);
      const map = sampleMap(samples, meaning, { numerator, denominator: 1, zero }, [low, high]);
      const exact = Array.from({ length: samples.count }, (_, i) => {
        // numerator is a fraction over 2^40 and less than 2^24: both sides of the comparison are whole numbers.
        const real = BigInt(meaning.slope * (samples.first + i) + meaning.intercept);
        const step = BigInt(Math.round(numerator * 2 ** 40)) * BigInt(meaning.divisor);
        const guess = Number((real << 40n) / step) - 2;
        const isBelow = (n: number): boolean => real << 41n >= (2n * BigInt(n) - 1n) * step;
        let element = guess;
        while (isBelow(element + 1)) element++;
        return element + zero;
      });
      const where = `seed ${seed}, round ${round}: ${type}, step ${numerator}, zero ${zero}`;
      const fits = exact.every((e) => e >= low - 1 && e <= high + 1);
      if (map === undefined) {
        expect(fits, where).toBe(false);
        outcomes.refused++;
        continue;
      }
      outcomes.found++;
      const made = exact.map((_, i) => {
        const product = BigInt(i) * BigInt(map.multiplier) + BigInt(map.offset);
        expect(product < 1n << (map.isWide ? 64n : 32n)).toBe(true);
        return Number(product >> BigInt(map.shift)) + map.base;
      });
      expect(
        made.every((e, i) => e === exact[i]),
        where,
      ).toBe(true);
      expect(map.clampLow, where).toBe(exact[0]! < low ? low : undefined);
      expect(map.clampHigh, where).toBe(exact.at(-1)! > high ? high : undefined);
    }
    expect(Math.min(outcomes.found, outcomes.refused)).toBeGreaterThan(5);
  });

  it("are refused for scales that are none", () => {
    const raw = { slope: 1, intercept: 0, divisor: 1 };
    for (const numerator of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(sampleMap(PIXELS, raw, { numerator, denominator: 1, zero: 0 }, RANGES.u8)).toBeUndefined();
    expect(sampleMap(PIXELS, raw, { numerator: 1, denominator: 2, zero: 0, step: 2 }, RANGES.u8)).toEqual(
      sampleMap(PIXELS, raw, { numerator: 1, denominator: 1, zero: 0 }, RANGES.u8),
    );
  });
});

describe("elements of pixels", () => {
  it.each([
    ["u8 x/255", undefined, "unit", (s: number) => s],
    [
      "i8 x/128 (white is clamped)",
      i8(1, 128, 0),
      "unit",
      (s: number) => defined(s / 255, 1 / 128, 0, [-128, 127]),
    ],
    ["i8 of TFLite", i8(1, 255, -128), "unit", (s: number) => s - 128],
    ["i8 of a symmetric range", i8(2, 255, -1), "symmetric", (s: number) => s - 128],
    ["i8 in steps of three", i8(3, 255, -128), "unit", (s: number) => Math.floor((2 * s + 3) / 6) - 128],
    ["float", { type: "f32" } as const, "raw", (s: number) => s],
  ])("%s", async (_name, input, map, expected) => {
    const model = convModel([1, 3, 4, 5], input);
    const got = await elements(model, `net_pixel_${map}((uint8_t)i)`, PIXELS);
    expect(got).toEqual(Array.from({ length: 256 }, (_, s) => expected(s)));
  });

  it("float ones are those of training scripts", async () => {
    const body = ["unit", "symmetric"].map(
      (map) => `{ int i; for (i = 0; i < 256; i++) say("%.9g ", (double)net_pixel_${map}((uint8_t)i)); }`,
    );
    const source = headerProgram(convModel([1, 3, 4, 5], { type: "f32" }), body.join("\n"));
    const said = (await runner.run(source, new Blob(), [])).trim().split(" ").map(Number).map(Math.fround);
    const f = Math.fround;
    const pixels = Array.from({ length: 256 }, (_, s) => s);
    expect(said).toEqual([...pixels.map((s) => f(s / 255)), ...pixels.map((s) => f(f(s / 127.5) - 1))]);
  });

  it("of a TFLite file count in its own steps", async () => {
    const file = readFileSync(join(repoRoot, "test/fixtures/tflite/int8_layers.tflite"));
    const model = compileModelFile(file, "net.tflite", { name: "net" });
    // The file's scale is 4/127.5 as float32, its zero point -1.
    const step = Math.fround(4 / 127.5);
    const wanted = Array.from({ length: 256 }, (_, s) => defined(s / 127.5 - 1, step, -1, RANGES.i8));
    expect(await elements(model, "net_pixel_symmetric((uint8_t)i)", PIXELS)).toEqual(wanted);
  });

  it("only maps that the input's scale can hold are there", () => {
    const maps = (model: CompiledModel) =>
      [...model.library.files[0]!.text.matchAll(/_(?:load_image|load_pcm)_(\w+)\(/g)].map(([, name]) => name);
    expect(maps(convModel([1, 3, 4, 5]))).toEqual(["unit"]);
    expect(maps(convModel([1, 3, 4, 5], i8(1, 1, -128)))).toEqual(["unit", "symmetric", "raw"]);
    expect(maps(convModel([1, 2, 4, 5], { type: "f32" }))).toEqual([]);
    expect(maps(signalModel(i8(1, 128, 0)))).toEqual(["unit"]);
  });
});

describe("elements of sound", () => {
  it.each([
    ["i16 x/32768", { type: "i16", affine: { numerator: 1, denominator: 32768, zero: 0 } }, 1 / 32768, 0],
    ["i8 x/128", i8(1, 128, 0), 1 / 128, 0],
    [
      "u8 of an odd step",
      { type: "u8", affine: { numerator: 1, denominator: 127, zero: 128 } },
      1 / 127,
      128,
    ],
  ] as const)("%s", async (_name, input, step, zero) => {
    const model = signalModel(input);
    const got = await elements(model, "net_pcm_unit((int16_t)i)", PCM);
    // The steps are reciprocals of whole numbers: s/32768/step + ½ is exact in doubles.
    const wanted = Array.from({ length: 65536 }, (_, i) =>
      defined((i - 32768) / 32768, step, zero, RANGES[input.type as keyof typeof RANGES]),
    );
    expect(got.every((element, i) => element === wanted[i])).toBe(true);
  });

  it("are taken some steps apart", async () => {
    const source = headerProgram(
      signalModel({ type: "i16", affine: { numerator: 1, denominator: 1, zero: 0 } }),
      "int16_t sound[100]; net_input_t input[NET_INPUT_COUNT]; int i; for (i = 0; i < 100; i++) sound[i] = (int16_t)i;" +
        'net_load_pcm_raw(input, sound + 1, 2); for (i = 0; i < 50; i++) say("%d ", input[i]);',
    );
    const got = (await runner.run(source, new Blob(), [])).trim().split(" ").map(Number);
    expect(got).toEqual(Array.from({ length: 50 }, (_, i) => 2 * i + 1));
  });
});

/** A pixel of a frame as [red, green, blue], by how such frames are described. */
const FORMATS: Readonly<Record<string, { bytes: number; colour: (p: ArrayLike<number>) => number[] }>> = {
  GREY: { bytes: 1, colour: (p) => [p[0]!, p[0]!, p[0]!] },
  RGB: { bytes: 3, colour: (p) => [p[0]!, p[1]!, p[2]!] },
  BGR: { bytes: 3, colour: (p) => [p[2]!, p[1]!, p[0]!] },
  RGB565: { bytes: 2, colour: (p) => of565(p[0]! + 256 * p[1]!) },
  RGB565_SWAPPED: { bytes: 2, colour: (p) => of565(256 * p[0]! + p[1]!) },
};

/** Five and six bits as eight: their bits repeated. */
function of565(word: number): number[] {
  const bits = word.toString(2).padStart(16, "0");
  return [bits.slice(0, 5), bits.slice(5, 11), bits.slice(11)].map((b) =>
    Number.parseInt((b + b).slice(0, 8), 2),
  );
}

const luma = ([r, g, b]: readonly number[]) => Math.floor((77 * r! + 150 * g! + 29 * b! + 128) / 256);

describe.each([
  ["colour", () => convModel([1, 3, 5, 4]), [5, 4, 3], false],
  ["grey", () => convModel([1, 1, 5, 4]), [5, 4, 1], false],
  ["colour, flattened first", () => flatModel([1, 3, 5, 4]), [5, 4, 3], true],
  ["grey, flattened first", () => mnistMlp({ name: "net" }), [28, 28, 1], false],
] as const)("images: %s", (_name, make, [height, width, channels], isPlanar) => {
  const [left, top, margin] = [2, 1, 3];
  const model = make();
  const random = new Random(9);

  /** A frame of noise whose last row is as short as it may be, and the elements of its part. */
  function frameCase(format: string, step: number) {
    const { bytes, colour } = FORMATS[format]!;
    const columns = left + (width - 1) * step + 1;
    const rowBytes = columns * bytes + margin;
    const rows = top + (height - 1) * step + 1;
    const frame = Uint8Array.from({ length: (rows - 1) * rowBytes + columns * bytes }, () =>
      random.integer(0, 255),
    );
    const wanted: number[] = [];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const at = (top + y * step) * rowBytes + (left + x * step) * bytes;
        const rgb = colour(frame.subarray(at, at + bytes));
        wanted.push(...(channels === 1 ? [luma(rgb)] : rgb));
      }
    const planes = Array.from({ length: channels }, (_, c) => wanted.filter((_, i) => i % channels === c));
    return { frame, rowBytes, wanted: isPlanar ? planes.flat() : wanted };
  }

  it.each([false, true])("every format, cropped and thinned out (on a Cortex-M0: %s)", async (onM0) => {
    if (onM0 && !hasQemu) return;
    const blob = new Blob();
    const cases = Object.keys(FORMATS).flatMap((format) => [0, 1, 3].map((step) => ({ format, step })));
    const wanted: number[] = [];
    const calls = cases.map(({ format, step }) => {
      const made = frameCase(format, Math.max(step, 1));
      wanted.push(...made.wanted);
      const image = `{ ${blob.add(made.frame)}, ${made.rowBytes}U, BITLOOM_PIXELS_${format}, ${left}U, ${top}U, ${step}U }`;
      return `{ const bitloom_image image = ${image}; net_load_image_unit(input, &image);
        for (i = 0; i < NET_INPUT_COUNT; i++) say("%d ", input[i]); leave((void *)(uintptr_t)image.pixels); }`;
    });
    const body = `static net_input_t input[NET_INPUT_COUNT]; uint32_t i; START; ${calls.join("\n")}`;
    const said = await runner.run(headerProgram(model, body), blob, [], onM0 ? m0 : undefined);
    expect(said.trim().split(/\s+/).map(Number)).toEqual(wanted);
  });
});

it.skipIf(!hasQemu)("maps are the same on a Cortex-M0", async () => {
  const model = signalModel(i8(1, 100, 0));
  const call = "net_pcm_unit((int16_t)(33 * (i + 32000)))";
  const samples = { first: -32768, count: 2000 };
  expect(await elements(model, call, samples, true)).toEqual(await elements(model, call, samples));
});

it.each([
  ["integers call no division and no float arithmetic", i8(1, 128, 0), 0],
  ["floats do, which shows that the look finds them", { type: "f32" } as const, 2],
])("on a Cortex-M0 elements of %s", async (_name, input, least) => {
  writeHeader(signalModel(input));
  const source =
    '#include "model.h"\nvoid f(net_input_t *to, const int16_t *from) { net_load_pcm_unit(to, from, 2U); }\n';
  writeFileSync(join(runner.folder, "call.c"), source);
  const flags = ["-mcpu=cortex-m0", "-mthumb", "-O2", `-I${packageFile("runtime-c")}`, "-c", "call.c"];
  await execa("arm-none-eabi-gcc", flags, { cwd: runner.folder });
  const { stdout } = await execa("arm-none-eabi-nm", ["-u", join(runner.folder, "call.o")]);
  expect(stdout.split("\n").filter((line) => line !== "")).toHaveLength(least);
});
