/** Stand-ins for flashing tools on PATH, and images to flash. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { vi } from "vitest";
import { type CheckedImage, readImage } from "../../src/flashing/index.js";
import { type Board, findBoard } from "../../src/targets/index.js";
import { buildFirmware } from "../../src/toolchain/index.js";
import { toy } from "../toolchain/toy.js";

const script = pathToFileURL(join(import.meta.dirname, "../fixtures/flashers/fake-flasher.mjs")).href;

/** One call of a stand-in. */
export interface Call {
  readonly tool: string;
  readonly pid: number;
  readonly args: readonly string[];
  /** What the files among its arguments held, in base64, by their names. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Behaviour {
  readonly say?: string;
  readonly exit?: number;
  readonly hang?: boolean;
}

/** Puts stand-ins in front of everything else on PATH; returns a function that reads their calls. */
export function fakeTools(
  folder: string,
  names: readonly string[],
  { say = "", exit = 0, hang = false }: Behaviour = {},
) {
  const bin = join(folder, "bin");
  const log = join(folder, "calls.jsonl");
  mkdirSync(bin, { recursive: true });
  writeFileSync(log, "");
  for (const name of names) {
    const path = join(bin, name);
    writeFileSync(path, `#!${process.execPath}\nimport(${JSON.stringify(script)});\n`);
    chmodSync(path, 0o755);
  }
  vi.stubEnv("PATH", `${bin}${delimiter}${process.env.PATH}`);
  vi.stubEnv("FAKE_FLASH_LOG", log);
  vi.stubEnv("FAKE_FLASH_SAY", say);
  vi.stubEnv("FAKE_FLASH_EXIT", String(exit));
  vi.stubEnv("FAKE_FLASH_HANG", hang ? "1" : "");
  return (): Call[] =>
    readFileSync(log, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Call);
}

/** The toy library's firmware for a board, built once per folder. */
export async function toyImage(folder: string, id: string): Promise<{ board: Board; image: CheckedImage }> {
  const board = findBoard(id);
  const outDir = join(folder, id);
  const elf = join(outDir, `${toy.name}.elf`);
  if (!existsSync(elf)) await buildFirmware({ library: toy, board, outDir, trace: false });
  return { board, image: await readImage(elf, board) };
}
