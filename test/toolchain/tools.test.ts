import { afterEach, expect, it, vi } from "vitest";
import { armGcc, findOnPath, findRenode, probeTools } from "../../src/toolchain/index.js";

afterEach(() => {
  vi.unstubAllEnvs();
});

it("finds programs on PATH and by path, and nothing else", () => {
  expect(findOnPath("no-such-program", "node")).toMatch(/\/node$/);
  expect(findOnPath(process.execPath)).toBe(process.execPath);
  expect(findOnPath("no-such-program")).toBeUndefined();
  expect(findOnPath(import.meta.filename)).toBeUndefined();
});

it("prefers the variable, and does not go on when it is wrong", () => {
  vi.stubEnv("BITLOOM_ARM_GCC", process.execPath);
  expect(armGcc()).toBe(process.execPath);
  vi.stubEnv("BITLOOM_ARM_GCC", "/does/not/exist");
  expect(() => armGcc()).toThrow(/BITLOOM_ARM_GCC is "\/does\/not\/exist"/);
});

it("says how to install what is missing", () => {
  vi.stubEnv("PATH", "/does/not/exist");
  try {
    armGcc();
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({
      exitCode: 3,
      diagnostics: [{ remedy: expect.stringContaining("gcc-arm-none-eabi") }],
    });
  }
  expect(findRenode()).toBeUndefined();
});

it("probes every tool without throwing", async () => {
  const ids = ["gcc-arm", "newlib", "objdump", "host-cc", "qemu", "renode"];
  expect((await probeTools()).map((t) => t.id)).toEqual(ids);
  vi.stubEnv("PATH", "/does/not/exist");
  vi.stubEnv("BITLOOM_QEMU", "/does/not/exist");
  const absent = await probeTools();
  expect(absent.map((t) => t.found)).toEqual(ids.map(() => false));
  expect(absent.find((t) => t.id === "renode")!.remedy).toContain("RENODE_PATH");
});
