/** Programs without a board or a C library's start-up, on a core in QEMU: linked, run, and what they print. */
import { join } from "node:path";
import { execa } from "execa";
import { compileAll, type LibraryOnDisk, objectPath } from "../../src/toolchain/index.js";
import { armGcc } from "../../src/toolchain/tools.js";
import type { BareTarget } from "./kernel-cases.js";
import { repoRoot } from "./root.js";

/** GCC's for a target. */
export function bareFlags(target: BareTarget): string[] {
  const flags = "-mthumb -O2 -std=c99 -ffunction-sections".split(" ");
  return [
    `-mcpu=${target.cpu}`,
    `-mfloat-abi=${target.floatAbi ?? "soft"}`,
    ...flags,
    ...(target.defines ?? []),
  ];
}

/**
 * Links what GCC's arguments say, sources and objects of `folder` among them, and runs it until it leaves; `machine` are more
 * of QEMU's arguments.
 */
export async function runBare(
  folder: string,
  args: readonly string[],
  target: BareTarget,
  machine: readonly string[] = [],
): Promise<string> {
  const bare = join(repoRoot, "test/support/bare-metal");
  const image = join(folder, "image");
  const placed = [
    "-Wl,--gc-sections",
    `-Wl,--defsym=BARE_CODE=${target.code ?? "0x0"}`,
    `-Wl,--defsym=BARE_RAM=${target.ram ?? "0x20000000"}`,
    "-Wl,--defsym=end=bare_bss_end",
    "-Wl,--no-warn-rwx-segments",
  ];
  const start = ["-nostartfiles", "--specs=nosys.specs", "-T", join(bare, "link.ld"), join(bare, "start.c")];
  const all = [...bareFlags(target), ...placed, ...start, ...args, "-o", image];
  await execa("arm-none-eabi-gcc", all, { cwd: folder });
  const quiet = ["-M", target.machine, "-nographic", "-monitor", "none", "-serial", "none", ...machine];
  const semihosting = ["-semihosting-config", "enable=on,target=native", "-kernel", image];
  const options = { reject: false, all: true, stdin: "ignore", timeout: 300_000 } as const;
  return (await execa("qemu-system-arm", [...quiet, ...semihosting], options)).all;
}

/** Objects of several libraries for a target in `folder`: files of the runtime that they share are compiled once. */
export async function bareObjects(
  libraries: readonly LibraryOnDisk[],
  folder: string,
  target: BareTarget,
): Promise<string[]> {
  const sources = new Map(libraries.flatMap(({ dir, sources }) => sources.map((s) => [s, join(dir, s)])));
  const jobs = [...sources.values()].map((source) => ({
    source,
    object: objectPath(folder, source),
    flags: bareFlags(target),
  }));
  await compileAll(armGcc(), jobs);
  return jobs.map((job) => job.object);
}
