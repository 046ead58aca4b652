import { expect, it } from "vitest";
import { cpuRemedy } from "../../src/targets/cpus.js";
import { findCpu, isArmv6M, listCpus } from "../../src/targets/index.js";

it("lists the cores with their flags", () => {
  expect(listCpus().map((c) => c.id)).toEqual(
    ["m0", "m0plus", "m3", "m4", "m7", "m23", "m33", "m55"].map((core) => `cortex-${core}`),
  );
  expect(findCpu("cortex-m4").gccFlags).toEqual(["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=soft"]);
  expect(
    listCpus()
      .filter((c) => c.hasMve)
      .map((c) => c.id),
  ).toEqual(["cortex-m55"]);
  expect(
    listCpus()
      .filter(isArmv6M)
      .map((c) => c.name),
  ).toEqual(["Cortex-M0", "Cortex-M0+"]);
});

it("suggests the closest core", () => {
  try {
    findCpu("cortex-m0+");
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({
      exitCode: 2,
      diagnostics: [
        { code: "targets/unknown-cpu", remedy: expect.stringContaining("did you mean cortex-m") },
      ],
    });
  }
});

it.each([
  ["cortex-m85", "cortex-m55"],
  ["cortex-m52", "cortex-m55"],
  ["cortex-m35p", "cortex-m33"],
])("says whose code %s runs: %s", (id, like) => {
  expect(() => findCpu(id)).toThrow(`there is no core "${id}"`);
  expect(cpuRemedy(id)).toMatch(new RegExp(`^use ${like}: `));
  expect(findCpu(like).id).toBe(like);
});

it("takes no name of JavaScript for a core", () => {
  expect(cpuRemedy("constructor")).toMatch(/^use one of cortex-m0, |^did you mean/);
});
