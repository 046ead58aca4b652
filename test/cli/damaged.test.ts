/** The command line on damaged models: a library or clear errors, and no other file. Many more are in test/formats/mutants.test.ts. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, expect, test } from "vitest";
import { commandLine } from "../support/bitloom.js";
import { damagedModel, formats } from "../support/damaged-models.js";
import { full } from "../support/models.js";

const FILES = full ? 20 : 4;
const firstSeed = Number(process.env.BITLOOM_SEED ?? 90_000);
const folder = mkdtempSync(join(tmpdir(), "bitloom-damaged-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the command says to people: a line per diagnostic, perhaps one of help, and nothing of a program's own. */
const LINE = /^((error|warning|note)\[[a-z0-9/-]+\]: \P{C}+| {4}help: \P{C}+)$/u;

test.each(formats)(`compile on ${FILES} damaged files of %s`, async (format) => {
  const codes: number[] = [];
  for (let seed = firstSeed; seed < firstSeed + FILES; seed++) {
    const { files, model, args, title } = damagedModel(format, seed);
    const home = join(folder, `${format}-${seed}`);
    mkdirSync(join(home, "model"), { recursive: true });
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(home, "model", name), bytes);
    const words = ["compile", join("model", model), "-o", "out", ...args];
    const { exitCode, stdout, stderr } = await execa(process.execPath, [commandLine, ...words], {
      cwd: home,
      env: { TMPDIR: home },
      reject: false,
      timeout: 60_000,
    });
    expect(exitCode, title).toBeOneOf([0, 2]);
    for (const line of stderr.split("\n").filter((l) => l !== "")) expect(line, title).toMatch(LINE);
    if (exitCode === 2) expect([stdout, /^error\[/m.test(stderr)], title).toEqual(["", true]);
    else expect(readdirSync(join(home, "out")).length, title).toBeGreaterThan(4);
    expect(existsSync(join(home, "out")), title).toBe(exitCode === 0);
    expect(readdirSync(home).filter((name) => name !== "out")).toEqual(["model"]);
    expect(readdirSync(join(home, "model")).sort()).toEqual(Object.keys(files).sort());
    codes.push(exitCode ?? -1);
  }
  expect(codes).toContain(2);
});
