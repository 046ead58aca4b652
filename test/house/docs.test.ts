import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { documents, withTables } from "../../scripts/formats-doc.js";
import { packageFile } from "../../src/assets/package-files.js";
import { supportedOps } from "../../src/formats/support.js";
import { passNames } from "../../src/passes/registry.js";
import { listBoards } from "../../src/targets/index.js";
import { repoRoot } from "../support/root.js";

const doc = (name: string): string => readFileSync(join(repoRoot, name), "utf8");

describe("documents say what the code does", () => {
  it.each(Object.entries(documents))("%s has the tables that `npm run docs` writes", (name, tables) => {
    const written = doc(name);
    expect(written).toBe(withTables(written, tables));
    const names = [...written.matchAll(/<!-- table: (.+) -->/g)].map(([, table]) => table);
    expect(names.sort()).toEqual(Object.keys(tables).sort());
  });

  it("FORMATS.md has a row for every operator", () => {
    const written = doc("docs/FORMATS.md");
    for (const { op } of supportedOps) expect(written).toMatch(new RegExp(`^\\| \`?${op}\`? \\| `, "m"));
  });

  it("BOARD-MATRIX.md has a row for every board, with its memories and tools (`npm run board-matrix`)", () => {
    const written = doc("docs/BOARD-MATRIX.md");
    const boards = listBoards([packageFile("boards")]);
    const rows = [...written.matchAll(/^\| `([\w-]+)` \| Cortex-\S+ \|.* of (\d+) \|.* of (\d+) \| /gm)];
    expect(rows.map(([, id, flash, ram]) => [id, Number(flash), Number(ram)])).toEqual(
      boards.map(({ id, memories: { flash, ram } }) => [id, flash.size, ram.size]),
    );
    const commands = [...written.matchAll(/^\| `([\w-]+)` \| ([\w-]+) \| `/gm)];
    expect(commands.map(([, id, tool]) => [id, tool])).toEqual(
      boards.flatMap(({ id, flash }) => flash.map(({ tool }) => [id, tool])),
    );
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
      ["docs/C-API.md", "docs"],
      ["docs/NUMERICS.md", "docs"],
      ["docs/FORMATS.md", "docs"],
      ["docs/METHODS.md", "docs"],
      ["docs/BOARDS.md", "docs"],
      ["docs/BOARD-MATRIX.md", "docs"],
      ["docs/PORTING.md", "docs"],
      ["docs/PACKAGES.md", "docs"],
      ["examples/packages/README.md", "examples/packages"],
    ] as const) {
      for (const [, target] of doc(file).matchAll(/\]\((?!http)([^)#]+)\)/g)) {
        expect(
          () => readFileSync(join(repoRoot, folder, target!, /\.\w+$/.test(target!) ? "" : "README.md")),
          target,
        ).not.toThrow();
      }
    }
  });
});
