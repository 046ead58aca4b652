import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { kerasQuantizers } from "../../src/formats/keras/registry.js";
import { supportedOps } from "../../src/formats/support.js";
import { passNames } from "../../src/passes/registry.js";
import { repoRoot } from "../support/root.js";

const doc = (name: string): string => readFileSync(join(repoRoot, name), "utf8");

describe("documents say what the code does", () => {
  it("FORMATS.md has the importers' tables of operators, layers and quantizers", () => {
    const rows = supportedOps.map(({ op, format, notes }) => {
      return `| ${format === "bundle" ? `\`${op}\`` : op} | ${format} | ${notes} |`;
    });
    const isBundle = (row: string): boolean => row.includes("| bundle |");
    const quantizers = kerasQuantizers.map(({ name, of }) => `| \`${name}\` | ${of} |`);
    const written = doc("docs/FORMATS.md")
      .split("\n")
      .filter((line) => /^\| [A-Z`]/.test(line));
    const others = rows.filter((row) => !isBundle(row));
    expect(written).toEqual([...others, ...quantizers, ...rows.filter(isBundle)]);
  });

  it("ARCHITECTURE.md names the stages that can be printed", () => {
    expect(doc("docs/ARCHITECTURE.md")).toContain(`--print-after import|${passNames.join("|")}|plan`);
  });

  it("the README's C example compiles against a generated library", async () => {
    const example = /```c\n([\s\S]*?)```/.exec(doc("README.md"))![1]!;
    expect(example).toContain("model_run");
    const { compileExample } = await import("../support/compile-example.js");
    await compileExample(example);
  });

  it("links between documents lead somewhere", () => {
    for (const [file, folder] of [
      ["README.md", "."],
      ["docs/ARCHITECTURE.md", "docs"],
      ["docs/FORMATS.md", "docs"],
    ] as const) {
      for (const [, target] of doc(file).matchAll(/\]\((?!http)([^)#]+)\)/g)) {
        expect(
          () => readFileSync(join(repoRoot, folder, target!, target!.includes(".") ? "" : "README.md")),
          target,
        ).not.toThrow();
      }
    }
  });
});
