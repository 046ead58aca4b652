/** The drive that a UF2 bootloader shows, and copying a file to it. */
import { type FileHandle, open, readdir, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { type BitloomError, fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";

/** Where systems mount drives, directly or in a folder of the user's. */
const MOUNT_ROOTS: readonly string[] = ["/media", "/run/media", "/mnt", "/Volumes"];
/** How long a board may take to restart after the last block. */
const RESTART_MS = 5000;
const RETRY_MS = 100;

/**
 * The folder of the drive with this label. A drive counts when it has the bootloader's INFO_UF2.TXT. Throws
 * `flashing/no-device` or `flashing/many-probes` (exit 1).
 */
export async function findDrive(label: string, roots: readonly string[] = MOUNT_ROOTS): Promise<string> {
  const drives: string[] = [];
  for (const root of roots) {
    for (const folder of await foldersIn(root)) {
      const inside = await foldersIn(folder);
      for (const drive of [folder, ...inside]) {
        if (hasLabel(drive, label) && (await isUf2Drive(drive))) drives.push(drive);
      }
    }
  }
  const [drive, ...others] = drives;
  if (drive === undefined) throw noDrive(`there is no drive ${label} with an INFO_UF2.TXT`, label);
  if (others.length === 0) return drive;
  throw fail(
    "flashing/many-probes",
    `${drives.length} drives are ${label}: ${printable(drives.join(", "), 300)}`,
    {
      remedy: "unplug the other boards, or name the drive's folder by --port",
      exitCode: 1,
    },
  );
}

/** A folder that the user names. Throws `flashing/no-device` (exit 1) when it is no UF2 drive. */
export async function checkDrive(folder: string, label: string): Promise<string> {
  if (await isUf2Drive(folder)) return folder;
  throw noDrive(`${printable(folder)} has no INFO_UF2.TXT, so it is no drive of a UF2 bootloader`, label);
}

/**
 * Copies a file to the drive. The board restarts with the last block, and the drive goes: that is success. Throws
 * `flashing/drive-full` or `flashing/drive-lost` (exit 1) and leaves no part of the file behind.
 */
export async function copyToDrive(bytes: Uint8Array, drive: string, name: string): Promise<void> {
  const { bavail, bsize } = await statfs(drive);
  if (bavail * bsize < bytes.length) throw full(drive, bytes.length, bavail * bsize);
  const path = join(drive, name);
  try {
    await write(path, bytes);
  } catch (error) {
    if (isGone(error) && (await hasLeft(drive))) return;
    await rm(path, { force: true }).catch(() => undefined);
    if (codeOf(error) === "ENOSPC") throw full(drive, bytes.length, undefined);
    throw fail(
      "flashing/drive-lost",
      `${printable(path)} could not be written whole: ${printable(String(error), 200)}`,
      { remedy: "plug the board in again with its bootloader started, and try again", exitCode: 1 },
    );
  }
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  const file: FileHandle = await open(path, "w");
  try {
    await file.writeFile(bytes);
    // Not into this computer's memory only: the board must have it before the command ends.
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Errors of a device that has gone while it was written. */
function isGone(error: unknown): boolean {
  return ["EIO", "ENODEV", "ENXIO", "ENOENT"].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

async function hasLeft(drive: string): Promise<boolean> {
  const deadline = performance.now() + RESTART_MS;
  while (performance.now() < deadline) {
    if (!(await isUf2Drive(drive))) return true;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  return false;
}

async function isUf2Drive(folder: string): Promise<boolean> {
  return (await namesIn(folder)).some((name) => /^info_uf2\.txt$/i.test(name));
}

/** A second drive of the same label is mounted with a number behind its name. */
function hasLabel(folder: string, label: string): boolean {
  const name = folder.slice(folder.lastIndexOf("/") + 1).toUpperCase();
  return name === label || (name.startsWith(label) && /^\d+$/.test(name.slice(label.length)));
}

async function foldersIn(folder: string): Promise<string[]> {
  return (await namesIn(folder)).map((name) => join(folder, name));
}

/** Empty for what is no folder, or may not be read. */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

function noDrive(message: string, label: string): BitloomError {
  return fail("flashing/no-device", message, {
    remedy: `start the board's bootloader (on most boards two presses of the reset button, on a Raspberry Pi Pico BOOTSEL held while it is plugged in), see that the drive ${label} is mounted, or name its folder by --port`,
    exitCode: 1,
  });
}

function full(drive: string, needed: number, free: number | undefined): BitloomError {
  const room = free === undefined ? "" : `, ${free} are free`;
  return fail("flashing/drive-full", `${printable(drive)} is full: the file takes ${needed} bytes${room}`, {
    remedy: "remove other files from the drive; if it is the board's, start its bootloader again",
    exitCode: 1,
  });
}
