import { readFileSync } from "node:fs";
import { companionFiles } from "../companion-files.js";
import { type CompiledModel, type CompileOptions, compileModelFile } from "../compile.js";
import { fail } from "../diagnostics/diagnostic.js";
import { didYouMean, printable } from "../diagnostics/text.js";
import { type ReadOptions, readModel } from "../formats/index.js";
import type { ModelGraph } from "../graph/types.js";
import type { InputAffine } from "../program/index.js";
import { refuseFolder } from "./model-folder.js";

/** Options that every command which compiles a model takes. */
export interface ModelOptions {
  readonly name?: string;
  readonly inputType?: string;
  readonly inputScale?: string;
  readonly inputZero?: string;
  readonly output?: string;
  readonly optimize?: string;
  readonly ramLimit?: string;
  readonly arenaBanks?: string;
  readonly push?: string;
  readonly signOfZero?: string;
  readonly streams?: string;
}

const INPUT_TYPES = ["u8", "i8", "i16", "f32"] as const;

/** Banks that an arena can have: the harness of tests knows as many. */
const MAX_BANKS = 4;
const LEAST_BANK = 64;

/** Largest model file that is read. */
const MODEL_LIMIT = 1 << 30;

/** Reads and compiles the model that a command names. */
export function compileFromOptions(
  path: string,
  options: ModelOptions,
  extra: Pick<CompileOptions, "observe" | "cpu" | "goal" | "measured" | "banks"> = {},
): CompiledModel {
  const all = { ...compileOptions(options), ...readOptions(path, options), ...extra };
  return compileModelFile(readModelFile(path), path, all);
}

/** Reads the model that a command names, without compiling it. */
export function graphFromOptions(path: string, options: ModelOptions): ModelGraph {
  return readModel(readModelFile(path), path, readOptions(path, options));
}

function readOptions(path: string, { signOfZero }: ModelOptions): ReadOptions {
  return {
    companions: companionFiles(path),
    ...(signOfZero === undefined ? {} : { signOfZero: parseSign(signOfZero) }),
  };
}

/** `+1`, `1`, `-1` or `0`. */
function parseSign(text: string): 1 | -1 | 0 {
  const sign = oneOf("--sign-of-zero", text, ["+1", "-1", "0", "1"]);
  return sign === "-1" ? -1 : sign === "0" ? 0 : 1;
}

/** The compiler's options from the command line's words. */
export function compileOptions(options: ModelOptions): CompileOptions {
  const input = inputFromOptions(options);
  return {
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(input === undefined ? {} : { input }),
    ...(options.optimize === undefined
      ? {}
      : { goal: oneOf("--optimize", options.optimize, ["speed", "size", "ram"]) }),
    ...(options.ramLimit === undefined ? {} : { ramLimit: bytesFrom("--ram-limit", options.ramLimit) }),
    ...(options.arenaBanks === undefined ? {} : { banks: banksFrom(options.arenaBanks) }),
    ...(options.push === undefined ? {} : pushOptions(options.push)),
    ...(options.streams === undefined
      ? {}
      : { streams: oneOf("--streams", options.streams, ["float32", "q16"]) }),
    ...(options.output === undefined
      ? {}
      : { output: oneOf("--output", options.output, ["scores", "float32"]) }),
  };
}

/** Rows of one input, or samples without end. */
function pushOptions(push: string): Pick<CompileOptions, "pushes" | "endless"> {
  return {
    pushes: true,
    ...(oneOf("--push", push, ["rows", "samples"]) === "samples" ? { endless: true } : {}),
  };
}

/** A number of bytes, e.g. `8192` or `8K`. */
function bytesFrom(option: string, text: string): number {
  const match = /^(\d{1,9})([kK]?)$/.exec(text);
  if (match !== null) return Number(match[1]) * (match[2] === "" ? 1 : 1024);
  throw fail("cli/bytes", `${option} takes a number of bytes, not "${printable(text, 20)}"`, {
    remedy: `e.g. ${option} 8192 or ${option} 8K`,
  });
}

