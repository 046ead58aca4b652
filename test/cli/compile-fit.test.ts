/** Whether a compiled model has room on a board, by all of its memories. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fitReport } from "../../src/cli/compile-fit.js";
import { mnistCnn } from "../support/models.js";
import { repoRoot } from "../support/root.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-boards-"));
const before = process.env.BITLOOM_BOARDS;
beforeEach(() => {
  process.env.BITLOOM_BOARDS = folder;
});
afterEach(() => {
  if (before === undefined) delete process.env.BITLOOM_BOARDS;
  else process.env.BITLOOM_BOARDS = before;
  rmSync(folder, { recursive: true, force: true });
});

/** A board with so many bytes of RAM and of core-coupled memory. */
function boardWith(ram: number, ccm: number): string {
  const json = JSON.parse(readFileSync(join(repoRoot, "boards/stm32f4-discovery/board.json"), "utf8"));
  json.id = "small";
  json.memories.ram.size = ram;
  json.memories.others[0].size = ccm;
  mkdirSync(join(folder, "small"), { recursive: true });
  writeFileSync(join(folder, "small/board.json"), JSON.stringify(json));
  return "small";
}

it("says what the arena or its banks take of which memory, and refuses where none has room", () => {
  const [whole, banks] = [mnistCnn(), mnistCnn({ banks: [10_240, 4096] })];
  const { arenaBytes } = whole.plan.memory;
  const [first, second] = banks.plan.memory.banks as [number, number];
  expect(fitReport(whole, boardWith(2 * arenaBytes, 16)).text).toContain("the arena 50.0 % of RAM");
  expect(fitReport(whole, boardWith(1024, 4 * arenaBytes)).text).toContain("the arena 25.0 % of ccm");
  const { text } = fitReport(banks, boardWith(2 * second, first));
  expect(text).toContain("bank 0 100.0 % of ccm, bank 1 50.0 % of RAM");
  const small = boardWith(arenaBytes - 1, 64);
  expect(() => fitReport(whole, small)).toThrow(`${arenaBytes} of RAM`);
  expect(() => fitReport(whole, small)).toThrow(`${arenaBytes - 1} + 64 (ccm)`);
});
