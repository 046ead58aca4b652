/** Ways to execute a layer: the planner's, and every other one by force. */
import { matches } from "../kernels/matches.js";
import { kernels } from "../kernels/registry.js";
import type { Kernel, KernelChoice } from "../kernels/types.js";
import { choiceKey, type Plan, planProgram, verifyPlan } from "../plan/index.js";
import type { DeviceProgram } from "../program/index.js";
import type { Cpu } from "../targets/index.js";

/** A way to execute the first instruction of a program, perhaps with the second. */
export interface Candidate {
  readonly kernel: string;
  readonly choice: KernelChoice;
  readonly plan: Plan;
}

/**
 * The plan whose kernels are the cheapest by the planner's costs when changes of layout at the ends cost nothing: in
 * a net the neighbours of a layer mostly have the same layouts.
 */
export function planInNet(program: DeviceProgram, cpu: Cpu, kernel?: string): Plan {
  const ways = candidates(program, cpu).filter((c) => kernel === undefined || c.kernel === kernel);
  const costs = ways.map(({ plan }) => ownCost(plan));
  const best = costs.indexOf(Math.min(...costs));
  // Without any way the planner says what is missing.
  return (
    ways[best]?.plan ?? planWith(program, cpu, (choice) => kernel === undefined || choice.kernel === kernel)
  );
}

function ownCost(plan: Plan): number {
  return plan.steps
    .filter(({ choice }) => choice.covers.length > 0)
    .reduce((sum, { choice }) => sum + choice.cost, 0);
}

/** Every way there is, each in the best plan around it. Ways that no plan can hold are left out. */
export function candidates(program: DeviceProgram, cpu: Cpu): Candidate[] {
  const choices = kernels.flatMap((kernel) => matches(kernel, program, 0, cpu));
  return choices.flatMap((choice) => {
    try {
      const plan = planWith(program, cpu, (other) => isSame(choice, other));
      return [{ kernel: choice.kernel, choice, plan }];
    } catch {
      return [];
    }
  });
}

/** The best plan whose first instruction is executed in an allowed way. */
export function planWith(program: DeviceProgram, cpu: Cpu, allows: (choice: KernelChoice) => boolean): Plan {
  const forced = kernels.map(
    (kernel): Kernel => ({
      ...kernel,
      match: (p, index, core) =>
        matches(kernel, p, index, core).filter((choice) => index !== 0 || allows(choice)),
    }),
  );
  const plan = planProgram(program, { cpu, kernels: forced });
  verifyPlan(plan);
  return plan;
}

function isSame(a: KernelChoice, b: KernelChoice): boolean {
  return (
    choiceKey(a) === choiceKey(b) &&
    a.outputLayout === b.outputLayout &&
    a.inputLayouts.join() === b.inputLayouts.join() &&
    a.covers.length === b.covers.length
  );
}
