import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { findBoard, listCpus } from "../../src/targets/index.js";
import { buildFirmware, CpuArch, cpuArch, type Elf, readElf, runTool } from "../../src/toolchain/index.js";
import { describeWith, temporaryFolder, toy } from "./toy.js";

const nothing: Elf = { entry: 0, machine: 40, sections: [], symbols: [], loads: [] };

function elfWith(attributes: Uint8Array): Elf {
  const section = {
    name: ".ARM.attributes",
    type: 0x70000003,
    flags: 0,
    address: 0,
    size: attributes.length,
  };
  return { ...nothing, sections: [{ ...section, data: attributes, link: 0 }] };
}

/** By hand from the ABI: file scope, CPU name "M4", profile M (tag 7), architecture 13 (tag 6). */
const byHand = Buffer.from("4117000000616561626900010d000000054d3400074d060d", "hex");

it("reads the architecture behind other tags", () => {
  expect(cpuArch(elfWith(byHand))).toBe(CpuArch.v7EM);
});

it("finds nothing in what is cut short, and ends on any bytes", () => {
  expect(cpuArch(elfWith(byHand.subarray(0, 16)))).toBeUndefined();
  expect(cpuArch(nothing)).toBeUndefined();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const found = cpuArch(elfWith(Uint8Array.of(0x41, ...bytes)));
      expect(found === undefined || found >= 0).toBe(true);
    }),
  );
});

describeWith(["arm-none-eabi-gcc", "arm-none-eabi-readelf"], "the architecture of an image", () => {
  const folder = temporaryFolder();
  /** As `readelf -A` calls it. */
  const names: Readonly<Record<number, string>> = {
    [CpuArch.v6M]: "v6-M",
    [CpuArch.v6SM]: "v6S-M",
    [CpuArch.v7]: "v7",
    [CpuArch.v7EM]: "v7E-M",
    [CpuArch.v8MBase]: "v8-M.baseline",
    [CpuArch.v8MMain]: "v8-M.mainline",
    [CpuArch.v81MMain]: "v8.1-M.mainline",
  };

  it.each(listCpus().map((c) => [c.id, c] as const))("for %s is what readelf says", async (id, cpu) => {
    const board = { ...findBoard("mps2-an385"), cpu };
    const { elf } = await buildFirmware({ library: toy, board, outDir: join(folder, id), trace: false });
    const said = await runTool("arm-none-eabi-readelf", ["-A", elf], "test", elf);
    expect(names[cpuArch(await readElf(elf))!]).toBe(/Tag_CPU_arch: (\S+)/.exec(said)?.[1]);
  });
});
