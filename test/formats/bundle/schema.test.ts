/** The published schema is the one that manifests are checked against. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { manifestSchema } from "../../../src/formats/bundle/manifest.js";
import { bundleLayers } from "../../../src/formats/bundle/registry.js";
import { repoRoot } from "../../support/root.js";

test("docs/bundle.schema.json is what the importer generates", async () => {
  const text = `${JSON.stringify(manifestSchema(), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(join(repoRoot, "docs/bundle.schema.json"));
});

test("it is of draft 2020-12, describes every layer, and ships with the package", () => {
  const schema = JSON.parse(readFileSync(join(repoRoot, "docs/bundle.schema.json"), "utf8")) as {
    readonly $schema: string;
    readonly required: readonly string[];
    readonly $defs: Readonly<Record<string, { readonly additionalProperties?: boolean }>>;
  };
  expect(schema.$schema).toBe("https://json-schema.org/draft/2020-12/schema");
  expect(schema.required).toEqual(["format", "version", "name", "input", "layers"]);
  for (const { type } of bundleLayers)
    expect(schema.$defs[type]).toMatchObject({ additionalProperties: false });
  const { files } = JSON.parse(readFileSync(join(repoRoot, "package.json"), "utf8")) as { files: string[] };
  expect(files).toContain("docs/bundle.schema.json");
});