/** Banks of an arena: `16K,64K`. */
function banksFrom(text: string): number[] {
  const banks = text.split(",").map((bytes) => bytesFrom("--arena-banks", bytes));
  if (banks.length >= 2 && banks.length <= MAX_BANKS && banks.every((bytes) => bytes >= LEAST_BANK))
    return banks;
  throw fail("cli/banks", `--arena-banks takes 2 to ${MAX_BANKS} sizes of at least ${LEAST_BANK} bytes`, {
    remedy:
      "e.g. --arena-banks 16K,64K: the memory that is filled first, then the others; --ram-limit is for one",
  });
}

/** The bytes of a model file, with a limit on its size. */
function readModelFile(path: string): Uint8Array {
  refuseFolder(path);
  const bytes = readFileSync(path);
  if (bytes.length <= MODEL_LIMIT) return bytes;
  throw fail(
    "file/too-large",
    `the file has ${bytes.length} bytes; models of more than ${MODEL_LIMIT} bytes are refused`,
    {
      where: path,
    },
  );
}

function inputFromOptions({
  inputType,
  inputScale,
  inputZero,
}: ModelOptions): CompileOptions["input"] | undefined {
  if (inputType === undefined) {
    if (inputScale === undefined && inputZero === undefined) return undefined;
    throw fail("cli/input", "--input-scale and --input-zero need --input-type", {
      remedy: "add e.g. --input-type u8",
    });
  }
  const type = INPUT_TYPES.find((t) => t === inputType);
  if (type === undefined) {
    const guess = didYouMean(inputType, INPUT_TYPES) ?? "u8";
    throw fail("cli/input-type", `unknown input type "${printable(inputType, 20)}"`, {
      remedy: `use one of ${INPUT_TYPES.join(", ")}; did you mean ${guess}?`,
    });
  }
  if (type === "f32") return { type };
  if (inputScale === undefined) {
    throw fail("cli/input-scale", `an input of type ${type} needs --input-scale`, {
      remedy: "say what one step stands for, e.g. --input-scale 1/255",
    });
  }
  return {
    type,
    affine: { ...parseScale(inputScale), zero: wholeNumber("--input-zero", inputZero ?? "0", -65536, 65535) },
  };
}

/** `1/255` or `0.0078125` as a fraction. */
function parseScale(text: string): Pick<InputAffine, "numerator" | "denominator"> {
  const [numerator, denominator] = text.split("/").map(Number);
  const valid = /^[0-9.e+-]+(\/[0-9.e+-]+)?$/i.test(text) && numerator! > 0 && (denominator ?? 1) > 0;
  if (!valid || !Number.isFinite(numerator) || !Number.isFinite(denominator ?? 1)) {
    throw fail("cli/input-scale", `"${printable(text, 30)}" is not a positive number or fraction`, {
      remedy: "write it like 1/255 or 0.0078125",
    });
  }
  return { numerator: numerator!, denominator: denominator ?? 1 };
}

/** A whole number within bounds, or an error that names the option. */
export function wholeNumber(option: string, text: string, least: number, greatest: number): number {
  const value = Number(text);
  if (/^[+-]?\d+$/.test(text) && value >= least && value <= greatest) return value;
  throw fail(
    "cli/number",
    `${option} takes a whole number from ${least} to ${greatest}, not "${printable(text, 30)}"`,
  );
}

/** One of a few words, or an error that lists them. */
export function oneOf<const T extends string>(option: string, text: string, choices: readonly T[]): T {
  const found = choices.find((c) => c === text);
  if (found !== undefined) return found;
  const guess = didYouMean(text, choices);
  throw fail("cli/choice", `${option} does not know "${printable(text, 30)}"`, {
    remedy: `use one of ${choices.join(", ")}${guess === undefined ? "" : `; did you mean ${guess}?`}`,
  });
}
