/** Which boards can run a model: estimates against linked images, and emulators that are asked once a machine. */
import { describe, expect, it } from "vitest";
import type { CompiledModel } from "../src/compile.js";
import { fail } from "../src/diagnostics/diagnostic.js";
import { type Emulator, qemuEmulator } from "../src/emulators/index.js";
import { type FitRun, fitBoards } from "../src/fit.js";
import { randomBatch } from "../src/inputs.js";
import { fitMarkdown, fitText } from "../src/report/fit.js";
import { type Board, type Cpu, findBoard, listBoards } from "../src/targets/index.js";
import { full, mnistCnn, mnistMlp } from "./support/models.js";
import { describeWith } from "./toolchain/toy.js";

const mlp = mnistMlp();
const cnn = mnistCnn();
const batch = (model: CompiledModel) => randomBatch(model.program, 1, 1);
const fitOf = async (board: Board, model: CompiledModel, run?: FitRun) =>
  (await fitBoards([board], { compile: () => model, link: run !== undefined, run }))[0]!;

describe("without a compiler", () => {
  it("every board has a row, in their order, and a core is compiled for once", async () => {
    const boards = listBoards();
    const compiled: string[] = [];
    const compile = ({ id }: Cpu): CompiledModel => {
      compiled.push(id);
      return mlp;
    };
    const rows = await fitBoards(boards, { compile, link: false });
    expect(rows.map((row) => row.board.id)).toEqual(boards.map((b) => b.id));
    expect(compiled.sort()).toEqual([...new Set(boards.map((b) => b.cpu.id))].sort());
    for (const { board, qemu, renode, flashing } of rows) {
      expect(qemu.verdict).toBe("skipped");
      expect(renode.verdict).toBe(board.renode === undefined ? "none" : "skipped");
      expect(flashing.map(({ tool }) => tool)).toEqual(board.flash.map(({ tool }) => tool));
      for (const { lines } of flashing) expect(lines.join("\n")).toMatch(/mnist_mlp\.(elf|hex|bin|uf2)/);
    }
  });

  it("says no where weights alone are too large", async () => {
    const board = findBoard("microbit");
    const flash = { ...board.memories.flash, size: mlp.plan.weightBytes - 1 };
    const row = await fitOf({ ...board, memories: { ...board.memories, flash } }, mlp);
    expect(row.fits).toBe("no");
  });
});

describe("a board of several memories", () => {
  const f4 = findBoard("stm32f4-discovery");
  /** The board with so many KiB of RAM and of core-coupled memory. */
  const boardOf = (ram: number, ccm: number): Board => ({
    ...f4,
    memories: {
      ...f4.memories,
      ram: { ...f4.memories.ram, size: ram * 1024 },
      others: [{ ...f4.memories.others![0]!, size: ccm * 1024 }],
    },
  });
  const compile = (_: Cpu, banks?: readonly number[]): CompiledModel =>
    banks === undefined ? cnn : mnistCnn({ banks });
  const fitOn = async (board: Board, make = compile) =>
    (await fitBoards([board], { compile: make, link: false }))[0]!;
  const { arenaBytes } = cnn.plan.memory;

  it("has room for an arena in one of them, whichever it is", async () => {
    const inRam = await fitOn(boardOf(128, 64));
    expect(inRam).toMatchObject({ fits: "yes", arena: [{ bytes: arenaBytes, memory: "ram" }], banks: null });
    expect(fitText("net", [inRam])).not.toContain("has room in");
    const elsewhere = await fitOn(boardOf(10, 64));
    expect(elsewhere).toMatchObject({ fits: "yes", arena: [{ bytes: arenaBytes, memory: "ccm" }] });
    expect(elsewhere.ram.needed).toBe(inRam.ram.needed - arenaBytes);
    const text = `stm32f4-discovery: the arena (${arenaBytes} bytes) has room in ccm, not in ram`;
    expect(fitText("net", [elsewhere])).toContain(text);
    expect(fitMarkdown("net", [elsewhere])).toContain(`* ${text}`);
  });

  it("says which banks it has room for, and those have it", async () => {
    const board = boardOf(13, 12);
    const none = await fitOn(board);
    expect(none).toMatchObject({ fits: "no", arena: [{ memory: null }] });
    const option = /--arena-banks (\d+)K,(\d+)K has, in ccm, ram/.exec(fitText("net", [none]))!;
    const banks = option.slice(1).map((kib) => 1024 * Number(kib));
    expect(banks).toEqual(none.banks!.map((b) => b.bytes));
    const withThem = await fitOn(board, () => mnistCnn({ banks }));
    expect(withThem.fits).toBe("yes");
    expect(new Set(withThem.arena.map((a) => a.memory))).toEqual(new Set(["ram", "ccm"]));
    withThem.arena.forEach(({ bytes }, i) => {
      expect(bytes).toBeLessThanOrEqual(banks[i]!);
    });
    expect(fitText("net", [withThem])).toMatch(/stm32f4-discovery: bank 0 \(\d+ bytes\) in ccm, bank 1/);
    expect((await fitOn(boardOf(1, 1))).banks).toBeNull();
  });
});

