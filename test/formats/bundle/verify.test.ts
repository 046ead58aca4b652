/** Bundles as generated C on the host: every tensor is that of the device reference. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { companionFiles } from "../../../src/companion-files.js";
import { compileModelFile } from "../../../src/compile.js";
import { hostEmulator } from "../../../src/emulators/index.js";
import { readNpy } from "../../../src/formats/npy.js";
import { batchFromArray } from "../../../src/inputs.js";
import { findBoard } from "../../../src/targets/index.js";
import { verifyModel } from "../../../src/verify.js";
import { repoRoot } from "../../support/root.js";

const path = (name: string): string => join(repoRoot, "test/fixtures/bundle", name);

test.each(["trained", "sequential", "branches", "archive"])("%s", async (name) => {
  const file = path(`${name}.json`);
  const options = { companions: companionFiles(file), input: { type: "f32" } } as const;
  const model = compileModelFile(readFileSync(file), file, options);
  const array = readNpy(readFileSync(path(`${name}.x.npy`)));
  const batch = batchFromArray(model.program, array, name);
  const result = await verifyModel(model, batch, { emulator: hostEmulator, board: findBoard("microbit") });
  expect(result.builds.flatMap((b) => b.problems)).toEqual([]);
  for (const build of result.builds) expect(build).toMatchObject({ failedVectors: 0, differingBits: 0 });
  expect(result.passed).toBe(true);
});
