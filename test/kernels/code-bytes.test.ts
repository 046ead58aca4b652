/** The sizes that the planner reckons with are the compiler's, and no family of kernels exceeds its limit. */
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

/** Code of one family of kernels on one core at most. */
const LIMIT = 10 * 1024;

const folder = mkdtempSync(join(tmpdir(), "bitloom-code-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(["cortex-m4", "cortex-m0"])("code of the kernels on %s", (id) => {
  const cpu = findCpu(id);

  it("is what the planner reckons with, and at most 10 KB per family", async () => {
    const measured = await measure(cpu.gccFlags);
    expect([...measured.keys()].sort()).toEqual(Object.keys(CODE_BYTES).sort());
    for (const [type, bytes] of measured) {
      const said = codeBytes({ type }, cpu);
      expect(Math.abs(bytes - said), `${type}: ${bytes} bytes, said to be ${said}`).toBeLessThanOrEqual(
        Math.max(64, 0.05 * bytes),
      );
      expect(bytes, type).toBeLessThanOrEqual(LIMIT);
    }
  });
});

/** For each descriptor type the bytes of its largest function with all that it calls in the runtime. */
async function measure(flags: readonly string[]): Promise<Map<string, number>> {
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
    if (type === undefined) continue;
    const bytes = await linkedBytes(name, objects, flags);
    sizes.set(type, Math.max(bytes, sizes.get(type) ?? 0));
  }
  return sizes;
}

/** The descriptor type in whose name a function begins. */
function typeOf(name: string): string | undefined {
  const types = Object.keys(CODE_BYTES).filter((t) => name.startsWith(`${t.replace(/_layer$/, "")}_`));
  return types.sort((a, b) => b.length - a.length)[0];
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