describeWith(["arm-none-eabi-gcc"], "with images", () => {
  it("an image counts what is put into another memory there, and not in its own", async () => {
    const board = findBoard("stm32f4-discovery");
    const { ram } = board.memories;
    const [whole] = await fitBoards([board], { compile: () => cnn, link: true });
    const small = { ...board, memories: { ...board.memories, ram: { ...ram, size: 10 * 1024 } } };
    const [row] = await fitBoards([small], { compile: () => cnn, link: true });
    const { arenaBytes } = cnn.plan.memory;
    expect(row).toMatchObject({ fits: "yes", arena: [{ bytes: arenaBytes, memory: "ccm" }] });
    expect(row!.ram.needed).toBe(whole!.ram.needed - arenaBytes);
  });

  it("no estimate is wrong: yes and no are what the linker says", async () => {
    const small = ["nucleo-f030r8", "stm32f103", "stm32vldiscovery", "microbit"];
    const boards = full ? listBoards() : small.map((id) => findBoard(id));
    for (const model of [mlp, cnn]) {
      const common = { compile: () => model };
      const guesses = await fitBoards(boards, { ...common, link: false });
      const links = await fitBoards(boards, { ...common, link: true });
      for (const [i, { board, fits, flash, ram }] of links.entries()) {
        const guess = guesses[i]!;
        if (guess.fits !== "maybe") expect(fits, board.id).toBe(guess.fits);
        expect(guess.flash.needed).toBeLessThan(flash.needed);
        expect(guess.ram.needed).toBeLessThan(ram.needed);
        expect(fits).toBe(flash.needed <= flash.size && ram.needed <= ram.size ? "yes" : "no");
      }
      expect(new Set(links.map(({ fits }) => fits))).toEqual(new Set(["yes", "no"]));
    }
  });
});

describeWith(["arm-none-eabi-gcc", "qemu-system-arm"], "with emulators", () => {
  /** QEMU, or an emulator that breaks down, and the images that were started in it. */
  function watched(start: Emulator["start"]): { readonly emulator: Emulator; readonly started: string[] } {
    const started: string[] = [];
    return {
      started,
      emulator: {
        ...qemuEmulator,
        start: (image, board, options) => {
          started.push(board.id);
          return start(image, board, options);
        },
      },
    };
  }

  it("boards with the same stand-in share its verdict, and a board that is too small has none", async () => {
    const qemu = watched(qemuEmulator.start);
    const boards = ["nucleo-f446re", "microbit-v2"].map((id) => findBoard(id));
    const { memories } = boards[0]!;
    const tiny = {
      ...boards[0]!,
      id: "tiny",
      memories: { ...memories, ram: { ...memories.ram, size: 1024 } },
    };
    const run = { batch, qemu: qemu.emulator };
    const rows = await fitBoards([...boards, tiny], { compile: () => mlp, link: true, run });
    expect(qemu.started).toEqual(["mps2-an386", "mps2-an386"]);
    expect(rows.map(({ fits, qemu: q }) => [fits, q.verdict, q.machine, q.isStandIn])).toEqual([
      ["yes", "passed", "mps2-an386", true],
      ["yes", "passed", "mps2-an386", true],
      ["no", "skipped", "mps2-an386", true],
    ]);
    expect(rows[0]!.renode).toMatchObject({ verdict: "none" });
    const text = fitText("net", rows);
    expect(text).toMatch(/^yes +microbit-v2 .*passed as mps2-an386/m);
    expect(text).toMatch(/^no +tiny .* of 1024 +not run/m);
    expect(text).toContain("2 of 3 boards have room for net; 2 verified bit for bit");
  });

  it("a run that breaks down failed, and the report says how", async () => {
    const broken = watched(async () => {
      throw fail("emulator/ended", "the machine caught fire", { exitCode: 1 });
    });
    const board = findBoard("stm32f4-discovery");
    const row = await fitOf(board, mlp, {
      batch,
      renode: { ...broken.emulator, id: "renode", link: "uart" },
    });
    expect(row.renode).toMatchObject({ verdict: "failed", machine: board.id, isStandIn: false });
    expect(row.qemu).toMatchObject({ verdict: "skipped", detail: "QEMU not found" });
    expect(fitText("net", [row])).toContain("FAILED in stm32f4-discovery: outputs: the machine caught fire");
    expect(fitMarkdown("net", [row])).toContain("| failed stm32f4-discovery |");
  });

  it("a stand-in that is too small for an image that fits its board proves nothing", async () => {
    const board = { ...findBoard("mps2-an385"), qemu: { standIn: "stm32vldiscovery" } };
    const row = await fitOf(board, cnn, { batch, qemu: qemuEmulator });
    expect(row).toMatchObject({ fits: "yes", qemu: { verdict: "skipped", machine: "stm32vldiscovery" } });
    expect(row.qemu.detail).toMatch(/^stm32vldiscovery is too small to run it: \d+ bytes of RAM/);
  });
});
