/** Models of Larq and QKeras as generated C on the host: every tensor is that of the device reference. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compileModelFile } from "../../../src/compile.js";
import { hostEmulator } from "../../../src/emulators/index.js";
import { readNpy } from "../../../src/formats/npy.js";
import { batchFromArray } from "../../../src/inputs.js";
import { findBoard } from "../../../src/targets/index.js";
import { verifyModel } from "../../../src/verify.js";
import { repoRoot } from "../../support/root.js";

const read = (name: string): Uint8Array => readFileSync(join(repoRoot, "test/fixtures/keras", name));

test.each([
  "bnn.h5",
  "quantizers.keras",
  "residual.h5",
  "trained.keras",
  "qkeras_objects.keras",
  "qkeras_trained.h5",
  "qkeras_folded.h5",
  "zoo_xnor.h5",
])("%s", async (file) => {
  const model = compileModelFile(read(file), file, { input: { type: "f32" } });
  const array = readNpy(read(file.replace(/\..*/, ".x.npy")));
  const batch = batchFromArray(model.program, array, file);
  const result = await verifyModel(model, batch, { emulator: hostEmulator, board: findBoard("microbit") });
  expect(result.builds.flatMap((b) => b.problems)).toEqual([]);
  for (const build of result.builds) expect(build).toMatchObject({ failedVectors: 0, differingBits: 0 });
  expect(result.passed).toBe(true);
});
