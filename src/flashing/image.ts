/** The image that is to be written: whether it is one for the board, and the file formats that tools want of it. */
import { stat, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { type BitloomError, fail } from "../diagnostics/diagnostic.js";
import type { Board, Memory } from "../targets/boards.js";
import {
  ELF_MACHINE_ARM,
  type Elf,
  type ElfLoad,
  imageMismatch,
  readElf,
  runTool,
} from "../toolchain/index.js";
import { armBinutil } from "../toolchain/tools.js";
import type { FlashStep, ImageFile, ImageFormat } from "./types.js";
import { uf2Blocks } from "./uf2.js";

/** An image that is known to be for the board. */
export interface CheckedImage {
  /** Absolute path of the ELF file. */
  readonly elf: string;
  readonly loads: readonly ElfLoad[];
  /** Address of its first byte in flash. */
  readonly address: number;
  /** Bytes that are written. */
  readonly bytes: number;
}

/**
 * Reads an ELF file and checks that it is for Arm, for the board's core, and all of it for the board's flash. Throws
 * `toolchain/bad-elf` or `flashing/wrong-image` (exit 2).
 */
export async function readImage(path: string, board: Board): Promise<CheckedImage> {
  const elf = await readElf(path);
  const why = mismatch(elf, board);
  if (why !== undefined) throw wrongImage(path, board, why);
  const address = Math.min(...elf.loads.map((load) => load.address));
  return { elf: resolve(path), loads: elf.loads, address, bytes: total(elf.loads) };
}

function mismatch(elf: Elf, board: Board): string | undefined {
  if (elf.machine !== ELF_MACHINE_ARM)
    return `it is for another processor (ELF machine ${elf.machine}, Arm is 40)`;
  if (elf.loads.length === 0) return "it has nothing to load; is it an object file?";
  const problem = imageMismatch(elf, board);
  if (problem !== undefined) return problem;
  const stray = elf.loads.find((load) => !isWithin(load, board.memories.flash));
  if (stray === undefined) return undefined;
  const what = `${stray.data.length} bytes at ${addressText(stray.address)} (${stray.name})`;
  return `${what} are not in its flash, and would be gone with the power`;
}

function isWithin({ address, data }: ElfLoad, memory: Memory): boolean {
  return address >= memory.origin && address + data.length <= memory.origin + memory.size;
}

function total(loads: readonly ElfLoad[]): number {
  return loads.reduce((sum, load) => sum + load.data.length, 0);
}

function wrongImage(path: string, board: Board, why: string): BitloomError {
  return fail("flashing/wrong-image", `it was not built for ${board.id}: ${why}`, {
    where: path,
    remedy: `build it for ${board.id} (\`bitloom boards ${board.id}\` shows its core and memories)`,
  });
}

/** The file that a tool gets: the ELF file itself, or one beside its name in `folder`. */
export function imageFile(
  image: Pick<CheckedImage, "elf" | "address">,
  format: ImageFormat,
  folder: string,
): ImageFile {
  if (format === "elf") return { path: image.elf, address: image.address };
  const name = basename(image.elf).replace(/\.[^.]*$/, "");
  return { path: join(folder, `${name}.${format}`), address: image.address };
}

/** How objcopy makes the file; nothing for formats that it does not make. */
export function conversion(elf: string, format: ImageFormat, file: ImageFile): readonly FlashStep[] {
  if (format === "elf" || format === "uf2") return [];
  // Without --gap-fill: it would fill all that lies between flash and variables in RAM.
  const target = format === "hex" ? "ihex" : "binary";
  return [{ program: "arm-none-eabi-objcopy", args: ["-O", target, elf, file.path] }];
}

/** Writes the file that a tool gets. Throws `flashing/convert` (exit 1), or exit 3 without objcopy. */
export async function writeImageFile(
  image: CheckedImage,
  format: ImageFormat,
  file: ImageFile,
  family: number | undefined,
): Promise<void> {
  if (format === "uf2") await writeFile(file.path, uf2Blocks(image.loads, family));
  for (const { args } of conversion(image.elf, format, file)) {
    await runTool(armBinutil("objcopy"), args, "flashing/convert", image.elf);
  }
  if (format === "bin") await checkLength(image, file);
}

/** Bytes alone do not say where they belong: there must be as many as lie between the first and the last that is loaded. */
async function checkLength({ elf, loads, address }: CheckedImage, { path }: ImageFile): Promise<void> {
  const end = Math.max(...loads.map((load) => load.address + load.data.length));
  const { size } = await stat(path);
  if (size === end - address) return;
  throw fail("flashing/convert", `objcopy made ${size} bytes of an image of ${end - address}`, {
    where: elf,
    exitCode: 1,
  });
}

/** e.g. `0x08000000`. */
export function addressText(address: number): string {
  return `0x${address.toString(16).padStart(8, "0")}`;
}
