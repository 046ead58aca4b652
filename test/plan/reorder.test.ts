/** The order of instructions and the arena on nets with branches. */
import { describe, expect, it } from "vitest";
import { codeBytes } from "../../src/kernels/code-bytes.js";
import { kernels } from "../../src/kernels/registry.js";
import type { KernelChoice } from "../../src/kernels/types.js";
import { candidatesFor, chooseKernels, constantBytes, type Goal } from "../../src/plan/choose.js";
import { FRUGAL_SHARE } from "../../src/plan/goals.js";
import { planProgram, verifyPlan } from "../../src/plan/index.js";
import { leastPeakOrder } from "../../src/plan/order/search.js";
import { peakOf, workOf } from "../../src/plan/order/units.js";
import { reordered, unitsOf } from "../../src/plan/reorder.js";
import { type DeviceProgram, verifyProgram } from "../../src/program/index.js";
import { findCpu } from "../../src/targets/index.js";
import { methods } from "../methods/methods.js";
import { buildNet } from "../support/methods/net.js";

const cpu = findCpu("cortex-m4");
const nets = methods.flatMap((method) => method.nets);

/** The program as lowering leaves it: tensors are numbered in its order. */
function lowered(name: string): DeviceProgram {
  const { program } = buildNet(nets.find((n) => n.name === name)!, 1).compiled;
  const instructions = [...program.instructions].sort((a, b) => a.output - b.output);
  return { ...program, instructions };
}

const programs = new Map(
  ["bi_real", "cp_nas", "densenet_larq", "mobinet", "xnor_k"].map((name) => [name, lowered(name)]),
);

describe("the order of a net's instructions", () => {
  it.each([
    ...programs,
  ])("%s: needs the least of all orders, and the arena the least of all places", (_, program) => {
    verifyProgram(program);
    for (const goal of ["speed", "ram"] satisfies Goal[]) {
      const plan = planProgram(program, { goal, isWhole: true, isOnce: true });
      verifyPlan(plan);
      verifyProgram(plan.program);
      expect(new Set(plan.program.instructions)).toEqual(new Set(program.instructions));
      const units = unitsOf(
        plan.program,
        plan.steps.map((s) => s.choice),
      );
      const { peak, bound } = leastPeakOrder(units);
      const given = peakOf(
        workOf(units),
        units.map((_, i) => i),
      );
      expect(bound).toBe(peak);
      // Outputs over inputs may need less than the least of whole buffers side by side.
      expect(given === peak || plan.memory.arenaBytes < given).toBe(true);
      expect(plan.memory).toMatchObject({ arenaBytes: plan.memory.lowerBound, proven: true });
    }
  });

  it("for speed costs no more instructions than RAM is worth, and no constants", () => {
    const cost = (all: readonly { cost: number }[]): number => all.reduce((sum, c) => sum + c.cost, 0);
    const constants = (all: readonly KernelChoice[]): number =>
      all.reduce((sum, c) => sum + constantBytes(c), 0);
    let changed = 0;
    for (const program of programs.values()) {
      const { choices } = chooseKernels(program, candidatesFor(program, kernels, cpu), "speed", (call) =>
        codeBytes(call, cpu),
      );
      const plan = planProgram(program);
      const planned = plan.steps.map((s) => s.choice);
      // Once for the choice, once for the order.
      expect(cost(planned)).toBeLessThanOrEqual(cost(choices) * (1 + FRUGAL_SHARE) ** 2);
      if (plan.program.instructions.every((instruction, i) => instruction === program.instructions[i]))
        continue;
      changed++;
      expect(reordered(program, choices)).toBeDefined();
      expect(constants(planned)).toBeLessThanOrEqual(constants(choices));
    }
    expect(changed).toBeGreaterThan(0);
  });

  it("stays where nothing branches", () => {
    const { program, plan } = buildNet(nets.find((n) => n.name === "eedn")!, 1).compiled;
    expect(plan.program.instructions).toEqual(lowered("eedn").instructions);
    expect(
      reordered(
        program,
        plan.steps.map((s) => s.choice),
      ),
    ).toBeUndefined();
  });
});
