/** `conv_rows_mve` equals a naive convolution on random geometries: portable C here, vectors in QEMU. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import { packageFile } from "../../src/assets/package-files.js";
import { rowsOfConv } from "../../src/kernels/conv-rows-mve.js";
import { findCpu } from "../../src/targets/index.js";
import { armGcc, findByVariable, hostCc } from "../../src/toolchain/tools.js";
import {
  bareMain,
  bareScript,
  type ConvCase,
  type ConvGeometry,
  checkProgram,
  convCase,
  hostMain,
  type PackedCase,
  Random,
  randomGeometry,
} from "../support/conv-cases.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-rows-mve-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const runtime = packageFile("runtime-c");
const sources = ["", "_core"].map((part) => join(runtime, `bitloom_conv_rows_mve${part}.c`));
const qemu = findByVariable("BITLOOM_QEMU", "qemu-system-arm");

/** Random cases that the kernel takes, of few pixels and any outputs. */
function packedCases(seed: number, count: number): (ConvCase & PackedCase)[] {
  const random = new Random(seed);
  const cases: (ConvCase & PackedCase)[] = [];
  while (cases.length < count) {
    const geometry = randomGeometry(random);
    const outputs = random.pick([1, 31, 100, 128, 130, 260]);
    const size = ([0, 1] as const).map((d) => Math.min(geometry.input[d], random.between(3, 12)));
    const test = smallCase(
      { ...geometry, outputs, groups: 1, input: [size[0]!, size[1]!, geometry.input[2]] },
      random,
    );
    const packed = test && rowsOfConv(test.conv, test.thresholds, test.input, test.output);
    if (test !== undefined && packed !== undefined) cases.push({ ...test, ...packed });
  }
  return cases;
}

/** Undefined where the kernel is larger than the map. */
function smallCase(geometry: ConvGeometry, random: Random): ConvCase | undefined {
  const fits = ([0, 1] as const).every(
    (d) =>
      geometry.input[d] + geometry.pads[d] + geometry.pads[d + 2]! >
      geometry.dilation[d] * (geometry.kernel[d] - 1),
  );
  return fits ? convCase(geometry, random) : undefined;
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("conv_rows_mve", () => {
  it.each([101, 102])("equals a naive convolution on this computer, seed %i", async (seed) => {
    const check = write(`check${seed}.c`, checkProgram("conv_rows_mve", packedCases(seed, 50), "channels"));
    const main = write("host.c", hostMain);
    const program = join(folder, `host${seed}`);
    const flags = ["-std=c99", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    await execa(hostCc(), [...flags, `-I${runtime}`, check, main, ...sources, "-o", program]);
    const { stdout } = await execa(program);
    expect(stdout).toBe("50 of 50 equal");
  }, 60_000);

  it.skipIf(!qemu).each([
    [201, []],
    [202, ["-DBITLOOM_PORTABLE_C"]],
  ])(
    "equals it on a Cortex-M55, seed %i %s",
    async (seed, options) => {
      const check = write(`check${seed}.c`, checkProgram("conv_rows_mve", packedCases(seed, 25), "channels"));
      const main = write("bare.c", bareMain);
      const script = write("bare.ld", bareScript(0, 0x80000, 0x20000000, 0x80000));
      const elf = join(folder, `m55-${seed}.elf`);
      const assembly = join(runtime, "bitloom_conv_rows_mve_core_asm.S");
      await execa(armGcc(), [
        ...findCpu("cortex-m55").gccFlags,
        "-O2",
        "-std=gnu99",
        "-ffunction-sections",
        "-nostartfiles",
        "--specs=nano.specs",
        "-Wl,--gc-sections",
        `-T${script}`,
        `-I${runtime}`,
        ...options,
        check,
        main,
        ...sources,
        assembly,
        "-o",
        elf,
      ]);
      const semihosting = ["-semihosting-config", "enable=on,target=native", "-monitor", "none"];
      const { stdout, stderr } = await execa(
        qemu!,
        ["-M", "mps3-an547", "-nographic", "-serial", "none", ...semihosting, "-kernel", elf],
        { reject: false, stdin: "ignore", timeout: 60_000 },
      );
      expect(stdout + stderr).toContain("25 of 25 equal");
    },
    120_000,
  );
});
