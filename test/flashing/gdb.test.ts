/** An image that goes into an emulated board as a debugger writes it, and not as QEMU loads kernels. */
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { runVectors, type VectorResult } from "../../src/emulators/index.js";
import { startProcess } from "../../src/emulators/process-machine.js";
import { findOnPath } from "../../src/toolchain/index.js";
import { describeWith, temporaryFolder, toyInputs, toyReference } from "../toolchain/toy.js";
import { toyImage } from "./support.js";

const folder = temporaryFolder();

describeWith(["arm-none-eabi-gcc", "qemu-system-arm", "gdb-multiarch"], "an image loaded through GDB", () => {
  it.each(["microbit", "mps2-an386", "mps2-an505"])("runs on %s as the reference does", async (id) => {
    const { board, image } = await toyImage(folder, id);
    const socket = join(folder, `${id}.gdb`);
    const machine = startProcess(`gdb ${id}`, findOnPath("qemu-system-arm")!, [
      ...["-machine", board.qemu !== undefined && "machine" in board.qemu ? board.qemu.machine : ""],
      ...["-display", "none", "-monitor", "none", "-nic", "none", "-S"],
      ...["-chardev", `socket,path=${socket},server=on,wait=off,id=gdb`, "-gdb", "chardev:gdb"],
      ...["-chardev", "stdio,id=link,mux=on,signal=off", "-echr", "0x100", "-serial", "chardev:link"],
    ]);
    try {
      const { origin } = board.memories.flash;
      // As a processor begins: stack and start from the vector table that was written.
      const commands = [
        `target remote ${socket}`,
        "load",
        "compare-sections",
        `set $sp = *(unsigned *)${origin}`,
        `set $pc = *(unsigned *)${origin + 4} & ~1`,
        "detach",
      ];
      const gdb = await execa(
        "gdb-multiarch",
        ["--batch", "--nx", image.elf, ...commands.flatMap((command) => ["-ex", command])],
        { timeout: 30_000, stdin: "ignore", all: true },
      );
      // GDB says what it wrote; the sum is what the reader found in the file.
      expect(gdb.all).toContain(`load size ${image.bytes}`);
      expect(gdb.all).not.toContain("MIS-MATCHED");
      const inputs = toyInputs(3);
      const results: VectorResult[] = [];
      for await (const result of runVectors(machine, inputs, { timeoutMs: 20_000 })) results.push(result);
      expect(results.map((r) => [...r.output])).toEqual(
        inputs.map((input) => [...toyReference(input).scores]),
      );
    } finally {
      await machine.stop();
    }
  });
});
