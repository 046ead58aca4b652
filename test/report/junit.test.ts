import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { BitloomError } from "../../src/diagnostics/diagnostic.js";
import { hostEmulator } from "../../src/emulators/index.js";
import { randomBatch } from "../../src/inputs.js";
import { type JUnitRun, junitXml } from "../../src/report/junit.js";
import { findBoard } from "../../src/targets/index.js";
import { type BuildVerdict, verifyModel, writeLibrary } from "../../src/verify.js";
import { flipConstantBit } from "../support/corrupt.js";
import { compileGraph } from "../support/models.js";
import { layeredNet, Random, randomFloats } from "../support/random-graph.js";
import { readXml as read, type XmlElement } from "../support/xml.js";

const build: BuildVerdict = {
  build: "trace",
  vectors: 4,
  failedVectors: 1,
  differingBits: 0,
  tensorsCompared: 12,
  problems: [],
  checks: [
    { check: "memory", verdict: "passed", detail: "1 of 2 bytes of flash" },
    { check: "self-test", verdict: "failed", detail: "the self-test failed" },
    { check: "outputs", verdict: "failed", detail: "3 of 4 inputs equal" },
    { check: "stack", verdict: "skipped", detail: "the firmware did not get that far" },
  ],
  seconds: 0.25,
};
const run: JUnitRun = {
  model: "net",
  board: "microbit",
  machine: "qemu microbit",
  builds: [build],
  seconds: 2,
};

describe("JUnit XML", () => {
  it("has a suite for each build and a case for each check, and counts them", () => {
    const elements = read(
      junitXml([run, { ...run, board: "mps2-an386", builds: [build, { ...build, build: "flash" }] }]),
    );
    const of = (name: string) => elements.filter((e) => e.name === name).map((e) => e.attributes);
    expect(of("testsuites")).toEqual([
      { name: "bitloom verify", tests: "12", failures: "6", errors: "0", time: "4.000" },
    ]);
    const counts = { tests: "4", failures: "2", errors: "0", skipped: "1", time: "0.250" };
    expect(of("testsuite")).toEqual([
      { name: "net for microbit in qemu microbit, with traces", ...counts },
      { name: "net for mps2-an386 in qemu microbit, with traces", ...counts },
      { name: "net for mps2-an386 in qemu microbit, as flashed", ...counts },
    ]);
    expect(of("testcase").map((a) => a.classname)).toEqual([
      ...Array.from({ length: 4 }, () => "bitloom.net.microbit.trace"),
      ...Array.from({ length: 4 }, () => "bitloom.net.mps2-an386.trace"),
      ...Array.from({ length: 4 }, () => "bitloom.net.mps2-an386.flash"),
    ]);
    expect(of("failure")).toHaveLength(6);
    expect(of("skipped")[0]).toEqual({ message: "the firmware did not get that far" });
  });

  it("skips every case of a build that does not fit, and says why", () => {
    const notChecked = [{ build: "trace", reason: "too large", remedy: "use another" }] as const;
    const elements = read(junitXml([{ ...run, builds: [{ ...build, build: "flash" }], notChecked }]));
    const suites = elements.filter((e) => e.name === "testsuite").map((e) => e.attributes);
    expect(suites[1]).toMatchObject({ tests: "4", failures: "0", errors: "0", skipped: "4" });
    const cases = elements.filter((e) => e.name === "testcase").map((e) => e.attributes);
    expect(cases.slice(4).map((c) => c.name)).toEqual(cases.slice(0, 4).map((c) => c.name));
    expect(new Set(cases.slice(4).map((c) => c.classname))).toEqual(new Set(["bitloom.net.microbit.trace"]));
    const skipped = elements.filter((e) => e.name === "skipped").slice(-4);
    for (const { attributes } of skipped) expect(attributes.message).toBe("too large; use another");
  });

  it("keeps whatever a model's names hold out of its structure", () => {
    const names = [
      `"'><&]]>`,
      "\0\x01\x1b[31m",
      "\ud800",
      "\ufffe￿",
      "a\r\nb\tc",
      "\u202e",
      "<failure/>",
      "é漢𝄞",
    ];
    for (const name of names) {
      const hostile: BuildVerdict = {
        ...build,
        checks: [{ check: "outputs", verdict: "failed", detail: `layer ${name}` }],
      };
      const elements = read(junitXml([{ ...run, model: name, builds: [hostile] }]));
      expect(elements.map((e) => e.name)).toEqual(["testsuites", "testsuite", "testcase", "failure"]);
    }
    const detail = `layer "a<b>&c" é漢𝄞`;
    const [failure] = read(
      junitXml([
        { ...run, builds: [{ ...build, checks: [{ check: "outputs", verdict: "failed", detail }] }] },
      ]),
    ).filter((e) => e.name === "failure");
    expect(failure).toMatchObject({ attributes: { message: detail, type: "outputs" }, text: detail });
  });

  it("says why there was no image: a check that failed, or bad input", () => {
    const failed = (code: string, exitCode: 1 | 2): XmlElement[] => {
      const diagnostics = [
        { severity: "error", code, message: "first line\nsecond line", where: "x" },
        { severity: "note", code: "a/note", message: "not an error" },
      ] as const;
      return read(junitXml([{ ...run, builds: [], failure: new BitloomError(diagnostics, exitCode) }]));
    };
    const overflow = failed("toolchain/does-not-fit", 1);
    expect(overflow.map((e) => e.name)).toEqual(["testsuites", "testsuite", "testcase", "failure"]);
    expect(overflow[2]!.attributes.name).toBe("image links within the board's memories");
    expect(overflow[3]).toMatchObject({
      attributes: { message: "x: first line", type: "toolchain/does-not-fit" },
      text: "x: first line\nsecond line",
    });
    expect(failed("onnx/damaged", 2).at(-1)!.name).toBe("error");
  });

  it("is well-formed without any run", () => {
    expect(read(junitXml([])).map((e) => e.name)).toEqual(["testsuites"]);
  });
});

describe("a corrupted library", () => {
  const folder = mkdtempSync(join(tmpdir(), "bitloom-junit-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("fails in the report, and both builds name the layer that the verification names", async () => {
    const model = compileGraph(layeredNet(1, [300, 70, 45, 10], 1), randomFloats(1, 300));
    const library = writeLibrary(model, folder);
    // Many bits: one alone may change no output of these inputs.
    const random = new Random(1);
    for (let i = 0; i < 20; i++) flipConstantBit(library, random);
    const options = { emulator: hostEmulator, board: findBoard("microbit"), library };
    const { builds } = await verifyModel(model, randomBatch(model.program, 8, 1), options);
    const layer = builds.find((b) => b.divergence !== undefined)!.divergence!.layer;
    const failures = read(junitXml([{ ...run, builds }])).filter((e) => e.name === "failure");
    const outputs = failures.filter((e) => e.attributes.type === "outputs");
    expect(outputs).toHaveLength(builds.filter((b) => b.failedVectors > 0).length);
    for (const { text } of outputs) expect(text).toContain(`first divergence: layer ${layer}`);
    expect(failures.filter((e) => e.attributes.type === "self-test").map((e) => e.text)).toEqual([
      expect.stringContaining("the self-test failed"),
      expect.stringContaining("the self-test failed"),
    ]);
  });
});
