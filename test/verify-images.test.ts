/** Boards that are too small for a model, or whose stand-in is: what is verified, and what is said of the rest. */
import { expect, it } from "vitest";
import { qemuEmulator } from "../src/emulators/index.js";
import { randomBatch } from "../src/inputs.js";
import { verificationText } from "../src/report/verification.js";
import { type Board, findBoard, type Memory, qemuBoard } from "../src/targets/index.js";
import { verifyModel } from "../src/verify.js";
import { mnistCnn, mnistMlp } from "./support/models.js";
import { describeWith } from "./toolchain/toy.js";

describeWith(["arm-none-eabi-gcc", "qemu-system-arm"], "verification", () => {
  const cnn = mnistCnn({ cpu: findBoard("microbit").cpu });
  const mlp = mnistMlp({ cpu: findBoard("nucleo-f103rb").cpu });
  const verify = (model: typeof cnn, target: Board, standIn = qemuBoard(target)!) =>
    verifyModel(model, randomBatch(model.program, 1, 1), {
      ...{ emulator: qemuEmulator, board: standIn, link: "semihosting" },
      ...(standIn.id === target.id ? {} : { target }),
    });

  it("of a board that has no room for traces is that of the build that is flashed, and says so", async () => {
    const result = await verify(cnn, findBoard("microbit"));
    expect(result).toMatchObject({
      passed: true,
      builds: [{ build: "flash", failedVectors: 0, problems: [] }],
      notChecked: [
        { build: "trace", reason: expect.stringMatching(/\d+ bytes of RAM are needed, 16384 are there/) },
      ],
    });
    expect(result.notChecked[0]!.remedy).toContain("--board qemu-cortex-m0");
    expect(verificationText(result)).toContain("PASS (as flashed; traces not checked)");
  });

  it("fails where the board has no room, though its stand-in has", async () => {
    await expect(verify(cnn, findBoard("nucleo-f030r8"))).rejects.toMatchObject({
      exitCode: 1,
      diagnostics: [{ code: "toolchain/does-not-fit", where: "nucleo-f030r8" }],
    });
  });

  it("counts the memories of the board, and those of the stand-in nowhere", async () => {
    const { builds, firmware } = await verify(mlp, findBoard("nucleo-f103rb"));
    const details = builds.map((b) => b.checks.find((c) => c.check === "memory")!);
    expect(details[0]).toMatchObject({ verdict: "passed" });
    expect(details[0]!.detail).toContain(`${firmware!.flashBytes} of 131072 bytes of flash`);
    expect(details[1]).toMatchObject({ verdict: "skipped" });
  });

  it("compares nothing where the stand-in is too small, and does not pass", async () => {
    const target = findBoard("nucleo-f103rb");
    const machine = qemuBoard(target)!;
    const ram: Memory = { ...machine.memories.ram, size: 2048 };
    const small = { ...machine, memories: { ...machine.memories, ram } };
    await expect(verify(mlp, target, small)).rejects.toMatchObject({
      exitCode: 1,
      diagnostics: [{ code: "verify/stand-in-too-small", where: "nucleo-f103rb" }],
    });
  });
});
