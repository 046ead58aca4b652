import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { findBoard } from "../../src/targets/index.js";
import {
  buildFirmware,
  type Firmware,
  findFunction,
  nearestSymbol,
  parseElf,
  runTool,
} from "../../src/toolchain/index.js";
import { describeWith, temporaryFolder, toy } from "./toy.js";

describe("bytes that are no ELF file", () => {
  it("are refused", () => {
    expect(() => parseElf(new Uint8Array(0))).toThrow(/cut short/);
    expect(() => parseElf(Buffer.from("MZ and more than that"))).toThrow(/signature/);
    const elf64 = Buffer.alloc(64);
    elf64.write("\x7fELF\x02\x01", "latin1");
    expect(() => parseElf(elf64)).toThrow(/not 32-bit/);
  });
});

describeWith(["arm-none-eabi-gcc"], "ELF files", () => {
  const folder = temporaryFolder();
  let firmware: Firmware;
  let bytes: Buffer;
  beforeAll(async () => {
    firmware = await buildFirmware({
      library: toy,
      board: findBoard("mps2-an386"),
      outDir: folder,
      trace: false,
    });
    bytes = readFileSync(firmware.elf);
  });

  it("have the symbols and addresses that nm prints", async () => {
    const elf = parseElf(bytes);
    const listing = await runTool("arm-none-eabi-nm", [firmware.elf], "test", "nm");
    for (const name of ["toy_run", "toy_init", "reset_handler"]) {
      const address = Number.parseInt(new RegExp(`^([0-9a-f]+) T ${name}$`, "m").exec(listing)![1]!, 16);
      expect(findFunction(elf, name)!.value & ~1).toBe(address);
      expect(nearestSymbol(elf, address)).toBe(name);
      expect(nearestSymbol(elf, address + 2)).toBe(`${name}+0x2`);
    }
    expect(findFunction(elf, "toy_rum")).toBeUndefined();
    expect(nearestSymbol(elf, 0x30000000)).toBeUndefined();
  });

  it("have the sizes that size prints", async () => {
    const listing = await runTool("arm-none-eabi-size", ["-A", firmware.elf], "test", "size");
    const size = (name: string): number =>
      Number(new RegExp(`^\\${name}\\s+(\\d+)`, "m").exec(listing)?.[1] ?? 0);
    const flash = [".vectors", ".text", ".rodata", ".ARM.extab", ".ARM.exidx", ".data"].map(size);
    expect(firmware.flashBytes).toBe(flash.reduce((a, b) => a + b));
    expect(firmware.ramBytes).toBe(size(".data") + size(".bss"));
    expect(firmware.reservedStackBytes).toBe(size(".stack"));
  });

  it("that are damaged are read or refused, never anything else", () => {
    const header = fc.record({ at: fc.nat(51), value: fc.nat(255) });
    const anywhere = fc.record({ at: fc.nat(bytes.length - 1), value: fc.nat(255) });
    const damage = fc.array(fc.oneof(header, anywhere), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(damage, fc.nat(bytes.length), (changes, keep) => {
        const damaged = Uint8Array.from(bytes);
        for (const { at, value } of changes) damaged[at] = value;
        for (const candidate of [damaged, damaged.subarray(0, keep)]) {
          try {
            parseElf(candidate);
          } catch (error) {
            expect(error).toMatchObject({ name: "BitloomError", exitCode: 2 });
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("are the same bytes for the same sources", async () => {
    const again = await buildFirmware({
      library: toy,
      board: findBoard("mps2-an386"),
      outDir: join(folder, "again"),
      trace: false,
    });
    expect(readFileSync(again.elf).equals(bytes)).toBe(true);
  });
});
