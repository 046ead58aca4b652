/** In which memories an arena and its banks have room, against trying every way. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { banksFor, placedParts, placeParts } from "../src/fit-arena.js";
import { dataMemories, findBoard } from "../src/targets/index.js";

const size = fc.integer({ min: 0, max: 20 });

/** Whether parts have room in memories with so many bytes, whichever of them each lies in. */
function hasRoom(parts: readonly number[], free: readonly number[]): boolean {
  const [part, ...rest] = parts;
  if (part === undefined) return free.every((bytes) => bytes >= 0);
  return free.some((_, i) => hasRoom(rest, free.with(i, free[i]! - part)));
}

describe("parts of an arena", () => {
  it("are placed wherever there is a way, and the memories hold them", () => {
    const parts = fc.array(size, { minLength: 1, maxLength: 4 });
    const memories = fc.array(size, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(parts, memories, size, (bytes, sizes, taken) => {
        const named = sizes.map((s, i) => ({ name: `m${i}`, origin: 0, size: s }));
        const places = placeParts(bytes, named, taken);
        const free = sizes.map((s, i) => (i === 0 ? s - taken : s));
        expect(places !== undefined).toBe(hasRoom(bytes, free));
        places?.forEach(({ name }, i) => {
          free[Number(name.slice(1))]! -= bytes[i]!;
        });
        if (places !== undefined) expect(Math.min(...free)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it("lie in the memory of data and stack where that has room, and memories side by side are one", () => {
    const board = findBoard("nucleo-h753zi");
    expect(dataMemories(board).map(({ name, size: bytes }) => [name, bytes / 1024])).toEqual([
      ["ram", 512],
      ["sram1+sram2+sram3", 288],
      ["dtcm", 128],
      ["sram4", 64],
    ]);
    const inRam = placedParts([100_000], board, 1000);
    expect(inRam).toEqual([{ bytes: 100_000, memory: "ram" }]);
    expect(placedParts([300_000, 250_000], board, 1000)[1]!.memory).toBe("sram1+sram2+sram3");
    expect(placedParts([600_000], board, 0)).toEqual([{ bytes: 600_000, memory: null }]);
  });
});

describe("banks for a board", () => {
  const board = findBoard("nucleo-h753zi");

  it("are the fewest that there is a plan for, the largest memories first, whole KiB of what is free", () => {
    const tried: (readonly number[])[] = [];
    const found = banksFor(board, 100_000, (banks) => tried.push(banks) === 2);
    expect(tried).toEqual([[414, 288].map((kib) => kib * 1024), [414, 288, 128].map((kib) => kib * 1024)]);
    expect(found!.map(({ memory }) => memory)).toEqual(["ram", "sram1+sram2+sram3", "dtcm"]);
    expect(banksFor(board, 100_000, () => false)).toBeUndefined();
  });

  it("are none where the board has one memory", () => {
    expect(banksFor(findBoard("microbit"), 0, () => true)).toBeUndefined();
  });
});
