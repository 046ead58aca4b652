import { expect, it } from "vitest";
import { checkMethod } from "../support/methods/check.js";
import { buildNet, inputsOf, type MethodNet } from "../support/methods/net.js";
import { bnn } from "./t02-bnn.js";

checkMethod(bnn);

const net = (name: string): MethodNet => bnn.nets.find((n) => n.name === name)!;

it("sign(0) = 0 makes ternary values that do occur, and the device has them", () => {
  const built = buildNet(net("bnn_torch_3_channels"), 1);
  const seen = inputsOf(built.net, 2, 20).map(({ real }) => built.define(real).seen);
  for (const name of ["sign1", "sign2"]) {
    const zeros = seen.flatMap((s) => Array.from(s.get(name)!.value.data).filter((v) => v === 0));
    expect(zeros.length, name).toBeGreaterThan(0);
    const { domain } = built.compiled.program.tensors.find((t) => t.name === name)!;
    expect(domain).toEqual({ kind: "codes", bits: 2, step: 1, offset: -1 });
  }
});

it("normalizations fall on some channels and are constant on one, and pools stand behind the signs", () => {
  const { compiled } = buildNet(net("bnn_pool_first"), 1);
  const { tensors, instructions } = compiled.program;
  const pools = instructions.filter((i) => i.kind === "pool");
  expect(pools.map((p) => tensors[p.input]!.domain.kind)).toEqual(["codes"]);
  const built = buildNet(net("bnn_pool_first"), 1);
  const bits = inputsOf(built.net, 2, 50).map(({ real }) => built.define(real).seen.get("sign2")!.value);
  const [, channels, height, width] = bits[0]!.shape as [number, number, number, number];
  const ofChannel = (c: number): Set<number> =>
    new Set(
      bits.flatMap(({ data }) => Array.from(data.subarray(c * height * width, (c + 1) * height * width))),
    );
  const sizes = Array.from({ length: channels }, (_, c) => ofChannel(c).size);
  expect(sizes).toContain(1);
  expect(sizes).toContain(2);
});

it("a net of four input channels binarizes its input, one of three does not", () => {
  const kinds = (name: string) => buildNet(net(name), 1).compiled.program.instructions[0]!.kind;
  expect(kinds("bnn_torch_4_channels")).toBe("threshold");
  expect(kinds("bnn_torch_3_channels")).toBe("conv");
});
