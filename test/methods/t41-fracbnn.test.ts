import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet, inputsOf } from "../support/methods/net.js";
import { fracBnn } from "./t41-fracbnn.js";

checkMethod(fracBnn);

it("second signs count on some outputs only: on none of channel 0, on all of channel 1", () => {
  const net = fracBnn.nets[0]!;
  const { seen } = buildNet(net, 1).define(inputsOf(net, 2, 1)[0]!.real);
  const refined = (name: string) => {
    const { shape, data } = seen.get(name)!.value;
    const pixels = shape[2]! * shape[3]!;
    return Array.from({ length: shape[1]! }, (_, c) =>
      data.subarray(c * pixels, (c + 1) * pixels).reduce((sum, v) => sum + (v === 0 ? 0 : 1), 0),
    );
  };
  const [low, high] = [refined("block1.b.conv.low"), refined("block1.b.conv.high")];
  expect([high[0], low[1]]).toEqual([0, 0]);
  expect(high[1]).toBeGreaterThan(0);
  expect(high.slice(2).some((n, c) => n > 0 && low[c + 2]! > 0)).toBe(true);
});
