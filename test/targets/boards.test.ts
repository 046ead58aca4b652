import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageFile } from "../../src/assets/package-files.js";
import { findBoard, listBoardIds, listBoards, qemuBoard } from "../../src/targets/index.js";
import { errorsOf } from "../support/errors.js";
import { temporaryFolder } from "../toolchain/toy.js";

const folder = temporaryFolder();

/** A copy of the boards with one file changed, as the only folder of boards. */
function changed(name: string, board: string, change: (json: Record<string, unknown>) => void): string[] {
  const copy = join(folder, name);
  cpSync(packageFile("boards"), copy, { recursive: true });
  const path = join(copy, board, "board.json");
  const json = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  change(json);
  writeFileSync(path, JSON.stringify(json));
  return [copy];
}

describe("boards", () => {
  it("are all valid, and each runs in QEMU on a core of its own kind", () => {
    const boards = listBoards();
    expect(boards.map((b) => b.id)).toEqual([...listBoardIds()].sort());
    expect(boards.length).toBeGreaterThanOrEqual(24);
    for (const board of boards) expect(qemuBoard(board)?.cpu.id, board.id).toBe(board.cpu.id);
  });

  it("have their figures as numbers", () => {
    const { memories, uart } = findBoard("microbit");
    expect(memories.ram).toEqual({ origin: 0x20000000, size: 16384 });
    expect(uart.base).toBe(0x40002000);
  });

  it("suggest the closest id", () => {
    expect(() => findBoard("micro-bit")).toThrow(/no board "micro-bit"/);
    try {
      findBoard("micro-bit");
    } catch (error) {
      expect(error).toMatchObject({ exitCode: 2, diagnostics: [{ remedy: "did you mean microbit?" }] });
    }
    expect(() => findBoard("../boards/microbit")).toThrow(/no board/);
  });

  it("are suggested by a part of their ids", () => {
    const remedy = (id: string): string | undefined => errorsOf(() => findBoard(id))[0]!.remedy;
    expect(remedy("Pico")).toBe("did you mean one of raspberry-pi-pico, raspberry-pi-pico-2?");
    expect(remedy("f446")).toBe("did you mean nucleo-f446re?");
    expect(remedy("")).toContain("use one of arduino-nano-33-ble, ");
  });

  it("report every problem of a file", () => {
    const bad = changed("two-problems", "microbit", (json) => {
      json.cpu = "cortex-m85";
      json.colour = "red";
    });
    try {
      findBoard("microbit", bad);
      expect.unreachable();
    } catch (error) {
      const codes = (error as { diagnostics: { code: string }[] }).diagnostics.map((d) => d.code);
      expect(codes).toEqual(["targets/bad-board", "targets/bad-board"]);
      expect(String(error)).toContain('cpu: there is no core "cortex-m85": use cortex-m55');
    }
  });

  it("refuse JSON that is none, an id that is not the folder's, and addresses that are numbers", () => {
    const broken = join(folder, "broken");
    mkdirSync(join(broken, "x"), { recursive: true });
    writeFileSync(join(broken, "x", "board.json"), "{");
    expect(() => findBoard("x", [broken])).toThrow(/cannot be read/);
    expect(() =>
      findBoard(
        "microbit",
        changed("id", "microbit", (j) => Object.assign(j, { id: "other" })),
      ),
    ).toThrow(/the folder is "microbit"/);
    const ram = { origin: 0x20000000, size: 16 };
    const numeric = changed("numeric", "microbit", (j) =>
      Object.assign(j, { memories: { flash: ram, ram } }),
    );
    expect(() => findBoard("microbit", numeric)).toThrow(/memories\.flash\.origin/);
  });

  it("refuse a stand-in with another core", () => {
    const bad = changed("stand-in", "stm32f103", (j) => Object.assign(j, { qemu: { standIn: "microbit" } }));
    expect(() => qemuBoard(findBoard("stm32f103", bad), bad)).toThrow(/not a QEMU machine with a Cortex-M3/);
  });
});
