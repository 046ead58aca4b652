import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkRenodeFolder, renodeFiles } from "../../src/emulators/index.js";
import { RenodeMonitor } from "../../src/emulators/renode-monitor.js";
import { renodePlatform } from "../../src/emulators/renode-script.js";
import { type Board, findBoard, listBoards } from "../../src/targets/index.js";
import { buildFirmware, firstLines } from "../support/example-firmware.js";
import { repoRoot } from "../support/root.js";
import { describeWith, temporaryFolder } from "../toolchain/toy.js";

const folder = temporaryFolder();
const boards = listBoards().filter((b) => b.renode !== undefined);
const named = boards.map((b) => [b.id, b] as const);
const keywords = join(repoRoot, "test/fixtures/renode/keywords.resource");

/** Writes the files of a board into a folder of their own; its path. */
function write(board: Board, name: string, where: string): string {
  const target = join(folder, where);
  mkdirSync(target, { recursive: true });
  for (const { path, text } of renodeFiles(name, "1.2.3", board)) writeFileSync(join(target, path), text);
  return target;
}

function textOf(board: Board, extension: string): string {
  return renodeFiles("digits", "1.2.3", board).find((f) => f.path.endsWith(extension))?.text ?? "";
}

describe("Renode's files for users", () => {
  it.each(named)("are a script and a suite of %s, with its platform where it differs", (id, board) => {
    const files = renodeFiles("digits", "1.2.3", board);
    const isChanged = /^\w+:/m.test(renodePlatform(board, "users"));
    expect(files.map((f) => f.path)).toEqual([
      "digits.resc",
      "digits.robot",
      ...(isChanged ? [`${id}.repl`] : []),
    ]);
    const platform = isChanged ? `${id}.repl` : board.renode?.platform;
    for (const extension of [".resc", ".robot"]) {
      const text = textOf(board, extension);
      expect(text).toContain(`sysbus.${board.renode?.uart}`);
      expect(text).toMatch(new RegExp(`LoadPlatformDescription \\S*${platform}"?\n`));
    }
  });

  it("are the same bytes every time", () => {
    const board = findBoard("stm32f4-discovery");
    expect(renodeFiles("digits", "1.2.3", board)).toEqual(renodeFiles("digits", "1.2.3", board));
  });

  it("are refused for a board that Renode lacks, with those that it has", () => {
    let error: unknown;
    try {
      renodeFiles("digits", "1.2.3", findBoard("microbit"));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      exitCode: 2,
      diagnostics: [
        { code: "emulator/no-machine", remedy: `use one of ${boards.map((b) => b.id).join(", ")}` },
      ],
    });
  });

  it.each([
    "/home/me/firmware",
    "/home/Jürgen Ä/a b",
    "C:\\work\\net",
    "/tmp/x~1/(2)/v=1+2",
  ])("may lie in %s", (path) => {
    expect(() => checkRenodeFolder(path)).not.toThrow();
  });

  it.each([
    ["splits commands", "/tmp/a;quit"],
    ["ends a string", '/tmp/a"b'],
    ["is executed by the Monitor", "/tmp/`quit`"],
    ["is a variable of Robot Framework", "/tmp/$" + "{EMPTY}"],
    ["is Python in Robot Framework", "/tmp/$" + "{{1}}"],
    ["is an environment variable in Robot Framework", "/tmp/%{HOME}"],
    ["ends a line", "/tmp/a\nquit"],
    ["separates cells", "/tmp/a\tb"],
    ["begins a comment", "/tmp/#a"],
  ])("may not lie in a folder whose name %s", (_what, path) => {
    expect(() => checkRenodeFolder(path)).toThrow(/cannot be given a folder/);
  });
});

