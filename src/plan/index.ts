export { candidatesFor, choiceKey, constantBytes, type Goal } from "./choose.js";
export { curveWithRepeats } from "./curve.js";
export { type CurvePoint, type PlanOptions, planCurve } from "./goals.js";
export { besideOthers } from "./in-place.js";
export * from "./peak.js";
export * from "./plan.js";
export * from "./print.js";
export * from "./types.js";
export * from "./verify.js";
