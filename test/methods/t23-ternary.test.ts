import { expect, it } from "vitest";
import { findCpu } from "../../src/targets/index.js";
import { checkMethod } from "../support/methods/check.js";
import { runOn } from "../support/methods/machines.js";
import { buildNet, deviceInput, inputsOf } from "../support/methods/net.js";
import { compileGraph } from "../support/models.js";
import { convVariants, preferring } from "../support/prefer-kernel.js";
import { ternaryWeights } from "./t23-ternary.js";

checkMethod(ternaryWeights);

it("planes and bytes: kernels of both kinds compute the same ternary layers", async () => {
  const built = buildNet(ternaryWeights.nets[0]!, 1);
  const cpu = findCpu("cortex-m4");
  const variants = convVariants(built.compiled.program, cpu);
  expect(variants).toEqual(expect.arrayContaining(["conv_bytes", "conv_general"]));
  const inputs = inputsOf(built.net, 2, 20).map((input) => deviceInput(built, input));
  for (const name of ["conv_bytes", "conv_general"]) {
    const kernels = preferring(name);
    const model = compileGraph(
      built.compiled.graph,
      undefined,
      { input: { type: "u8", affine: built.net.bytes! } },
      { cpu, kernels },
    );
    expect(model.plan.steps.map(({ choice }) => choice.kernel)).toContain(name);
    expect(await runOn("host", model, inputs, ["flash"]), name).toEqual([]);
  }
});
