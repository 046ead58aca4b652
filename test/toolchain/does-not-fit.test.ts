import { describe, expect, it } from "vitest";
import { findBoard, listBoards } from "../../src/targets/index.js";
import { shortagesOf } from "../../src/toolchain/does-not-fit.js";
import { roomierBoard, type Shortage } from "../../src/toolchain/index.js";

const board = findBoard("stm32f103");
const { flash, ram } = board.memories;

describe("what the linker says about full memories", () => {
  const line = (region: string, bytes: number): string =>
    `ld: region \`${region}' overflowed by ${bytes} bytes\n`;

  it("is bytes that are needed and bytes that are there", () => {
    expect(shortagesOf(line("FLASH", 100) + line("RAM", 1), board)).toEqual([
      { memory: "flash", needed: flash.size + 100, size: flash.size },
      { memory: "RAM", needed: ram.size + 1, size: ram.size },
    ]);
  });

  it("is nothing where it complains of something else", () => {
    expect(shortagesOf("undefined reference to `memcpy'", board)).toBeUndefined();
  });
});

describe("a larger board", () => {
  const needs = (memory: Shortage["memory"], needed: number): Shortage[] => [{ memory, needed, size: 0 }];

  it("has the same core, room for what is short, and no less of the other memory", () => {
    for (const small of listBoards().filter((_, i) => i % 4 === 0)) {
      for (const memory of ["flash", "RAM"] as const) {
        const size = memory === "flash" ? small.memories.flash.size : small.memories.ram.size;
        const other = roomierBoard(small, needs(memory, size + 1));
        if (other === undefined) continue;
        expect(other.cpu.id).toBe(small.cpu.id);
        expect(other.flash.length).toBeGreaterThan(0);
        const { flash: f, ram: r } = other.memories;
        expect(memory === "flash" ? f.size : r.size).toBeGreaterThan(size);
        expect(memory === "flash" ? r.size : f.size).toBeGreaterThanOrEqual(
          memory === "flash" ? small.memories.ram.size : small.memories.flash.size,
        );
      }
    }
    expect(roomierBoard(board, needs("flash", flash.size + 1))?.id).toBe("nucleo-f103rb");
  });

  it("is not made up where none is large enough", () => {
    expect(roomierBoard(board, needs("flash", 2 ** 30))).toBeUndefined();
  });
});
