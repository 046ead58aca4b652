import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { boardList, matrix, shard } from "../../src/cli/matrix.js";
import { errorsOf } from "../support/errors.js";
import { Place } from "../support/place.js";
import { repoRoot } from "../support/root.js";
import { describeWith } from "../toolchain/toy.js";

describe("parts of a list", () => {
  it("are the list together, and differ by one item at most", () => {
    const lists = fc.uniqueArray(fc.integer(), { maxLength: 60 });
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 70 }), (items, count) => {
        const parts = Array.from({ length: count }, (_, i) => shard(items, `${i + 1}/${count}`));
        expect(parts.flat().sort()).toEqual([...items].sort());
        const sizes = parts.map((p) => p.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(shard(items, `1/${count}`)).toEqual(parts[0]);
      }),
    );
  });

  it("are the whole list when nobody asks for one", () => {
    expect(shard([1, 2, 3], undefined)).toEqual([1, 2, 3]);
  });

  it.each([
    "0/2",
    "3/2",
    "1/0",
    "1",
    "1/",
    "/2",
    "1/2/3",
    "-1/2",
    "1.5/2",
    "a/b",
    "1/20000",
    "",
    "1/99999999999",
  ])("are not %j", (text) => {
    expect(errorsOf(() => shard([1], text))[0]).toMatchObject({ code: "cli/shard" });
  });
});

describe("a matrix", () => {
  const ids = (pairs: ReturnType<typeof matrix>): string[] => pairs.map((p) => `${p.path} ${p.board.id}`);

  it("has every model on every board once", () => {
    const board = boardList("mps2-an386", boardList("microbit, mps2-an385,microbit"));
    expect(ids(matrix(["a.onnx", "b.onnx", "a.onnx"], { board }, "x"))).toEqual([
      "a.onnx microbit",
      "b.onnx microbit",
      "a.onnx mps2-an385",
      "b.onnx mps2-an385",
      "a.onnx mps2-an386",
      "b.onnx mps2-an386",
    ]);
  });

  it("has the default board when none is named", () => {
    expect(ids(matrix(["a.onnx"], { name: "net" }, "microbit"))).toEqual(["a.onnx microbit"]);
  });

  it("refuses a board that there is not, and one name for two models", () => {
    expect(errorsOf(() => matrix(["a"], { board: ["microbitt"] }, "x"))[0]!.remedy).toContain("microbit");
    expect(errorsOf(() => matrix(["a"], { board: boardList("microbit,") }, "x"))[0]!.code).toBe(
      "targets/unknown-board",
    );
    expect(errorsOf(() => matrix(["a", "b"], { name: "net" }, "microbit"))[0]!.code).toBe("cli/name");
  });
});

describeWith(["cc"], "verify", () => {
  const fixture = join(repoRoot, "test/fixtures/onnx/brevitas_mlp.onnx");
  const place = new Place();
  afterAll(() => place.remove());
  const damaged = join(place.folder, "damaged.onnx");
  writeFileSync(damaged, readFileSync(fixture).subarray(0, 3000));
  const verify = async (...args: string[]) => {
    const done = await place.start(["verify", ...args, "--emulator", "host", "--count", "1", "--json"]);
    return { exitCode: done.exitCode, report: JSON.parse(done.stdout) };
  };

  it("prints one run's fields, and the same in the list of runs", async () => {
    const { exitCode, report } = await verify(fixture);
    expect(exitCode).toBe(0);
    const { ok, diagnostics: _, runs, ...fields } = report;
    expect({ ok, runs }).toEqual({ ok: true, runs: [fields] });
    expect(fields).toMatchObject({
      model: "brevitas_mlp",
      target: "mps2-an386",
      emulator: "host",
      passed: true,
    });
    expect(fields.builds.map((b: { checks: { check: string; verdict: string }[] }) => b.checks)).toEqual(
      Array.from({ length: 2 }, () => [
        { check: "self-test", verdict: "passed", detail: "constants and known answers are right" },
        { check: "outputs", verdict: "passed", detail: "1 of 1 inputs equal" },
        { check: "stack", verdict: "skipped", detail: "this machine does not measure its stack" },
      ]),
    );
  });

  it("goes on after a model that cannot be read, and ends with the worst exit code", async () => {
    const { exitCode, report } = await verify(damaged, fixture, "--board", "microbit");
    expect(exitCode).toBe(2);
    expect(report).toMatchObject({
      ok: false,
      passed: false,
      shard: null,
      runs: [
        { file: damaged, passed: false, builds: [], diagnostics: [{ severity: "error" }] },
        { file: fixture, passed: true, target: "microbit" },
      ],
    });
  });

  it("does only its part, which may be nothing", async () => {
    const boards = ["--board", "microbit", "--board", "mps2-an386"];
    const part = (text: string) => verify(fixture, ...boards, "--shard", text);
    const second = await part("2/2");
    expect(second.report).toMatchObject({ ok: true, shard: "2/2", runs: [{ target: "mps2-an386" }] });
    expect(await part("3/3")).toMatchObject({ exitCode: 0, report: { ok: true, runs: [] } });
  });
});
