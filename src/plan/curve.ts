import type { DeviceProgram } from "../program/index.js";
import { type CurvePoint, type PlanOptions, planCurve } from "./goals.js";
import { planProgram } from "./plan.js";

/**
 * The curve of a program of which some instructions are done again: plans that make everything once, and those of still less RAM
 * that do not.
 *
 * @param once The program without what is done again.
 */
export function curveWithRepeats(
  program: DeviceProgram,
  once: DeviceProgram,
  options: PlanOptions = {},
): CurvePoint[] {
  const ordered = planProgram(once, { ...options, isWhole: true, isOnce: true, pushes: false }).program;
  const curve = planCurve(ordered, options);
  const least = curve.at(-1)!.arenaBytes;
  return [...curve, ...planCurve(program, options).filter(({ arenaBytes }) => arenaBytes < least)];
}
