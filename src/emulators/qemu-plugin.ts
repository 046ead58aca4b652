/** The profile plugin, built for the QEMU at hand by this computer's C compiler when it is first needed. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { access, mkdir, rename } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { packageFile } from "../assets/package-files.js";
import { fail } from "../diagnostics/diagnostic.js";
import { type TemporaryFolder, temporaryFolder } from "../toolchain/at-exit.js";
import { runTool } from "../toolchain/compiler.js";
import { findHostCc, hostCcNeed, missing, versionLine } from "../toolchain/tools.js";

const SOURCES = ["profile.c", "thumb.c"].map((file) => packageFile(`qemu-plugin/${file}`));
const HEADERS = ["qemu_plugin.h", "thumb.h"].map((file) => packageFile(`qemu-plugin/${file}`));
const FLAGS = ["-O2", "-std=c99", "-fPIC", "-shared", "-fvisibility=hidden"];
/** QEMU itself has the functions that the plugin calls. */
const DARWIN_FLAGS = ["-undefined", "dynamic_lookup"];

/** Absolute path of the plugin. Throws `toolchain/missing` (exit 3) without a C compiler. */
export async function buildQemuPlugin(qemu: string): Promise<string> {
  const cc = findHostCc();
  if (cc === undefined) {
    throw missing({ ...hostCcNeed, name: `${hostCcNeed.name}, which profiling in QEMU needs,` });
  }
  const version = (await versionLine(qemu)) ?? "unknown";
  const flags = [...FLAGS, ...(process.platform === "darwin" ? DARWIN_FLAGS : [])];
  const defines = [`-DBITLOOM_QEMU_API=${pluginApi(version)}`];
  const key = createHash("sha256").update([version, cc, ...flags, ...defines].join("\n"));
  for (const file of [...SOURCES, ...HEADERS]) key.update(readFileSync(file));
  const folder = await cacheFolder();
  const plugin = join(folder, `qemu-profile-${key.digest("hex").slice(0, 24)}.so`);
  if (await exists(plugin)) return plugin;
  // Another process may build the same: each writes its own file, and the last one stays.
  const staging = temporaryFolder("build-", folder);
  try {
    const built = join(staging.path, "profile.so");
    await runTool(cc, [...flags, ...defines, ...SOURCES, "-o", built], "emulator/plugin", SOURCES[0]!);
    await rename(built, plugin);
    return plugin;
  } finally {
    staging.remove();
  }
}

/** Version of QEMU's plugin interface: see qemu-plugin/qemu_plugin.h. */
export function pluginApi(version: string): number {
  const [, major = "7", minor = "0"] = /version (\d+)\.(\d+)/.exec(version) ?? [];
  if (Number(major) < 9) return 1;
  return Number(major) === 9 && minor === "0" ? 2 : 3;
}

/** The user's cache, or, where it cannot be written, a folder that lives as long as this process. */
async function cacheFolder(): Promise<string> {
  const folder = join(userCache(), "bitloom");
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, 2);
    return folder;
  } catch {
    temporary ??= temporaryFolder("bitloom-plugin-");
    return temporary.path;
  }
}
let temporary: TemporaryFolder | undefined;

function userCache(): string {
  if (process.env.XDG_CACHE_HOME) return process.env.XDG_CACHE_HOME;
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches");
  return process.env.LOCALAPPDATA ?? join(homedir(), ".cache");
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Turns a QEMU that does not start with the plugin into an error that says what to do. */
export function explainPluginFailure(said: string): Error | undefined {
  if (/-plugin: invalid option/.test(said)) {
    return fail("emulator/no-plugins", "this QEMU was built without support for plugins", {
      remedy: "use a QEMU built with --enable-plugins (Debian's and Ubuntu's are), or --emulator renode",
      exitCode: 3,
    });
  }
  const why = /[Cc]ould not load plugin[^\n]*/.exec(said)?.[0];
  if (why === undefined) return undefined;
  return fail("emulator/plugin", `QEMU does not load the profile plugin: ${why.slice(0, 300)}`, {
    remedy: "remove bitloom's cache folder so that the plugin is built again, or use --emulator renode",
    exitCode: 3,
  });
}
