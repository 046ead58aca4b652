/** What boot ROMs find in images: computed here by the data sheets, apart from the harness. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { findBoard } from "../../src/targets/index.js";
import { buildFirmware, type Elf, readElf } from "../../src/toolchain/index.js";
import { describeWith, temporaryFolder, toy } from "../toolchain/toy.js";

const folder = temporaryFolder();

async function build(id: string): Promise<Elf> {
  const options = { library: toy, board: findBoard(id), outDir: join(folder, id), trace: false };
  return readElf((await buildFirmware(options)).elf);
}

function section(elf: Elf, name: string) {
  const found = elf.sections.find((s) => s.name === name)!;
  return { ...found, view: new DataView(found.data.buffer, found.data.byteOffset, found.data.byteLength) };
}

/** RP2040 data sheet, 2.8.1.3.1. */
function crcOfSecondStage(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}

describeWith(["arm-none-eabi-gcc"], "images", () => {
  it("for the RP2040 have a second stage with its checksum, and vectors behind it", async () => {
    const elf = await build("raspberry-pi-pico");
    const boot = section(elf, ".boot");
    expect([boot.address, boot.size]).toEqual([0x10000000, 256]);
    expect(boot.view.getUint32(252, true)).toBe(crcOfSecondStage(boot.data.subarray(0, 252)));
    expect(section(elf, ".vectors").address).toBe(0x10000100);
  });

  it("for the RP2350 have an image definition within reach", async () => {
    const vectors = section(await build("raspberry-pi-pico-2"), ".vectors");
    expect(vectors.address).toBe(0x10000000);
    const words = Array.from({ length: 5 }, (_, i) => vectors.view.getUint32(64 + 4 * i, true));
    // "Minimum Arm IMAGE_DEF", RP2350 data sheet, 5.9.5.1.
    expect(words).toEqual([0xffffded3, 0x10210142, 0x000001ff, 0x00000000, 0xab123579]);
  });

  it.each(["teensy-41", "mimxrt1060-evkb"])("for %s tell its boot ROM where they are", async (id) => {
    const elf = await build(id);
    const { address, size, view, data } = section(elf, ".boot");
    const word = (offset: number): number => view.getUint32(offset, true);
    expect([address, size]).toEqual([0x60000000, 0x2000]);
    expect(Buffer.from(data.subarray(0, 4)).toString("latin1")).toBe("FCFB");
    // Command 03h, 24 bits of address, data; then stop.
    expect([word(0x80), word(0x84), word(0x88)]).toEqual([0x08180403, 0x00002404, 0]);
    expect(word(0x50)).toBe(findBoard(id).memories.flash.size);
    // Header, entry, boot data, self.
    expect([word(0x1000), word(0x1004), word(0x1010), word(0x1014)]).toEqual([
      0x432000d1, 0x60002000, 0x60001020, 0x60001000,
    ]);
    expect([word(0x1020), word(0x1024)]).toEqual([0x60000000, findBoard(id).memories.flash.size]);
    expect(section(elf, ".vectors").address).toBe(0x60002000);
  });
});
