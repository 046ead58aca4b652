import { describe, expect, it } from "vitest";
import { findCpu } from "../../src/targets/index.js";
import { readLockFile, writeLockFile } from "../../src/tuning/lock-file.js";

const m4 = findCpu("cortex-m4");
const measurements = {
  cpu: "cortex-m4",
  compiler: "arm-none-eabi-gcc 12.2.1",
  instructions: new Map([
    ["b(width=2)", 20],
    ["a(width=1)", 10],
  ]),
};

describe("lock files of bitloom tune", () => {
  it("come back as they were written, whatever the order of measuring", () => {
    const text = writeLockFile(measurements);
    expect(readLockFile(text, m4, "x.json")).toEqual(measurements.instructions);
    const reversed = new Map([...measurements.instructions].reverse());
    expect(writeLockFile({ ...measurements, instructions: reversed })).toBe(text);
  });

  it("are refused when edited, for another core, or from other kernels", () => {
    const text = writeLockFile(measurements);
    expect(() => readLockFile(text.replace(": 10", ": 11"), m4, "x.json")).toThrow(/hash/);
    expect(() => readLockFile(text, findCpu("cortex-m0"), "x.json")).toThrow(/cortex-m4, not cortex-m0/);
    const { hash: _, ...content } = JSON.parse(text) as Record<string, unknown>;
    const stale = text.replace(String(content.runtime), "0".repeat(64));
    expect(() => readLockFile(stale, m4, "x.json")).toThrow(/hash/);
  });

  it.each(["", "[]", "{}", "not json", '{"format":2}'])("are refused when malformed: %j", (text) => {
    expect(() => readLockFile(text, m4, "x.json")).toThrow(/no lock file/);
  });
});
