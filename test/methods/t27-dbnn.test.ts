import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet, inputsOf } from "../support/methods/net.js";
import { distilled } from "./t27-dbnn.js";

checkMethod(distilled);

it("has masks of 0, of 1 and between", () => {
  const built = buildNet(distilled.nets[0]!, 1);
  const masks = inputsOf(built.net, 2, 20).flatMap(({ real }) => [...built.define(real).output.data]);
  expect(Math.min(...masks)).toBe(0);
  expect(Math.max(...masks)).toBe(1);
  expect(masks.filter((m) => m > 0 && m < 1).length).toBeGreaterThan(masks.length / 10);
});
