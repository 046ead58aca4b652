import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { findSerialPort } from "../emulators/index.js";
import {
  type CheckedImage,
  chooseTool,
  dryRun,
  dryRunLines,
  flashImage,
  isUsable,
  readImage,
} from "../flashing/index.js";
import { type Board, findBoard } from "../targets/index.js";
import { buildFirmware } from "../toolchain/firmware.js";
import { writeLibrary } from "../verify.js";
import { modelCommand } from "./model-command.js";
import { refuseFolder } from "./model-folder.js";
import { compileFromOptions, type ModelOptions, wholeNumber } from "./options.js";
import { type CommandResult, present } from "./output.js";
import { progressLine } from "./progress.js";

interface Options extends ModelOptions {
  readonly board: string;
  readonly tool?: string;
  readonly port?: string;
  readonly trace: boolean;
  readonly dryRun: boolean;
  readonly timeout: string;
  readonly json: boolean;
}

export function flashCommand(): Command {
  return modelCommand("flash", "write an image to a board: a model with the test harness, or any ELF file", {
    what: "model or ELF file",
  })
    .requiredOption("--board <id>", "board on the desk (see `bitloom boards`)")
    .option(
      "--tool <tool>",
      "probe-rs, openocd, pyocd, st-flash, jlink, uf2, bossac or dfu-util (default: the first of the board's that is installed)",
    )
    .option("--port <port>", "serial port for bossac, folder of the drive for uf2")
    .option("--trace", "a model's build that reports every layer, for `verify --target`", false)
    .option("--dry-run", "print what would be run, and run nothing", false)
    .option("--timeout <seconds>", "longest time for one program", "180")
    .option("--output <kind>", "scores or float32: what the device returns", "scores")
    .addHelpText(
      "after",
      "\nThen `bitloom verify MODEL --target serial --board ID` runs inputs on the board.\n\nExample:\n  bitloom flash mnist.onnx --board stm32f4-discovery --dry-run\n",
    )
    .action((path: string, options: Options) => present(options.json, () => run(path, options)));
}

async function run(path: string, options: Options): Promise<CommandResult> {
  const board = findBoard(options.board);
  const timeoutMs = 1000 * wholeNumber("--timeout", options.timeout, 1, 86400);
  const entry = chooseTool(board, options.tool, options.dryRun);
  refuseFolder(path);
  const isElf = beginsAsElf(path);
  const common = { board, entry, timeoutMs };
  if (options.dryRun)
    return show(await imageToShow(path, isElf, board, options), { ...common, port: options.port });
  const port = options.port ?? (entry.tool === "bossac" ? findSerialPort(board) : undefined);
  const progress = progressLine(options.json);
  const started = performance.now();
  try {
    const image = await withImage(path, isElf, board, options, async (checked) => {
      await flashImage(checked, { ...common, port, onProgress: progress.update });
      return checked;
    });
    progress.clear();
    const seconds = (performance.now() - started) / 1000;
    return {
      text: `flashed ${board.id} with ${entry.tool}: ${image.bytes} bytes at 0x${image.address.toString(16).padStart(8, "0")}, ${seconds.toFixed(1)} s`,
      json: {
        board: board.id,
        tool: entry.tool,
        dryRun: false,
        bytes: image.bytes,
        address: image.address,
        seconds,
      },
    };
  } finally {
    progress.clear();
  }
}

/** What a dry run talks about; of a model the names only, since nothing is built. */
async function imageToShow(
  path: string,
  isElf: boolean,
  board: Board,
  options: Options,
): Promise<Pick<CheckedImage, "elf" | "address">> {
  if (isElf) return readImage(path, board);
  const { library } = compileFromOptions(path, options, { cpu: board.cpu });
  return {
    elf: join(tmpdir(), "bitloom-flash", `${library.name}.elf`),
    address: board.memories.flash.origin,
  };
}

function show(
  image: Pick<CheckedImage, "elf" | "address">,
  options: Parameters<typeof dryRun>[1],
): CommandResult {
  const { board, entry } = options;
  const plan = dryRun(image, options);
  const installed = isUsable(entry);
  const absent = installed ? [] : [`# ${entry.tool} is not installed`];
  return {
    text: [...absent, ...dryRunLines(plan)].join("\n"),
    json: { board: board.id, tool: entry.tool, dryRun: true, installed, ...plan },
  };
}

/** Builds a model's firmware, or reads the ELF file, and hands it on; what was built is removed again. */
async function withImage<T>(
  path: string,
  isElf: boolean,
  board: Board,
  options: Options,
  use: (image: CheckedImage) => Promise<T>,
): Promise<T> {
  if (isElf) return use(await readImage(path, board));
  const model = compileFromOptions(path, options, { cpu: board.cpu });
  const folder = mkdtempSync(join(tmpdir(), "bitloom-firmware-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    const library = writeLibrary(model, join(folder, "library"));
    const outDir = join(folder, "build");
    const { elf } = await buildFirmware({ library, board, outDir, trace: options.trace });
    return await use(await readImage(elf, board));
  } finally {
    process.off("exit", remove);
    remove();
  }
}

function beginsAsElf(path: string): boolean {
  const file = openSync(resolve(path), "r");
  try {
    const magic = Buffer.alloc(4);
    readSync(file, magic, 0, 4, 0);
    return magic.toString("latin1") === "\x7fELF";
  } finally {
    closeSync(file);
  }
}
