/** examples/pytorch-bundle: what PyTorch classifies, the integers classify. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { mnistTest } from "../../examples/common/images.js";
import { companionFiles } from "../../src/companion-files.js";
import { compileModelFile } from "../../src/compile.js";
import { evaluate } from "../../src/evaluate.js";
import { findLayer } from "../../src/formats/bundle/registry.js";
import { full, mnistBatch } from "../support/models.js";
import { repoRoot } from "../support/root.js";

const path = join(repoRoot, "examples/pytorch-bundle/digits.json");

it(`is right on ${full ? "9,820 of the 10,000" : "983 of the first 1,000"} test images, as PyTorch is`, () => {
  const model = compileModelFile(readFileSync(path), path, { companions: companionFiles(path) });
  const { labels } = mnistTest();
  const [count, right] = full ? [10_000, 9820] : [1000, 983];
  const result = evaluate(model, mnistBatch(model, count), "both");
  expect(result.differing).toBe(0);
  expect(result.classes.filter((c, i) => c === labels[i]).length).toBe(right);
});

it("its helper writes only types and fields that the importer knows", () => {
  const helper = readFileSync(join(repoRoot, "examples/pytorch-bundle/bundle.py"), "utf8");
  const types = [...helper.matchAll(/\(nn\.\w+, "(\w+)"/g)].map(([, type]) => type!);
  expect(types.length).toBeGreaterThan(15);
  for (const type of types) expect(findLayer(type), type).toBeDefined();
  expect(helper.trimEnd().split("\n").length).toBeLessThanOrEqual(60);
});
