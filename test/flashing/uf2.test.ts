import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { uf2Blocks } from "../../src/flashing/index.js";
import { checkDrive, copyToDrive, findDrive } from "../../src/flashing/uf2-drive.js";
import { temporaryFolder } from "../toolchain/toy.js";

interface Load {
  readonly address: number;
  readonly data: Uint8Array;
}

/**
 * Reads a UF2 file as a bootloader does, by the tables of Microsoft's specification: checks every field, and returns what
 * flash holds afterwards, by address.
 */
function readUf2(file: Uint8Array, family: number | undefined): Map<number, number> {
  expect(file.length % 512).toBe(0);
  const total = file.length / 512;
  const flash = new Map<number, number>();
  for (let block = 0; block < total; block++) {
    const word = (offset: number): number => Buffer.from(file).readUInt32LE(512 * block + offset);
    expect(Buffer.from(file.subarray(512 * block, 512 * block + 4)).toString()).toBe("UF2\n");
    expect(word(4)).toBe(0x9e5d5157);
    expect(word(8)).toBe(family === undefined ? 0 : 0x2000);
    const address = word(12);
    const size = word(16);
    expect([size, address % 256]).toEqual([256, 0]);
    expect([word(20), word(24)]).toEqual([block, total]);
    expect(word(28)).toBe(family ?? 0);
    expect(word(508)).toBe(0x0ab16f30);
    expect(file.subarray(512 * block + 32 + size, 512 * block + 508).every((byte) => byte === 0)).toBe(true);
    for (let i = 0; i < size; i++) {
      if (flash.has(address + i)) throw new Error(`two blocks write ${address + i}`);
      flash.set(address + i, file[512 * block + 32 + i]!);
    }
  }
  return flash;
}

/** Pieces that do not overlap, as sections do not. */
const loads = fc
  .array(fc.record({ gap: fc.nat(9000), data: fc.uint8Array({ minLength: 1, maxLength: 700 }) }), {
    minLength: 1,
    maxLength: 6,
  })
  .chain((pieces) =>
    fc.nat(0x1000).map((start) => {
      let at = 0x10000000 + start;
      return pieces.map(({ gap, data }): Load => {
        const address = at + gap;
        at = address + data.length;
        return { address, data };
      });
    }),
  );

describe("UF2 files", () => {
  it("hold what was loaded, and erased flash around it", () => {
    fc.assert(
      fc.property(loads, fc.option(fc.nat(0xffffffff), { nil: undefined }), (pieces, family) => {
        const flash = readUf2(uf2Blocks(pieces, family), family);
        for (const { address, data } of pieces) {
          expect(data.every((byte, i) => flash.get(address + i) === byte)).toBe(true);
          for (const i of data.keys()) flash.delete(address + i);
        }
        expect([...flash.values()].every((byte) => byte === 0xff)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("leave no hole in a sector of 4096 bytes, up to the last page (erratum RP2040-E14)", () => {
    const file = uf2Blocks(
      [
        { address: 0x10000000, data: Uint8Array.of(1) },
        { address: 0x10000a00, data: Uint8Array.of(2) },
        { address: 0x10003000, data: Uint8Array.of(3) },
      ],
      0xe48bff56,
    );
    const addresses = Array.from({ length: file.length / 512 }, (_, i) =>
      Buffer.from(file).readUInt32LE(512 * i + 12),
    );
    expect(addresses).toEqual([
      ...Array.from({ length: 16 }, (_, page) => 0x10000000 + 256 * page),
      0x10003000,
    ]);
  });

  it("are the same in whatever order the pieces come", () => {
    const [a, b] = [
      { address: 0x2010, data: Uint8Array.of(1, 2, 3) },
      { address: 0x2000, data: Uint8Array.of(4) },
    ];
    expect(uf2Blocks([a, b], 1)).toEqual(uf2Blocks([b, a], 1));
  });
});

describe("the drive of a bootloader", () => {
  const root = temporaryFolder();
  const drive = async (path: string, info = "INFO_UF2.TXT"): Promise<string> => {
    const folder = join(root, path);
    await mkdir(folder, { recursive: true });
    if (info !== "")
      writeFileSync(join(folder, info), "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n");
    return folder;
  };

  it("is found by its label, directly or in a user's folder, and only with INFO_UF2.TXT", async () => {
    await drive("none/RPI-RP2", "");
    await expect(findDrive("RPI-RP2", [join(root, "none"), "/does/not/exist"])).rejects.toMatchObject({
      exitCode: 1,
      diagnostics: [{ code: "flashing/no-device", remedy: expect.stringContaining("BOOTSEL") }],
    });
    const direct = await drive("direct/RPI-RP2");
    expect(await findDrive("RPI-RP2", [join(root, "direct")])).toBe(direct);
    const below = await drive("below/user/rpi-rp21", "info_uf2.txt");
    await drive("below/user/OTHER");
    expect(await findDrive("RPI-RP2", [join(root, "below")])).toBe(below);
  });

  it("is asked for when there are two, or when a folder is none", async () => {
    await drive("two/RPI-RP2");
    await drive("two/RPI-RP21");
    await expect(findDrive("RPI-RP2", [join(root, "two")])).rejects.toMatchObject({
      diagnostics: [{ code: "flashing/many-probes" }],
    });
    const plain = await drive("plain", "");
    await expect(checkDrive(plain, "RPI-RP2")).rejects.toThrow(/has no INFO_UF2.TXT/);
  });

  it("gets the file", async () => {
    const folder = await drive("good/RPI-RP2");
    await copyToDrive(Uint8Array.of(1, 2, 3), folder, "firmware.uf2");
    expect([...readFileSync(join(folder, "firmware.uf2"))]).toEqual([1, 2, 3]);
  });

  it("keeps no part of a file that could not be written", async () => {
    const folder = await drive("bad/RPI-RP2");
    // A folder of that name, so that opening fails.
    await mkdir(join(folder, "firmware.uf2"));
    await expect(copyToDrive(Uint8Array.of(1), folder, "firmware.uf2")).rejects.toMatchObject({
      exitCode: 1,
      diagnostics: [{ code: "flashing/drive-lost", message: expect.stringContaining("EISDIR") }],
    });
  });

  it("that is full is told, and left without a part of the file", async (context) => {
    const folder = await drive("full/RPI-RP2", "");
    const mounted = await execa("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], {
      reject: false,
    });
    if (mounted.failed) {
      console.warn("SKIPPED: a full drive: this user may not mount one");
      context.skip();
    }
    try {
      await drive("full/RPI-RP2");
      await expect(copyToDrive(new Uint8Array(100_000), folder, "firmware.uf2")).rejects.toMatchObject({
        exitCode: 1,
        diagnostics: [
          { code: "flashing/drive-full", message: expect.stringMatching(/takes 100000 bytes, \d+ are free/) },
        ],
      });
      expect(readdirSync(folder)).toEqual(["INFO_UF2.TXT"]);
    } finally {
      await execa("umount", [folder]);
    }
  });
});
