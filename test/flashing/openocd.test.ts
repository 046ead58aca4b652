import { execa } from "execa";
import { expect, it } from "vitest";
import { openOcdParsing } from "../../src/flashing/index.js";
import { findBoard, listBoards } from "../../src/targets/index.js";
import { describeWith } from "../toolchain/toy.js";

const entries = listBoards().flatMap((board) =>
  board.flash.flatMap((entry) => (entry.tool === "openocd" ? [[board.id, entry] as const] : [])),
);

describeWith(["openocd"], "OpenOCD", () => {
  // No probe is looked for: `shutdown` comes before `init`.
  it.each(entries)("reads its configuration of %s", async (_id, entry) => {
    const { exitCode, all } = await execa("openocd", openOcdParsing(entry), {
      reject: false,
      all: true,
      stdin: "ignore",
    });
    expect(exitCode, all).toBe(0);
    expect(all).not.toMatch(/Error:/);
    expect(all).toContain("shutdown command invoked");
  });

  it("refuses a configuration that it does not have", async () => {
    const entry = findBoard("stm32f4-discovery").flash.find((tool) => tool.tool === "openocd")!;
    const args = openOcdParsing({ ...entry, target: "target/no-such-chip.cfg" });
    const { exitCode, all } = await execa("openocd", args, { reject: false, all: true, stdin: "ignore" });
    expect(exitCode).toBe(1);
    expect(all).toContain("Can't find target/no-such-chip.cfg");
  });
});
