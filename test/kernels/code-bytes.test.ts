/** The sizes that the planner reckons with are the compiler's. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import { CODE_BYTES, codeBytes } from "../../src/kernels/code-bytes.js";
import { findCpu } from "../../src/targets/index.js";
import { LIBRARY_FLAGS } from "../../src/toolchain/firmware.js";
import { compileAll, objectPath } from "../../src/toolchain/index.js";
import { armGcc } from "../../src/toolchain/tools.js";
import { repoRoot } from "../support/root.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-code-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Kernels of vectors are chosen for one core only. */
const isOfVectors = (type: string): boolean => type.endsWith("_mve");
const cores: readonly (readonly [string, (type: string) => boolean])[] = [
  ["cortex-m4", (type) => !isOfVectors(type)],
  ["cortex-m0", (type) => !isOfVectors(type)],
  ["cortex-m55", isOfVectors],
];

describe.each(cores)("code of the kernels on %s", (id, isWanted) => {
  const cpu = findCpu(id);
  const types = Object.keys(CODE_BYTES).filter(isWanted).sort();

  it("is what the planner reckons with", async () => {
    const measured = await measure(types, cpu.gccFlags);
    expect([...measured.keys()].sort()).toEqual(types);
    const far = types.filter((type) => {
      const bytes = measured.get(type)!;
      return Math.abs(bytes - codeBytes({ type }, cpu)) > Math.max(64, 0.05 * bytes);
    });
    expect(far.map((type) => `${type}: ${measured.get(type)}`)).toEqual([]);
  });
});

/** For each descriptor type the bytes of its largest function with all that it calls in the runtime. */
async function measure(types: readonly string[], flags: readonly string[]): Promise<Map<string, number>> {
  const runtime = join(repoRoot, "runtime-c");
  const sources = readdirSync(runtime).filter((f) => /\.[cS]$/.test(f));
  const jobs = sources.map((f) => ({
    source: join(runtime, f),
    object: objectPath(folder, f),
    flags: [...flags, ...LIBRARY_FLAGS],
  }));
  await compileAll(armGcc(), jobs);
  const objects = jobs.map((j) => j.object);
  const sizes = new Map<string, number>();
  for (const name of await definedFunctions(objects)) {
    const type = typeOf(name);
    if (type === undefined || !types.includes(type)) continue;
    const bytes = await linkedBytes(name, objects, flags);
    sizes.set(type, Math.max(bytes, sizes.get(type) ?? 0));
  }
  return sizes;
}

/** The descriptor type in whose name a function begins. */
function typeOf(name: string): string | undefined {
  const prefix = (type: string): string => `${type.replace(/_layer$/, "")}_`;
  const types = Object.keys(CODE_BYTES).filter((type) => name.startsWith(prefix(type)));
  return types.sort((a, b) => prefix(b).length - prefix(a).length)[0];
}

async function definedFunctions(objects: readonly string[]): Promise<string[]> {
  const { stdout } = await execa("arm-none-eabi-nm", ["--defined-only", "--extern-only", ...objects]);
  return [...stdout.matchAll(/ T (bitloom_\w+)$/gm)].map((match) => match[1]!);
}

/** Code and constants that remain when everything which `name` does not need is left out. */
async function linkedBytes(
  name: string,
  objects: readonly string[],
  flags: readonly string[],
): Promise<number> {
  const linked = join(folder, "linked.out");
  const keep = ["-r", "-nostdlib", "-Wl,--gc-sections", `-Wl,-e,${name}`];
  await execa(armGcc(), [...flags, ...keep, ...objects, "-o", linked]);
  const { stdout } = await execa("arm-none-eabi-size", ["-G", linked]);
  const [text, data] = stdout.split("\n")[1]!.trim().split(/\s+/).map(Number);
  return text! + data!;
}
