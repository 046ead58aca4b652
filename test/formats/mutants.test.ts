/**
 * `bitloom compile` on damaged files of every format: it ends with a library or with clear errors (exit code 2), soon, in
 * little memory, and writes nothing but the library. What only damages one format's own structure stands in that format's
 * fuzz test. BITLOOM_SEED replays a run; messages name the seed of their file.
 */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Diagnostic } from "../../src/diagnostics/diagnostic.js";
import { renderDiagnostics } from "../../src/diagnostics/text.js";
import { ZipArchive } from "../../src/formats/zip.js";
import { type CompileJob, CompilePool, type CompileResult } from "../support/compile-pool.js";
import { full } from "../support/models.js";
import { mutate } from "../support/mutants.js";
import { Random } from "../support/random-graph.js";
import { repoRoot } from "../support/root.js";
import { zipFile } from "../support/zip.js";

/** Damaged files per format. */
const FILES = full ? 1000 : 150;
const firstSeed = Number(process.env.BITLOOM_SEED ?? 50_000);
/** One file may take so much processor time, in seconds, and the process so much memory. */
const SLOWEST = 5;
const MEMORY = 500e6;

/** The files of a model, the model itself first. */
type Model = Readonly<Record<string, Uint8Array>>;

const formats: Readonly<Record<string, readonly Model[]>> = {
  ONNX: [
    "onnx-maps/torch_mixed.onnx",
    "onnx-maps/residual.onnx",
    "onnx-maps/qdq.onnx",
    "onnx-maps/floats.onnx",
  ].map(model),
  QONNX: ["onnx-maps/brevitas_cnn.onnx", "onnx/scales_w2a2.onnx", "onnx/opset13_constants.onnx"].map(model),
  TFLite: [
    "tflite/groups.tflite",
    "tflite/bits.tflite",
    "tflite/builtins.tflite",
    "tflite/int8_layers.tflite",
  ].map(model),
  HDF5: ["keras/bnn.h5", "keras/qkeras_trained.h5", "keras/normalization.h5"].map(model),
  Keras: ["keras/signal.keras", "keras/qkeras_objects.keras", "keras/plain.keras"].map(model),
  bundle: [
    { ...model("bundle/sequential.json"), ...model("bundle/sequential.safetensors") },
    { ...model("bundle/branches.json"), ...model("bundle/branches.safetensors") },
    { ...model("bundle/archive.json"), ...model("bundle/archive.npz") },
  ],
};

function model(path: string): Model {
  return { [basename(path)]: readFileSync(join(repoRoot, "test/fixtures", path)) };
}

interface Case extends CompileJob {
  readonly title: string;
}

/** A model with one of its files damaged. */
function damaged(format: string, seed: number): Case {
  const random = new Random(seed);
  const files = random.pick(formats[format]!);
  const names = Object.keys(files);
  const name = random.pick(names);
  const original = files[name]!;
  // Checksums stop most damage to an archive, so half of them are damaged before packing.
  const isInside = name.endsWith(".keras") && random.integer(0, 1) === 0;
  const { bytes, changes } = isInside ? mutateMember(original, random) : mutate(original, random);
  return {
    files: { ...files, [name]: bytes },
    model: names[0]!,
    args: random.pick([[], ["--input-type", "f32"], ["--output", "float32"], ["--optimize", "ram"]]),
    title: `seed ${seed}: ${name} with ${changes.join(", ")}`,
  };
}

function mutateMember(archive: Uint8Array, random: Random): ReturnType<typeof mutate> {
  const zip = new ZipArchive(archive, 1e7);
  const wanted = random.pick(["config.json", "config.json", "model.weights.h5"]);
  const mutant = mutate(zip.read(wanted)!, random);
  const members = zip.names.map((name) => ({ name, data: name === wanted ? mutant.bytes : zip.read(name)! }));
  return { bytes: zipFile(members), changes: [wanted, ...mutant.changes] };
}

/** What is wrong with the end of a compilation, if anything is. */
function problems({ files }: Case, result: CompileResult): string[] {
  if (result.died !== undefined) return [`${result.died}\n${result.stderr}`];
  const wrong: string[] = [];
  if (result.seconds > SLOWEST) wrong.push(`took ${result.seconds} seconds`);
  if (result.peakBytes > MEMORY) wrong.push(`held ${result.peakBytes} bytes`);
  if (result.stderr !== "") wrong.push(`wrote to standard error: ${result.stderr}`);
  const { ok, diagnostics, files: promised = [] } = JSON.parse(result.stdout) as Report;
  if (result.exitCode !== (ok ? 0 : 2)) wrong.push(`exit code ${result.exitCode} with ok = ${ok}`);
  const errors = diagnostics.filter((d) => d.severity === "error");
  if ((errors.length === 0) !== ok) wrong.push(`${errors.length} errors with ok = ${ok}`);
  wrong.push(...diagnostics.flatMap(unclear));
  const expected = ["model", ...Object.keys(files).map((f) => join("model", f))];
  if (ok) expected.push("out", ...promised.map((f) => join("out", f)));
  if (result.files.toSorted().join() !== expected.toSorted().join()) wrong.push(`left ${result.files}`);
  return wrong;
}

interface Report {
  readonly ok: boolean;
  readonly diagnostics: readonly Diagnostic[];
  readonly files?: readonly string[];
}

function unclear(diagnostic: Diagnostic): string[] {
  const { code, message, remedy } = diagnostic;
  const text = renderDiagnostics([diagnostic]);
  const wrong = [
    !/^[a-z0-9]+(-[a-z0-9]+)*\/[a-z0-9]+(-[a-z0-9]+)*$/.test(code) && "its code",
    code === "graph/invalid" && "that only the verifier found it",
    message.trim() === "" && "an empty message",
    remedy === "" && "an empty remedy",
    text.length > 3000 && `${text.length} characters`,
    // Lines are this text's own; what came from the file must not add any, nor move the cursor.
    text.split("\n").length !== (remedy === undefined ? 1 : 2) && "line breaks",
    /[^\P{C}\n]|\p{Zl}|\p{Zp}/u.test(text) && "characters that do not print",
    /\bundefined\b|(?<!is )NaN|\[object /.test(text) && "values of the program's own",
  ].filter((w) => w !== false);
  return wrong.map((w) => `${JSON.stringify(text.slice(0, 500))} has ${w}`);
}

const pool = new CompilePool();
afterAll(() => pool.end());

test.each(Object.keys(formats))(
  `%s: ${FILES} damaged files`,
  { timeout: FILES * SLOWEST * 1000 },
  async (format) => {
    const found: string[] = [];
    const ends = new Map<number, number>();
    await pool.run(
      FILES,
      (i) => damaged(format, firstSeed + i),
      (job, result) => {
        ends.set(result.exitCode, (ends.get(result.exitCode) ?? 0) + 1);
        found.push(...problems(job, result).map((problem) => `${job.title}: ${problem}`));
      },
    );
    expect(found).toEqual([]);
    // Both ends are reached, or nothing is tested.
    expect(ends.get(0)).toBeGreaterThan(FILES / 20);
    expect(ends.get(2)).toBeGreaterThan(FILES / 20);
  },
);
