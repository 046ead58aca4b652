/** The published schema is the one that manifests are checked against. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { manifestSchema } from "../../../src/formats/bundle/manifest.js";
import { bundleLayers } from "../../../src/formats/bundle/registry.js";
import { readModel } from "../../../src/formats/index.js";
import { safetensorsFile, tensor } from "../../support/bundle.js";
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

test("the example in docs/FORMATS.md is a manifest", () => {
  const page = readFileSync(join(repoRoot, "docs/FORMATS.md"), "utf8");
  const example: unknown = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)![1]!);
  const ones = (...shape: number[]) => tensor(shape, new Array(shape.reduce((a, b) => a * b, 1)).fill(1));
  const perChannel = ["conv.alpha", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"];
  const tensors = {
    "conv.weight": ones(8, 1, 3, 3),
    "fc.weight": ones(10, 8 * 14 * 14),
    "fc.bias": ones(10),
    ...Object.fromEntries(perChannel.map((name) => [name, ones(8)])),
  };
  const companions = (path: string) => (path === "digits.safetensors" ? safetensorsFile(tensors) : undefined);
  const graph = readModel(new TextEncoder().encode(JSON.stringify(example)), "digits.json", { companions });
  expect(graph.values.get(graph.outputs[0]!)!.shape).toEqual([1, 10]);
});
