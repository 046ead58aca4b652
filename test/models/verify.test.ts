import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileModelFile } from "../../src/compile.js";
import { hostEmulator, qemuEmulator } from "../../src/emulators/index.js";
import { readNpy } from "../../src/formats/npy.js";
import { batchFromArray } from "../../src/inputs.js";
import { findBoard } from "../../src/targets/index.js";
import { type Verification, verifyModel } from "../../src/verify.js";
import { full, mnistBatch, mnistMlp, readShared, sharedModel } from "../support/models.js";

/** One machine for each core that QEMU has, and both ways to emulate a Cortex-M0. */
const boards = [
  "microbit",
  "qemu-cortex-m0",
  "mps2-an385",
  "mps2-an386",
  "mps2-an500",
  "mps2-an505",
  "mps3-an547",
];
const qemu = (await qemuEmulator.find()) !== undefined;

function expectNoDifference(result: Verification, vectors: number): void {
  expect(result.builds.flatMap((b) => b.problems)).toEqual([]);
  for (const build of result.builds) {
    expect(build).toMatchObject({ vectors, failedVectors: 0, differingBits: 0 });
    if (build.build === "trace") expect(build.tensorsCompared).toBeGreaterThan(vectors);
  }
  expect(result.passed).toBe(true);
}

describe("examples/mnist-mlp equals the reference in every bit of every tensor", () => {
  const count = full ? 200 : 20;
  const model = mnistMlp();
  const batch = mnistBatch(model, count);

  it(`on the host, ${count} images`, async () => {
    expectNoDifference(
      await verifyModel(model, batch, { emulator: hostEmulator, board: findBoard("microbit") }),
      count,
    );
  });

  it.skipIf(!qemu).each(boards)(`in QEMU's %s, ${count} images`, async (board) => {
    expectNoDifference(
      await verifyModel(model, batch, { emulator: qemuEmulator, board: findBoard(board) }),
      count,
    );
  });
});

describe.each(["cnvW1A1_svhn", "cnvW1A1_svhn.bn"])("%s, a conv net trained by others", (name) => {
  const files = [`${name}.onnx.gz`, "cnvW1A1_svhn.inputs.bin"];
  const absent = files.some((file) => sharedModel(file) === undefined);
  const count = full ? 10 : 1;

  it.skipIf(absent || !qemu).each(["mps2-an386", "mps2-an500", "mps2-an505"])(
    `equals the reference in QEMU's %s, ${count} images`,
    async (id) => {
      const board = findBoard(id);
      const [file, pixels] = files.map(readShared) as [Uint8Array, Uint8Array];
      const model = compileModelFile(file, `${name}.onnx.gz`, { cpu: board.cpu });
      const array = { shape: [100, 3, 32, 32], dtype: "uint8", data: pixels } as const;
      const batch = { ...batchFromArray(model.program, array, name), count };
      const options = { emulator: qemuEmulator, board, timeoutMs: 1_200_000 };
      expectNoDifference(await verifyModel(model, batch, options), count);
    },
    1_200_000,
  );
});

describe.each(["TFC_1W1A", "TFC_2W2A"])("%s, trained by others, equals the reference", (name) => {
  const path = sharedModel(`${name}.onnx`);
  const inputs = sharedModel(`${name}.x.npy`);
  const count = full ? 200 : 10;

  it.skipIf(path === undefined)(`on the host, 200 images`, async () => {
    const { model, batch } = load(200);
    expectNoDifference(
      await verifyModel(model, batch, { emulator: hostEmulator, board: findBoard("microbit") }),
      200,
    );
  });

  it.skipIf(path === undefined || !qemu).each(boards)(`in QEMU's %s, ${count} images`, async (board) => {
    const { model, batch } = load(count);
    expectNoDifference(
      await verifyModel(model, batch, { emulator: qemuEmulator, board: findBoard(board) }),
      count,
    );
  });

  function load(images: number) {
    const model = compileModelFile(readFileSync(path!), `${name}.onnx`);
    const array = readNpy(readFileSync(inputs!));
    return { model, batch: { ...batchFromArray(model.program, array, name), count: images } };
  }
});
