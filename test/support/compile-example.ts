import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { writeLibrary } from "../../src/verify.js";
import { mnistMlp } from "./models.js";

/** Compiles C text that uses a library called `model`, without warnings. */
export async function compileExample(text: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bitloom-example-"));
  try {
    writeLibrary(mnistMlp({ name: "model" }), folder);
    const source = join(folder, "example.c");
    writeFileSync(source, text);
    await execa("gcc", [
      "-std=c99",
      "-Wall",
      "-Wextra",
      "-Wconversion",
      "-Werror",
      "-c",
      source,
      "-o",
      join(folder, "example.o"),
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
