/** "A new board" of docs/PORTING.md, step by step: the file that it shows, in a folder of the user's own. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { findBoard, listBoardIds } from "../../src/targets/index.js";
import { buildFirmware, readElf } from "../../src/toolchain/index.js";
import { writeLibrary } from "../../src/verify.js";
import { runBitloom } from "../support/bitloom.js";
import { mnistMlp } from "../support/models.js";
import { repoRoot } from "../support/root.js";
import { describeWith, temporaryFolder } from "../toolchain/toy.js";

const folder = temporaryFolder();
const id = "nucleo-f401re";
const file = join(folder, id, "board.json");
const model = join(repoRoot, "examples/mnist-mlp/model.onnx");

function exampleOfThePage(): string {
  const page = readFileSync(join(repoRoot, "docs/PORTING.md"), "utf8");
  return /```json\n([\s\S]*?)```/.exec(page)![1]!;
}

const bitloom = (...args: string[]) => runBitloom(args, { BITLOOM_BOARDS: folder });

describeWith(["arm-none-eabi-gcc", "qemu-system-arm"], "a new board", () => {
  beforeAll(() => {
    mkdirSync(join(folder, id));
    writeFileSync(file, exampleOfThePage());
  });

  it("is listed among the others, and shown", async () => {
    expect(listBoardIds()).not.toContain(id);
    const all = JSON.parse((await bitloom("boards", "--json")).stdout) as { boards: { id: string }[] };
    expect(all.boards.map((b) => b.id)).toEqual([...listBoardIds(), id].sort());
    const one = await bitloom("boards", id);
    expect(one.exitCode).toBe(0);
    expect(one.stdout).toContain("STM32F401RE");
  });

  it("links within its own memories, with its own UART", async () => {
    const board = findBoard(id, [folder]);
    const library = writeLibrary(mnistMlp({ cpu: board.cpu }), join(folder, "mlp"));
    const firmware = await buildFirmware({ library, board, outDir: join(folder, "image"), trace: false });
    const { sections } = await readElf(firmware.elf);
    expect(sections.find((s) => s.name === ".vectors")!.address).toBe(0x08000000);
    expect(firmware.ramBytes).toBeLessThan(98304);
  });

  it("compiles, and verifies", async () => {
    const args = [
      "verify",
      model,
      "--board",
      id,
      "--emulator",
      "qemu",
      "--link",
      "semihosting",
      "--count",
      "2",
    ];
    const { exitCode, stdout, stderr } = await bitloom(...args, "--json");
    expect(stderr + stdout).not.toMatch(/error/i);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ passed: true, board: "mps2-an386" });
    const compiled = await bitloom("compile", model, "--board", id, "-o", join(folder, "library"));
    expect(compiled.exitCode).toBe(0);
  });

  it("with mistakes is refused, each field by its name", async () => {
    const wrong = exampleOfThePage()
      .replace('"0x08000000"', "134217728")
      .replace("stm32-usart-v1", "stm32-usart-v9")
      .replace('"st-flash"', '"stflash"');
    writeFileSync(file, wrong);
    const { exitCode, stderr } = await bitloom("boards", id);
    writeFileSync(file, exampleOfThePage());
    expect(exitCode).toBe(2);
    for (const field of ["memories.flash.origin", "uart.driver", "flash.1.tool"])
      expect(stderr).toContain(field);
  });

  it("replaces a board of the package that has its id", () => {
    const own = findBoard("microbit");
    const other = { ...(JSON.parse(exampleOfThePage()) as object), id: "microbit" };
    const users = join(folder, "users");
    mkdirSync(join(users, "microbit"), { recursive: true });
    writeFileSync(join(users, "microbit", "board.json"), JSON.stringify(other));
    expect(findBoard("microbit", [users, join(repoRoot, "boards")]).cpu.id).toBe("cortex-m4");
    expect(own.cpu.id).toBe("cortex-m0");
  });

  it("in a folder that is none is an error of the user's", async () => {
    const absent = join(folder, "absent");
    const { exitCode, stderr } = await runBitloom(["boards"], { BITLOOM_BOARDS: absent });
    expect(exitCode).toBe(2);
    expect(stderr).toContain("BITLOOM_BOARDS");
  });
});
