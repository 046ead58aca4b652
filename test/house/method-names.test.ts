/** Behind the importers no code knows a published method by its name: methods are data. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { methodNames, namesIn, withoutComments } from "../support/house/method-names.js";
import { repoRoot } from "../support/root.js";

const names = methodNames();

/** Everything that works on graphs and programs, and the C that ships. */
const folders = [
  ...["graph", "program", "passes", "reference", "kernels", "plan", "emit"].map((room) => `src/${room}`),
  "runtime-c",
  "templates",
];

describe("names of methods", () => {
  it("stand in no code behind the importers", () => {
    const paths = folders.flatMap((folder) =>
      readdirSync(join(repoRoot, folder), { recursive: true, encoding: "utf8" })
        .map((file) => join(repoRoot, folder, file))
        .filter((path) => statSync(path).isFile()),
    );
    expect(paths.length).toBeGreaterThan(300);
    const found = paths.flatMap((path) =>
      namesIn(readFileSync(path, "utf8"), names).map(
        ({ line, name }) => `${relative(repoRoot, path)}:${line} ${name}`,
      ),
    );
    expect(found).toEqual([]);
  });

  it("are all known", () => {
    expect(names.size).toBeGreaterThan(40);
    const some = [
      "binaryconnect",
      "bnn",
      "xnornet",
      "dorefanet",
      "birealnet",
      "binarizingmobilenetviaevolution",
    ];
    for (const name of some) expect(names).toContain(name);
  });

  it.each([
    ["const isXnorNet = true;", "xnornet"],
    ['if (method === "dorefa-net") return 0;', "dorefanet"],
    ["switch (name) { case 'LQ-Nets': break; }", "lqnets"],
    ["`of Bi-Real Net`", "birealnet"],
    ["#define BITLOOM_HORQ 1", "horq"],
    ["int bitloom_rebnet_levels(void);", "rebnet"],
    ["a /* not here */ = BATS; // nor here", "bats"],
    ["{{! HWGQ }}{{#if isTwn}}", "twn"],
  ])("are found: %s", (code, name) => {
    expect(new Set(namesIn(code, names).map((found) => found.name))).toContain(name);
  });

  it.each([
    "/** XNOR-Net's factors\n * and DoReFa's. */",
    "const sum = a + b; // as ReBNet has it",
    "{{!-- BATS }} --}}",
    "laboratory(); batched(); compact(); impact(); bnnx();",
    "batchNormalization(x);",
  ])("are not: %s", (code) => {
    expect(namesIn(code, names)).toEqual([]);
  });

  it("comments go and lines stay", () => {
    expect(withoutComments('a // b\n/* c\n */ d "// e"')).toBe('a     \n    \n    d "// e"');
  });
});
