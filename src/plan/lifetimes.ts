/** Which bytes a sequence of choices needs when: tensors, rings and working memory, before they have places. */
import { type Layout, layoutBytes, rowBytes } from "../kernels/layout.js";
import type { KernelChoice } from "../kernels/types.js";
import type { DeviceProgram, TensorId } from "../program/index.js";
import type { ChosenGroup, ChosenSteps } from "./choose.js";
import { inPeriod } from "./periods.js";
import { type GroupSchedule, scheduleGroup } from "./rolling.js";
import type { Buffer } from "./types.js";

/**
 * Step ranges in which tensors and working memory are needed. Input and output belong to the caller.
 *
 * @param align Of the offset of every buffer.
 */
export function lifetimes(program: DeviceProgram, chosen: ChosenSteps, align: number): Buffer[] {
  const needed = neededBuffers(program, chosen);
  const buffers = chosen.stream === undefined ? needed : inPeriod(program, needed, chosen.stream);
  return buffers.map((buffer) => ({ ...buffer, align }));
}

/** The same where rings have only the slots that their readers need, and nothing is aligned. */
export function neededBuffers(program: DeviceProgram, chosen: ChosenSteps): Buffer[] {
  const { choices, groups } = chosen;
  const schedules = new Map(groups.map((g) => [g, scheduleGroup(program, choices, g)]));
  const buffers: Buffer[] = chosen.pushes
    ? [pushedInput(program, schedules.get(groups[0]!)!, groups[0]!)]
    : [];
  choices.forEach((choice, step) => {
    const { output: tensor, outputLayout: layout } = choice;
    const group = groupOf(groups, step);
    if (!isCallers(program, tensor, layout)) {
      const to = lastReader(chosen, tensor, layout, step);
      const holds = { kind: "tensor", tensor, layout } as const;
      const slots = group === undefined || to > group.to ? undefined : ring(schedules.get(group)!, step);
      const shape = program.tensors[tensor]!;
      buffers.push({
        holds,
        bytes: slots === undefined ? layoutBytes(shape, layout) : slots * rowBytes(shape, layout),
        ...(slots === undefined ? {} : { slots }),
        from: group?.from ?? step,
        to,
      });
    }
    if (choice.scratchBytes > 0) {
      buffers.push({ holds: { kind: "scratch", step }, bytes: choice.scratchBytes, from: step, to: step });
    }
  });
  return buffers;
}

/** The rows of the input that were given and are still read. */
function pushedInput(program: DeviceProgram, { clockSlots }: GroupSchedule, { to }: ChosenGroup): Buffer {
  const { tensor } = program.input;
  const shape = program.tensors[tensor]!;
  return {
    holds: { kind: "tensor", tensor, layout: "channels" },
    bytes: clockSlots * rowBytes(shape, "channels"),
    ...(clockSlots < shape.shape[0] ? { slots: clockSlots } : {}),
    from: 0,
    to,
  };
}

/** Slots of the ring that a step writes; undefined where all rows are kept. */
function ring({ slots, rows }: GroupSchedule, step: number): number | undefined {
  const needed = slots.get(step);
  return needed === undefined || needed >= rows.get(step)!.rows ? undefined : needed;
}

/** Last step that reads a tensor in a layout made at step `from`, before it is made again; of a group its last. */
function lastReader(
  { choices, groups }: ChosenSteps,
  tensor: TensorId,
  layout: Layout,
  from: number,
): number {
  const end = (step: number): number => groupOf(groups, step)?.to ?? step;
  let last = end(from);
  for (let step = from + 1; step < choices.length; step++) {
    const c = choices[step]!;
    if (reads(c, tensor, layout)) last = end(step);
    if (c.output === tensor && c.outputLayout === layout) break;
  }
  return last;
}

/** Whether a choice reads a tensor in a layout. */
export function reads(choice: KernelChoice, tensor: TensorId, layout: Layout): boolean {
  return choice.inputs.some((id, i) => id === tensor && choice.inputLayouts[i] === layout);
}

/** Whether a choice may write over a tensor in all the inputs that it is: in any case where it reads none of it. */
export function mayWriteOver(
  { inputs, inputLayouts, inPlace = [] }: KernelChoice,
  tensor: TensorId,
  layout: Layout,
): boolean {
  return inputs.every((id, i) => id !== tensor || inputLayouts[i] !== layout || inPlace.includes(i));
}

/** Whether the bytes are those of the caller's input or output. */
export function isCallers(program: DeviceProgram, tensor: TensorId, layout: Layout): boolean {
  return layout === "channels" && (tensor === program.input.tensor || tensor === program.output.tensor);
}

/** The rolled group that a step is in. */
export function groupOf<T extends Pick<ChosenGroup, "from" | "to">>(
  groups: readonly T[],
  step: number,
): T | undefined {
  return groups.find((g) => g.from <= step && step <= g.to);
}
