import { describe, expect, it } from "vitest";
import { type Check, checksOf, exceededStacks, type Observed } from "../src/checks.js";
import { findBoard } from "../src/targets/index.js";

const verdict = {
  ...{ pass: true, runs: 3, failedRuns: 0, rejectedFrames: 0 },
  ...{ stackUsedBytes: 600, stackSizeBytes: 1024 },
};
const sound: Observed = {
  board: findBoard("microbit"),
  firmware: { flashBytes: 9000, ramBytes: 500, reservedStackBytes: 1024 },
  ...{ searched: true, started: true, verdict, problems: [] },
  ...{ vectors: 3, failedVectors: 0, differingBits: 0 },
};

/** `name: verdict` of each check. */
function verdicts(change: Partial<Observed>): string[] {
  return checksOf({ ...sound, ...change }).map((c) => `${c.check}: ${c.verdict}`);
}

function only(name: Check["check"], change: Partial<Observed>): Check {
  return checksOf({ ...sound, ...change }).find((c) => c.check === name)!;
}

describe("the checks of an image", () => {
  it("all pass, with figures, where nothing went wrong", () => {
    expect(checksOf(sound)).toEqual([
      {
        check: "memory",
        verdict: "passed",
        detail: "9000 of 262144 bytes of flash, 1524 of 16384 bytes of RAM",
      },
      { check: "instruction-set", verdict: "passed", detail: "every instruction is one of a Cortex-M0" },
      { check: "self-test", verdict: "passed", detail: "constants and known answers are right" },
      { check: "outputs", verdict: "passed", detail: "3 of 3 inputs equal" },
      { check: "stack", verdict: "passed", detail: "600 of 1024 bytes used" },
    ]);
  });

  it("are those of outputs and self-test on the host", () => {
    const onHost = { firmware: undefined, searched: false, verdict: { ...verdict, stackSizeBytes: 0 } };
    expect(verdicts(onHost)).toEqual(["self-test: passed", "outputs: passed", "stack: skipped"]);
  });

  it("say nothing of a board's memories where the image was linked for its stand-in", () => {
    expect(verdicts({ standIn: "mps2-an386" })[0]).toBe("memory: skipped");
    expect(only("memory", { standIn: "mps2-an386" }).detail).toContain("mps2-an386 only, not for microbit");
  });

  it("are skipped, not passed, where a machine did not get so far", () => {
    const problems = [{ check: "outputs", text: "it did not send HELLO" }] as const;
    const silent = { started: false, verdict: undefined, problems, failedVectors: 3 };
    expect(verdicts(silent).slice(2)).toEqual(["self-test: skipped", "outputs: failed", "stack: skipped"]);
    expect(only("outputs", silent).detail).toBe(
      "it did not send HELLO; 0 of 3 inputs equal, 0 differing output bits",
    );
  });

  it.each([
    "instruction-set",
    "self-test",
    "stack",
  ] as const)("fail where a problem is theirs: %s", (name) => {
    const problems = [
      { check: name, text: "first" },
      { check: name, text: "second" },
    ];
    expect(only(name, { problems })).toEqual({ check: name, verdict: "failed", detail: "first; second" });
    expect(verdicts({ problems }).filter((v) => !v.endsWith("passed"))).toEqual([`${name}: failed`]);
  });

  it("compare the stack of each function with its bound", () => {
    const stack = [
      { entry: "run", function: "net_run", bytes: 480, path: [] },
      { entry: "push_row", function: "net_push_row", bytes: 90, path: [] },
    ] as const;
    const measured = (run: number) => ({ ...verdict, stackOf: { init: 0, run, selftest: 500 } });
    expect(only("stack", { stack, verdict: measured(440) }).detail).toBe(
      "600 of 1024 bytes used, run 440 of at most 480",
    );
    expect(exceededStacks(measured(480), stack)).toEqual([]);
    const text = "net_run took 481 bytes of stack, more than its bound of 480";
    expect(exceededStacks(measured(481), stack)).toEqual([{ check: "stack", text }]);
    expect(exceededStacks(verdict, stack)).toEqual([]);
    const pushed = {
      ...verdict,
      stackOf: { init: 0, run: 440, selftest: 500, push_row: 91, push_sample: 0 },
    };
    expect(exceededStacks(pushed, stack).map((p) => p.text)).toEqual([
      "net_push_row took 91 bytes of stack, more than its bound of 90",
    ]);
  });

  it("name the first layer whose tensor differs", () => {
    const differing = { failedVectors: 1, differingBits: 2, divergence: "first divergence: layer conv1" };
    expect(only("outputs", differing)).toMatchObject({
      verdict: "failed",
      detail: "first divergence: layer conv1; 2 of 3 inputs equal, 2 differing output bits",
    });
  });
});
