/** The house itself: types, format, and data that flows one way. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { repoRoot } from "../support/root.js";

/** Rooms of src/ and what each may import besides itself; docs/ARCHITECTURE.md has the same table. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  diagnostics: [],
  assets: [],
  graph: ["diagnostics"],
  formats: ["diagnostics", "graph"],
  program: ["diagnostics"],
  passes: ["diagnostics", "graph", "program"],
  reference: ["diagnostics", "graph", "program"],
  targets: ["diagnostics", "assets"],
  kernels: ["program", "targets"],
  plan: ["diagnostics", "program", "kernels", "targets"],
  emit: ["diagnostics", "assets", "program", "kernels", "plan"],
  toolchain: ["diagnostics", "assets", "targets"],
  profile: [],
  emulators: ["diagnostics", "assets", "program", "profile", "targets", "toolchain"],
  flashing: ["diagnostics", "targets", "toolchain"],
  // The rest of report/ takes plans and profiles as they are, to make text of them.
  "report/html": ["diagnostics", "assets"],
  tuning: [
    "diagnostics",
    "assets",
    "program",
    "reference",
    "profile",
    "targets",
    "kernels",
    "plan",
    "emit",
    "toolchain",
    "emulators",
  ],
};

describe("src/", () => {
  it("imports from left to right only", () => {
    const wrong: string[] = [];
    for (const [room, allowed] of Object.entries(rooms)) {
      for (const path of sourceFiles(join(repoRoot, "src", room))) {
        const text = readFileSync(path, "utf8");
        for (const [, target] of text.matchAll(/from "((?:\.\.\/)+[^"]+)"/g)) {
          const imported = relative(join(repoRoot, "src"), join(path, "..", target!)).split("/")[0]!;
          if (imported !== room && !allowed.includes(imported))
            wrong.push(`${relative(repoRoot, path)} -> ${imported}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it("has no room that the table does not know", () => {
    const folders = readdirSync(join(repoRoot, "src")).filter((f) =>
      statSync(join(repoRoot, "src", f)).isDirectory(),
    );
    expect(folders.sort()).toEqual(
      [...Object.keys(rooms).filter((room) => !room.includes("/")), "cli", "report"].sort(),
    );
  });

  it("keeps the reference apart from packing, thresholds, plan and emit", () => {
    for (const path of sourceFiles(join(repoRoot, "src/reference"))) {
      expect(readFileSync(path, "utf8")).not.toMatch(/from "\.\.\/(passes|kernels|plan|emit)/);
    }
  });
});

describe("checks", () => {
  it("types hold (tsc)", async () => {
    await execa("npx", ["tsc", "-p", "tsconfig.json", "--noEmit"], { cwd: repoRoot });
  });

  it("format and lint hold (Biome)", async () => {
    await execa("npx", ["biome", "check", "."], { cwd: repoRoot });
  });

  it("nothing is exported or installed in vain (knip)", async () => {
    await execa("npx", ["knip", "--no-config-hints"], { cwd: repoRoot });
  });

  it("C is formatted (clang-format)", async () => {
    await execa("bash", ["scripts/c-format.sh", "--check"], { cwd: repoRoot });
  });

  it("the runtime and the profile plugin are clean under cppcheck", async () => {
    const files = ["runtime-c", "qemu-plugin"].flatMap((folder) =>
      readdirSync(join(repoRoot, folder))
        .filter((f) => f.endsWith(".c"))
        .map((f) => join(repoRoot, folder, f)),
    );
    const flags = ["--enable=warning,style,performance,portability", "--error-exitcode=1", "--quiet"];
    await execa("cppcheck", [...flags, "--suppress=unusedStructMember", ...files]);
  });
});

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((f) => f.endsWith(".ts"))
    .map((f) => join(folder, f));
}
