/** Firmware of the examples: built by its own Makefile in a copy, run in QEMU. */
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { repoRoot } from "./root.js";

/** Builds `examples/<example>/firmware` in a copy under `folder`; the path of the ELF file `name`. */
export async function buildFirmware(folder: string, example: string, name: string): Promise<string> {
  for (const part of [example, "common"]) {
    cpSync(join(repoRoot, "examples", part), join(folder, part), {
      recursive: true,
      filter: (path) => !path.includes("/build"),
    });
  }
  const dir = join(folder, example, "firmware");
  const tsx = join(repoRoot, "node_modules/tsx/dist/cli.mjs");
  const images = join(repoRoot, "examples/common/images.ts");
  mkdirSync(join(dir, "build"));
  await execa(process.execPath, [tsx, images, "header", join(dir, "build/digits.h")]);
  // Makefile commands: the built program in place of `npx bitloom`, and nothing where digits.h is up to date.
  await execa("make", ["-C", dir, `BITLOOM=${process.execPath} ${join(repoRoot, "dist/cli/main.js")}`]);
  return join(dir, "build", name);
}

/** What the firmware prints until a line matches. `serial` are QEMU's serial ports. */
export async function firstLines(
  elf: string,
  machine: string,
  serial: readonly string[],
  last: RegExp,
): Promise<string> {
  const ports = serial.flatMap((port) => ["-serial", port]);
  const flags = ["-machine", machine, "-display", "none", "-monitor", "none", ...ports];
  const qemu = execa("qemu-system-arm", [...flags, "-kernel", elf], {
    timeout: 20_000,
    reject: false,
    stdin: "ignore",
  });
  let text = "";
  qemu.stdout.on("data", (bytes: Buffer) => {
    text += bytes.toString();
    if (last.test(text)) qemu.kill("SIGKILL");
  });
  await qemu;
  return text.replaceAll("\r", "").trim();
}
