/** All code of a family of kernels, whatever a layer links of it, stays within what DESIGN's targets allow. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { packageFile } from "../../src/assets/package-files.js";
import { findCpu } from "../../src/targets/index.js";
import { armGcc, compileAll, LIBRARY_FLAGS, objectPath, readElf } from "../../src/toolchain/index.js";
import { memoryUse } from "../../src/toolchain/size.js";
import { describeWith, temporaryFolder } from "../toolchain/toy.js";

/** Of the compiler whose figures the docs show; others may need some per cent more. */
const LIMIT = 10 * 1024;
const FIGURES_OF = "12.2";
const SLACK = 1.05;
/** Families by what their files' names begin with, and what begins another family's. */
const families: Readonly<Record<string, RegExp>> = {
  conv_pairs: /^bitloom_conv_pairs(_\w+)?\.[cS]$/,
  conv_planes: /^bitloom_conv_planes(_\w+)?\.[cS]$/,
  conv_rows: /^bitloom_conv_rows(_(?!mve)\w+)?\.[cS]$/,
  conv_rows_mve: /^bitloom_conv_rows_mve(_\w+)?\.[cS]$/,
  conv_tables_mve: /^bitloom_conv_tables_mve(_\w+)?\.[cS]$/,
  conv_bytes: /^bitloom_conv_bytes(_\w+)?\.[cS]$/,
  conv_image: /^bitloom_conv_image(_\w+)?\.[cS]$/,
};
const cores = ["cortex-m0", "cortex-m3", "cortex-m4", "cortex-m33", "cortex-m55"];
const folder = temporaryFolder();

/** Bytes of code and constants of all objects of a family. */
async function familyBytes(files: RegExp, core: string): Promise<number> {
  const runtime = packageFile("runtime-c");
  const flags = [...findCpu(core).gccFlags, ...LIBRARY_FLAGS, `-I${runtime}`];
  const sources = readdirSync(runtime).filter((file) => files.test(file));
  const jobs = sources.map((file) => ({
    source: join(runtime, file),
    object: objectPath(folder, file),
    flags,
  }));
  await compileAll(armGcc(), jobs);
  const elves = await Promise.all(jobs.map(({ object }) => readElf(object)));
  return elves.reduce((sum, elf) => sum + memoryUse(elf).flashBytes, 0);
}

describeWith(["arm-none-eabi-gcc"], "code of a family is at most 10 KB", () => {
  it.each(
    cores
      .flatMap((core) => Object.entries(families).map(([name, files]) => [name, core, files] as const))
      // Chosen for cores without vectors only.
      .filter(([name, core]) => !(name === "conv_pairs" && findCpu(core).hasMve)),
  )("%s on %s", async (name, core, files) => {
    const bytes = await familyBytes(files, core);
    const { stdout: version } = await execa(armGcc(), ["-dumpfullversion"]);
    const limit = version.startsWith(FIGURES_OF) ? LIMIT : SLACK * LIMIT;
    expect(bytes, `${name} has ${bytes} bytes on ${core}`).toBeGreaterThan(500);
    expect(bytes, `${name} has ${bytes} bytes on ${core}`).toBeLessThanOrEqual(limit);
  });
});
