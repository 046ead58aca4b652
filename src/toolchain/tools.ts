/** Finding programs: an environment variable first, then PATH. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { execa } from "execa";
import { type BitloomError, fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";

/** Absolute path of the first of `names` on PATH, or undefined. A name with a slash is a path. */
export function findOnPath(...names: string[]): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  for (const name of names) {
    const candidates = name.includes("/") ? [resolve(name)] : folders.map((folder) => join(folder, name));
    const found = candidates.find(isProgram);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The program that an environment variable names, or else one on PATH. A variable that names no program is an
 * error (exit 3): silently using another program would hide the mistake.
 */
export function findByVariable(variable: string, ...names: string[]): string | undefined {
  const value = process.env[variable];
  if (value === undefined || value === "") return findOnPath(...names);
  const path = findOnPath(value);
  if (path !== undefined) return path;
  throw fail(
    "toolchain/bad-variable",
    `${variable} is "${printable(value)}", which is no program that can be run`,
    {
      remedy: `correct ${variable} or unset it`,
      exitCode: 3,
    },
  );
}

/** What a tool is for and how to get it, for the message when it is missing. */
export interface ToolNeed {
  readonly name: string;
  readonly remedy: string;
}

export const armGccNeed: ToolNeed = {
  name: "arm-none-eabi-gcc",
  remedy:
    "install it (Debian, Ubuntu: apt install gcc-arm-none-eabi libnewlib-arm-none-eabi) or set BITLOOM_ARM_GCC",
};
export const hostCcNeed: ToolNeed = {
  name: "a C compiler for this computer",
  remedy: "install one (Debian, Ubuntu: apt install gcc) or set BITLOOM_HOST_CC",
};

export function missing(need: ToolNeed): BitloomError {
  return fail("toolchain/missing", `${need.name} is not installed`, { remedy: need.remedy, exitCode: 3 });
}

/** Absolute path of arm-none-eabi-gcc: BITLOOM_ARM_GCC, then PATH. Throws with exit code 3 when absent. */
export function armGcc(): string {
  const path = findByVariable("BITLOOM_ARM_GCC", "arm-none-eabi-gcc");
  if (path === undefined) throw missing(armGccNeed);
  return path;
}

/** Absolute path of one of the GNU Arm binutils, e.g. `objdump`: beside the compiler, then PATH. Exit 3 when absent. */
export function armBinutil(name: string): string {
  const beside = join(dirname(armGcc()), `arm-none-eabi-${name}`);
  const path = isProgram(beside) ? beside : findOnPath(`arm-none-eabi-${name}`);
  if (path === undefined) {
    throw missing({
      name: `arm-none-eabi-${name}`,
      remedy: "install it (Debian, Ubuntu: apt install binutils-arm-none-eabi)",
    });
  }
  return path;
}

/** Like `hostCc`, but undefined when there is none. */
export function findHostCc(): string | undefined {
  return findByVariable("BITLOOM_HOST_CC", "cc", "gcc", "clang");
}

/** Absolute path of the host's C compiler: BITLOOM_HOST_CC, then cc, gcc, clang. Exit 3 when absent. */
export function hostCc(): string {
  const path = findHostCc();
  if (path === undefined) throw missing(hostCcNeed);
  return path;
}

/** First line that `path --version` prints, or undefined when it cannot be run. */
export async function versionLine(path: string): Promise<string | undefined> {
  const result = await execa(path, ["--version"], { reject: false, timeout: 20_000, stdin: "ignore" });
  if (result.failed || typeof result.stdout !== "string") return undefined;
  return printable(result.stdout.split("\n")[0]!.trim());
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
