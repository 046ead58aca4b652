/** Every board builds a firmware within its own memories, and QEMU runs it on the board or its stand-in. */
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type CompiledModel, compileModelFile } from "../../src/compile.js";
import { qemuEmulator } from "../../src/emulators/index.js";
import { randomBatch } from "../../src/inputs.js";
import { textTable } from "../../src/report/table.js";
import { type Board, listBoards, qemuBoard } from "../../src/targets/index.js";
import { buildFirmware, readElf } from "../../src/toolchain/index.js";
import { verifyModel, writeLibrary } from "../../src/verify.js";
import { full, mnistMlp, onnxFixture } from "../support/models.js";
import { describeWith, temporaryFolder } from "../toolchain/toy.js";

const folder = temporaryFolder();
const boards = listBoards();
const named = boards.map((board) => [board.id, board] as const);
const models = new Map<string, CompiledModel>();

/** examples/mnist-mlp has 60 KB of weights: the smallest boards get a net of 5 KB. */
function isSmall({ memories: { flash, ram } }: Board): boolean {
  return flash.size <= 64 * 1024 || ram.size <= 8 * 1024;
}

/** A model for the board's memories and core: plans differ. */
function modelFor(board: Board): CompiledModel {
  const { cpu } = board;
  const name = isSmall(board) ? "brevitas_mlp" : "mnist_mlp";
  const key = `${name}-${cpu.id}`;
  const make = (): CompiledModel =>
    isSmall(board)
      ? compileModelFile(onnxFixture(`${name}.onnx`), `${name}.onnx`, { cpu })
      : mnistMlp({ cpu });
  const model = models.get(key) ?? make();
  models.set(key, model);
  return model;
}

/** What the long version prints at its end. */
const verdicts = new Map<string, { link: string; qemu: string }>(
  boards.map(({ id }) => [id, { link: "failed", qemu: "not run" }]),
);
afterAll(() => {
  if (!full) return;
  const rows = boards.map(({ id, cpu, renode }) => {
    const { link, qemu } = verdicts.get(id)!;
    return [
      id,
      cpu.name,
      link,
      qemu,
      renode === undefined ? "no platform" : "see test/emulators/renode.test.ts",
    ];
  });
  console.log(textTable(["board", "core", "links: flash + RAM, bytes", "QEMU", "Renode"], rows));
});

describeWith(["arm-none-eabi-gcc"], "a firmware", () => {
  it.each(named)("for %s fits its memories", async (id, board) => {
    const model = modelFor(board);
    const library = writeLibrary(model, join(folder, `${model.library.name}-${board.cpu.id}`));
    const firmware = await buildFirmware({ library, board, outDir: join(folder, id), trace: false });
    const { flash, ram } = board.memories;
    const elf = await readElf(firmware.elf);
    for (const { name, address, size, flags } of elf.sections) {
      if ((flags & 2) === 0 || size === 0) continue;
      const home = [flash, ram].find((m) => address >= m.origin && address + size <= m.origin + m.size);
      expect(home, `${name} at ${address.toString(16)}`).toBeDefined();
    }
    expect(firmware.ramBytes + firmware.reservedStackBytes).toBeLessThanOrEqual(ram.size);
    verdicts.get(id)!.link = `${firmware.flashBytes} + ${firmware.ramBytes + firmware.reservedStackBytes}`;
  });
});

describe("every core of which bitloom has boards", () => {
  it("is among them", () => {
    const cores = [...new Set(boards.map((b) => b.cpu.name.replace("Cortex-", "")))];
    expect(cores.sort()).toEqual(["M0", "M0+", "M23", "M3", "M33", "M4", "M55", "M7"]);
    expect(boards.length).toBeGreaterThanOrEqual(24);
  });
});

describeWith(["arm-none-eabi-gcc", "qemu-system-arm"], "in QEMU", () => {
  /** The short version runs each machine once with each core's code, the long one every board. */
  const seen = new Set<string>();
  const chosen = named.filter(([, board]) => {
    const machine = qemuBoard(board)!;
    const key = `${machine.id} ${board.cpu.id}`;
    if (!full && seen.has(key)) return false;
    seen.add(key);
    return true;
  });

  it.each(chosen)("%s computes what the reference does, bit for bit", async (id, board) => {
    const model = modelFor(board);
    const machine = qemuBoard(board)!;
    const link = machine.id === id ? "uart" : "semihosting";
    const options = { emulator: qemuEmulator, board: machine, link } as const;
    const result = await verifyModel(model, randomBatch(model.program, full ? 20 : 2, 5), options);
    expect(result.builds.flatMap((b) => b.problems)).toEqual([]);
    expect(result.passed).toBe(true);
    verdicts.get(id)!.qemu = machine.id === id ? "passed" : `passed as ${machine.id}`;
  });
});
