import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { selfBinarizing, selfBinarizingNet } from "./t11-self-binarizing.js";

checkMethod(selfBinarizing);

it("makes the same C of tanh(ν·w) as a BNN of ±1 does", () => {
  const filesOf = (stored: (w: number) => number) => {
    const net = selfBinarizingNet({ name: "net", stored, k: 0 });
    return buildNet(net, 1).compiled.library.files;
  };
  const files = filesOf((w) => Math.tanh(20 * w));
  expect(files.length).toBeGreaterThan(3);
  expect(files).toEqual(filesOf(Math.sign));
  expect(files).not.toEqual(filesOf((w) => Math.tanh(20 * w) - 0.9));
});
