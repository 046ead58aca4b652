/** Ways to execute a layer: the planner's, and every other one by force. */
import { kernels } from "../src/kernels/registry.js";
import type { Kernel, KernelChoice } from "../src/kernels/types.js";
import { choiceKey, type Plan, planProgram, verifyPlan } from "../src/plan/index.js";
import type { DeviceProgram } from "../src/program/index.js";
import type { Cpu } from "../src/targets/index.js";

/** A way to execute the first instruction of a program, perhaps with the second. */
export interface Candidate {
  readonly kernel: string;
  readonly choice: KernelChoice;
  readonly plan: Plan;
}

export function planned(program: DeviceProgram, cpu: Cpu): Plan {
  const plan = planProgram(program, { cpu });
  verifyPlan(plan);
  return plan;
}

/** The planner's choice among the ways of one kernel. */
export function plannedWith(program: DeviceProgram, cpu: Cpu, kernel: string): Plan {
  return plannedBy(program, cpu, (choice) => choice.kernel === kernel);
}

/** Every way there is, each in the best plan around it. Ways that no plan can hold are left out. */
export function candidates(program: DeviceProgram, cpu: Cpu): Candidate[] {
  const choices = kernels.flatMap((kernel) => kernel.match(program, 0, cpu));
  return choices.flatMap((choice) => {
    try {
      const plan = plannedBy(program, cpu, (other) => isSame(choice, other));
      return [{ kernel: choice.kernel, choice, plan }];
    } catch {
      return [];
    }
  });
}

function plannedBy(program: DeviceProgram, cpu: Cpu, allows: (choice: KernelChoice) => boolean): Plan {
  const forced = kernels.map(
    (kernel): Kernel => ({
      ...kernel,
      match: (p, index, core) =>
        kernel.match(p, index, core).filter((choice) => index !== 0 || allows(choice)),
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
