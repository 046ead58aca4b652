/** Writes an image to a board. */
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import type { Board } from "../targets/boards.js";
import type { FlashTool } from "../targets/flash-tools.js";
import { findOnPath, missing } from "../toolchain/tools.js";
import { flashFailure, plainText, readFailure } from "./failures.js";
import { type CheckedImage, conversion, imageFile, writeImageFile } from "./image.js";
import { commandText } from "./quote.js";
import { flasherOf, type ProgramEntry, planFor } from "./registry.js";
import type { Flasher, FlashPlan, FlashStep, ImageFile, ImageFormat } from "./types.js";
import { checkDrive, copyToDrive, findDrive } from "./uf2-drive.js";

export interface FlashOptions {
  readonly board: Board;
  /** One of `board.flash`. */
  readonly entry: FlashTool;
  /** Serial port for bossac; folder of the drive for UF2. By default the tool's choice, or the drive found by its label. */
  readonly port?: string | undefined;
  /** Milliseconds that one program may take. Default 180,000. */
  readonly timeoutMs?: number;
  readonly onProgress?: (message: string) => void;
}

const TIMEOUT_MS = 180_000;
const MAX_OUTPUT = 16 * 1024 * 1024;

/** What would be run: conversions, then the tool. Nothing is run and nothing written. */
export interface DryRun {
  readonly steps: readonly FlashStep[];
  readonly files: FlashPlan["files"];
  /** The file that the tool gets. */
  readonly image: string;
  /** For UF2: where the file is copied to. */
  readonly drive?: string;
}

export function dryRun(
  image: Pick<CheckedImage, "elf" | "address">,
  { board, entry, port }: FlashOptions,
  folder = join(tmpdir(), "bitloom-flash"),
): DryRun {
  const format = formatOf(entry);
  const file = imageFile(image, format, folder);
  if (entry.tool === "uf2") {
    return { steps: [], files: [], image: file.path, drive: port ?? `the drive ${entry.label}` };
  }
  const plan = planFor(entry, { board, image: file, folder, port });
  const steps = [...conversion(image.elf, format, file), ...plan.steps];
  return { steps, files: plan.files, image: file.path };
}

/** A dry run as a person would do it in a shell: scripts as comments, commands, and what is copied where. */
export function dryRunLines({ files, steps, drive, image }: DryRun): string[] {
  const scripts = files.flatMap(({ path, text }) => [
    `# ${path}:`,
    ...text
      .trim()
      .split("\n")
      .map((line) => `#   ${line}`),
  ]);
  const copy = drive === undefined ? [] : [`# copy ${basename(image)} to ${drive}`];
  return [...scripts, ...steps.map(commandText), ...copy];
}

/**
 * Writes an image and starts it. Throws `flashing/<kind>` (exit 1; 2 where the tool cannot take the image; 3 where something
 * is to be installed) with what to do. Temporary files are removed, and the tool is ended, however it ends.
 */
export async function flashImage(image: CheckedImage, options: FlashOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bitloom-flash-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // Also where the user interrupts: the command line turns signals into an exit.
  process.once("exit", remove);
  try {
    const { entry } = options;
    const format = formatOf(entry);
    const file = imageFile(image, format, folder);
    await mkdir(dirname(file.path), { recursive: true });
    await writeImageFile(image, format, file, entry.tool === "uf2" ? Number(entry.family) : undefined);
    if (entry.tool === "uf2") await copyUf2(entry, file, options);
    else await runPlan(entry, file, folder, options);
  } finally {
    process.off("exit", remove);
    remove();
  }
}

function formatOf(entry: FlashTool): ImageFormat {
  return entry.tool === "uf2" ? "uf2" : flasherOf(entry.tool).format;
}

async function copyUf2(
  entry: Extract<FlashTool, { tool: "uf2" }>,
  file: ImageFile,
  { port, onProgress }: FlashOptions,
): Promise<void> {
  const drive = port === undefined ? await findDrive(entry.label) : await checkDrive(port, entry.label);
  onProgress?.(`copying to ${drive}`);
  await copyToDrive(await readFile(file.path), drive, basename(file.path));
}

async function runPlan(
  entry: ProgramEntry,
  file: ImageFile,
  folder: string,
  options: FlashOptions,
): Promise<void> {
  const flasher = flasherOf(entry.tool);
  const { board, port, onProgress } = options;
  const plan = planFor(entry, { board, image: file, folder, port });
  for (const { path, text } of plan.files) await writeFile(path, text);
  for (const step of plan.steps) {
    onProgress?.([step.program, step.args[0]].join(" "));
    await runStep(flasher, entry, step, options);
  }
}

async function runStep(
  flasher: Flasher,
  entry: ProgramEntry,
  { program, args }: FlashStep,
  { board, timeoutMs = TIMEOUT_MS }: FlashOptions,
): Promise<void> {
  const path = findOnPath(program);
  if (path === undefined) throw missing(flasher.need);
  const result = await execa(path, args, {
    reject: false,
    all: true,
    // Tools that find several probes ask which one.
    stdin: "ignore",
    timeout: timeoutMs,
    cleanup: true,
    forceKillAfterDelay: 1000,
    maxBuffer: MAX_OUTPUT,
    env: { LC_ALL: "C", NO_COLOR: "1" },
  });
  const output = plainText(result.all ?? "");
  if (result.timedOut) throw flashFailure(flasher, "timeout", board, output);
  if (flasher.success === undefined ? !result.failed : flasher.success.test(output)) return;
  const { kind, line } = readFailure(flasher, output);
  const said = line ?? (output.trim() === "" ? (result.shortMessage ?? "") : output);
  throw flashFailure(flasher, kind, board, said, remedyOf(entry, kind));
}

/** Only the entry knows the name of what is to be installed. */
function remedyOf(entry: ProgramEntry, kind: string): string | undefined {
  if (entry.tool === "pyocd" && kind === "unknown-target")
    return `install the chip's pack: pyocd pack install ${entry.target}`;
  return undefined;
}
