/**
 * Nets of published size: their C equals the device reference in every tensor, on this computer and on an emulated Cortex-M4. One
 * runs in the short version of the tests.
 */
import { describe, expect, it } from "vitest";
import { qemuEmulator } from "../../../src/emulators/index.js";
import { compileDevice } from "../../../src/reference/device-fast.js";
import { boxesOf, boxesOfDevice, compareBoxes } from "../../support/methods/boxes.js";
import { runOn } from "../../support/methods/machines.js";
import { full } from "../../support/models.js";
import { build, type Published } from "../../support/published/build.js";
import { readPublished, staticFigures } from "../../support/published/figures.js";
import { publishedNets } from "./nets.js";

const SHORT = "bats_cells";
const IMAGES = 2;
const PATIENCE = 1_800_000;

const hasQemu = (await qemuEmulator.find()) !== undefined;

describe.each(Object.entries(publishedNets).filter(([name]) => full || name === SHORT))("%s", (name, net) => {
  let once: Published | undefined;
  const built = (): Published => {
    once ??= build(net.draft());
    return once;
  };

  it(
    "has the sizes that docs/METHODS.md tells (npm run published, npm run docs)",
    () => {
      expect(readPublished().nets[name]).toMatchObject(staticFigures(built()));
    },
    PATIENCE,
  );

  it.skipIf(net.head === undefined)("has the boxes of float64, some of which suppress others", () => {
    const head = net.head!;
    const cases = built().images(IMAGES).map(boxesOfDevice(built().compiled.program));
    expect(compareBoxes(cases, head).clear).toBe(IMAGES);
    for (const one of cases) {
      const { rows } = boxesOf(one, head);
      expect(rows.length).toBeGreaterThan(0);
      expect(boxesOf(one, { ...head, iouThreshold: 1 }).rows.length).toBeGreaterThan(rows.length);
    }
  });

  it("has scores that differ between images, none of which is constant or out of range", () => {
    const { program } = built().compiled;
    const device = compileDevice(program);
    const scores = built()
      .images(IMAGES)
      .map((x) => Array.from(device(x)));
    expect(new Set(scores.map(String)).size).toBe(IMAGES);
    for (const all of scores) {
      const some = net.head === undefined ? all : all.filter((v) => v !== 0);
      expect(new Set(some).size).toBeGreaterThan(some.length / 2);
    }
  });

  it(
    "C on the host equals the device reference in every tensor",
    async () => {
      expect(await runOn("host", built().compiled, built().images(IMAGES), ["flash", "trace"])).toEqual([]);
    },
    PATIENCE,
  );

  it.skipIf(!hasQemu)(
    "C on the M4 in QEMU equals the device reference in every tensor",
    async () => {
      expect(await runOn("M4", built().compiled, built().images(IMAGES), ["trace"])).toEqual([]);
    },
    PATIENCE,
  );
});
