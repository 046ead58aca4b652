import { expect, it } from "vitest";
import { layerMethods } from "../../src/report/methods.js";
import { checkMethod } from "../support/methods/check.js";
import { buildNet } from "../support/methods/net.js";
import { flexible } from "./t07-flexible.js";

checkMethod(flexible);

it.each(flexible.nets)("$name: inspect names the layers that are binary", (net) => {
  const subset = net.name.split("_")[1]!;
  const binary = layerMethods(buildNet(net, 1).compiled.graph).flatMap(({ layer, bits }) =>
    bits === "W1A32" ? [layer.slice(-1)] : [],
  );
  expect(binary.join("")).toBe(subset);
});
