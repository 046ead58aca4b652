/**
 * The lock file of `bitloom tune`: executed instructions of kernels as measured in an emulator. It is an input of
 * the build, kept under version control beside the model: with it a plan is the same on every machine.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { z } from "zod";
import { packageFile } from "../assets/package-files.js";
import { fail } from "../diagnostics/diagnostic.js";
import type { Cpu } from "../targets/index.js";

const FORMAT = 1;

const lockFile = z.strictObject({
  format: z.literal(FORMAT),
  /** Core and compiler that the figures hold for. */
  cpu: z.string().max(40),
  compiler: z.string().max(200),
  /** Hash of the runtime's sources: figures of other kernels are worth nothing. */
  runtime: z.string().regex(/^[0-9a-f]{64}$/),
  /** Executed instructions by the key of a kernel's choice (`choiceKey`). */
  instructions: z.record(z.string().max(2000), z.int().positive()),
  /** Hash of all fields above. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

export interface Measurements {
  readonly cpu: string;
  readonly compiler: string;
  readonly instructions: ReadonlyMap<string, number>;
}

/** The text of a lock file, the same for the same measurements. */
export function writeLockFile({ cpu, compiler, instructions }: Measurements): string {
  const sorted = [...instructions].sort(([a], [b]) => (a < b ? -1 : 1));
  const content = {
    format: FORMAT,
    cpu,
    compiler,
    runtime: runtimeHash(),
    instructions: Object.fromEntries(sorted),
  };
  return `${JSON.stringify({ ...content, hash: hashOf(content) }, null, 2)}\n`;
}

/**
 * Reads a lock file for a core. Throws `tuning/invalid`, `tuning/changed` (it was edited), `tuning/cpu` (it is for
 * another core) or `tuning/stale` (it was made with other kernels), all exit 2.
 */
export function readLockFile(text: string, cpu: Cpu, where: string): ReadonlyMap<string, number> {
  const again = `make it again: bitloom tune <model> --cpu ${cpu.id} -o ${where}`;
  const parsed = lockFile.safeParse(parseJson(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const problem = issue === undefined ? "" : `: ${issue.path.join(".")} ${issue.message}`;
    throw fail("tuning/invalid", `this is no lock file of bitloom tune${problem}`, { where, remedy: again });
  }
  const { hash, ...content } = parsed.data;
  if (hash !== hashOf(content)) {
    throw fail("tuning/changed", "the file's hash does not fit its content", { where, remedy: again });
  }
  if (content.cpu !== cpu.id) {
    throw fail("tuning/cpu", `the file was measured on ${content.cpu}, not ${cpu.id}`, {
      where,
      remedy: again,
    });
  }
  if (content.runtime !== runtimeHash()) {
    throw fail("tuning/stale", "the file was measured with another version of the kernels", {
      where,
      remedy: again,
    });
  }
  return new Map(Object.entries(content.instructions));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function hashOf(content: object): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

/** Hash of the names and texts of all runtime files. */
function runtimeHash(): string {
  const hash = createHash("sha256");
  for (const file of readdirSync(packageFile("runtime-c")).sort()) {
    hash.update(file).update(readFileSync(packageFile(`runtime-c/${file}`)));
  }
  return hash.digest("hex");
}
