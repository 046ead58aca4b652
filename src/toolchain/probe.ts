/** Which of the programs that bitloom can use are here; for `doctor`. */
import { existsSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { execa } from "execa";
import {
  armBinutil,
  armGcc,
  armGccNeed,
  findByVariable,
  findOnPath,
  hostCc,
  hostCcNeed,
  versionLine,
} from "./tools.js";

export interface ToolStatus {
  /** `gcc-arm`, `newlib`, `objdump`, `host-cc`, `qemu` or `renode`. */
  readonly id: string;
  /** What it is needed for. */
  readonly purpose: string;
  readonly found: boolean;
  /** Absolute path, when found. */
  readonly path?: string;
  /** First line of what it says about itself, when found and known. */
  readonly version?: string;
  /** How to get it; also when it is found. */
  readonly remedy: string;
}

interface Probe {
  readonly id: string;
  readonly purpose: string;
  readonly remedy: string;
  /** Throws or returns undefined when it is missing. */
  readonly find: () => string | undefined | Promise<string | undefined>;
  /** False for files that are no programs. */
  readonly runs?: boolean;
}

export const RENODE_REMEDY =
  "download a portable package from https://github.com/renode/renode/releases, unpack it, and set RENODE_PATH to its renode program (or put it on PATH)";

const probes: readonly Probe[] = [
  { id: "gcc-arm", purpose: "compiles for Cortex-M", remedy: armGccNeed.remedy, find: armGcc },
  {
    id: "newlib",
    purpose: "the C library for Cortex-M",
    remedy: "install it (Debian, Ubuntu: apt install libnewlib-arm-none-eabi)",
    find: findNewlib,
    runs: false,
  },
  {
    id: "objdump",
    purpose: "checks Cortex-M0 images for instructions that the core lacks",
    remedy: "install it (Debian, Ubuntu: apt install binutils-arm-none-eabi)",
    find: () => armBinutil("objdump"),
  },
  { id: "host-cc", purpose: "runs models on this computer", remedy: hostCcNeed.remedy, find: hostCc },
  {
    id: "qemu",
    purpose: "emulates Cortex-M machines",
    remedy: "install it (Debian, Ubuntu: apt install qemu-system-arm) or set BITLOOM_QEMU",
    find: () => findByVariable("BITLOOM_QEMU", "qemu-system-arm"),
  },
  { id: "renode", purpose: "emulates whole boards", remedy: RENODE_REMEDY, find: findRenode },
];

/** Absolute path of Renode: RENODE_PATH (the program or its folder), then PATH. Undefined when absent. */
export function findRenode(): string | undefined {
  const inFolder = process.env.RENODE_PATH && findOnPath(join(resolve(process.env.RENODE_PATH), "renode"));
  return inFolder || findByVariable("RENODE_PATH", "renode");
}

/** Looks for every tool. Never throws: what cannot be found or run is reported as missing. */
export async function probeTools(): Promise<ToolStatus[]> {
  return Promise.all(probes.map(probe));
}

async function probe({ id, purpose, remedy, find, runs = true }: Probe): Promise<ToolStatus> {
  const path = await Promise.resolve()
    .then(find)
    .catch(() => undefined);
  if (path === undefined) return { id, purpose, remedy, found: false };
  const version = runs ? await versionLine(path) : undefined;
  return { id, purpose, remedy, found: true, path, ...(version === undefined ? {} : { version }) };
}

/** Path of the small C library that the compiler would link. */
async function findNewlib(): Promise<string | undefined> {
  const args = ["-mcpu=cortex-m0", "-mthumb", "-mfloat-abi=soft", "-print-file-name=libc_nano.a"];
  const { stdout } = await execa(armGcc(), args, { stdin: "ignore", timeout: 20_000 });
  // GCC prints the bare name when it has no such file.
  return isAbsolute(stdout) && existsSync(stdout) ? stdout : undefined;
}