describe("the script, in a stand-in for Renode", () => {
  const fake = join(repoRoot, "test/fixtures/firmware/fake-renode.mjs");
  const elf = join(folder, "any thing.elf");
  beforeAll(() => {
    process.env.FAKE_RENODE_PROGRAM = "cat";
  });
  afterAll(() => {
    delete process.env.FAKE_RENODE_PROGRAM;
  });

  async function say(commands: readonly string[]): Promise<string> {
    const monitor = new RenodeMonitor(fake);
    try {
      return await monitor.run(commands, 20_000);
    } finally {
      await monitor.quit();
    }
  }

  it.each(named)("runs on %s, from a folder with a blank in its name", async (_id, board) => {
    writeFileSync(elf, "\x7fELF");
    const where = write(board, "digits", `with blank/${board.id}`);
    const include = `include @${join(where, "digits.resc").replaceAll(" ", "\\ ")}`;
    const said = await say([`set bin "${elf}"`, include]);
    expect(said).toContain("Starting emulation...");
    expect(said).not.toContain("There was an error");
  });

  it("takes firmware.elf beside it when nothing was said", async () => {
    const where = write(findBoard("nucleo-h753zi"), "digits", "default");
    const include = `include @${join(where, "digits.resc")}`;
    expect(await say([include])).toMatch(/There was an error[\s\S]*firmware\.elf/);
    writeFileSync(join(where, "firmware.elf"), "\x7fELF");
    expect(await say([include])).toContain("Starting emulation...");
  });
});

describeWith(["robot"], "the suite, in Robot Framework", () => {
  async function robot(args: readonly string[]) {
    const common = ["--output", "NONE", "--log", "NONE", "--report", "NONE"];
    const variables = ["--variable", `RENODEKEYWORDS:${keywords}`];
    return execa("robot", [...common, ...variables, ...args], { reject: false, timeout: 60_000, all: true });
  }

  it("is understood for every board", async () => {
    const suites = boards.map((b) => join(write(b, "digits", `dry/${b.id}`), "digits.robot"));
    const { exitCode, all } = await robot(["--dryrun", ...suites]);
    expect(all).toContain(`${boards.length} tests, ${boards.length} passed, 0 failed`);
    expect(exitCode).toBe(0);
  });

  it("would not be with a keyword that Renode lacks", async () => {
    const suite = join(write(findBoard("stm32f103"), "digits", "wrong"), "digits.robot");
    writeFileSync(suite, readFileSync(suite, "utf8").replace("Create Terminal Tester", "Create A Tester"));
    const { exitCode, all } = await robot(["--dryrun", suite]);
    expect(exitCode).toBe(1);
    expect(all).toContain("No keyword with name 'Create A Tester' found");
  });

  describeWith(["arm-none-eabi-gcc", "make", "qemu-system-arm"], "with an example's output", () => {
    const suite = (): string =>
      join(write(findBoard("stm32f4-discovery"), "mnist_cnn", "run"), "mnist_cnn.robot");
    const run = (text: string, ...variables: string[]) => {
      const file = join(folder, "uart.txt");
      writeFileSync(file, text);
      const all = [`UART_TEXT:${file}`, ...variables].flatMap((v) => ["--variable", v]);
      return robot([...all, suite()]);
    };

    it("passes, and sees a wrong class, a failure and silence", async () => {
      const elf = await buildFirmware(folder, "mnist-cnn", "mnist_cnn.elf");
      const text = await firstLines(elf, "netduinoplus2", ["null", "stdio"], /^(PASS|FAIL)/m);
      const good = await run(text, `FIRMWARE:${elf}`, "EXPECTED:digit 7 recognised as 7");
      expect(good.all).toContain(`command: sysbus LoadELF "${elf}"`);
      expect(good.all).toContain("instructions until the verdict: 0x");
      expect(good.exitCode).toBe(0);
      expect((await run(text)).exitCode).toBe(0);
      expect((await run(text, "EXPECTED:digit 7 recognised as 1")).all).toContain("does not contain");
      expect((await run(`FAIL: self-test\n${text}`)).all).toContain("failing line");
      expect((await run(text.replace("PASS", ""))).exitCode).toBe(1);
    });

    it("does not let the image's path end the command", async () => {
      const { exitCode, all } = await run("PASS\n", 'FIRMWARE:/tmp/a" ; quit "');
      expect(all).toContain("cannot be given a path with quotation marks");
      expect(all).not.toContain("command:");
      expect(exitCode).toBe(1);
    });
  });
});
