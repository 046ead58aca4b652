/** What importers support, in one list: `bitloom ops` prints it and docs/FORMATS.md holds it. */
import { bundleLayers } from "./bundle/registry.js";
import { kerasLayers } from "./keras/registry.js";
import { onnxOps } from "./onnx/registry.js";
import { tfliteOps } from "./tflite/registry.js";

export interface SupportedOp {
  readonly op: string;
  /** The format, or the set of operators within it, that the operator belongs to. */
  readonly format: "ONNX" | "QONNX" | "TFLite" | "LCE" | "Larq" | "QKeras" | "Keras" | "bundle";
  /** ONNX's domains in which it is known; "" is ONNX's own. Other formats have none. */
  readonly domains: readonly string[];
  readonly notes: string;
}

/** Every operator or layer of every format, as the importers' registries have them. */
export const supportedOps: readonly SupportedOp[] = Object.freeze([
  ...onnxOps.map(({ op, domains, notes }): SupportedOp => {
    return { op, format: domains.includes("") ? "ONNX" : "QONNX", domains, notes };
  }),
  ...tfliteOps.map(({ op, isCustom, notes }): SupportedOp => {
    return { op, format: isCustom ? "LCE" : "TFLite", domains: [], notes };
  }),
  ...kerasLayers.map(({ layer, from, notes }): SupportedOp => {
    return { op: layer, format: from, domains: [], notes };
  }),
  ...bundleLayers.map(({ type, notes }): SupportedOp => {
    return { op: type, format: "bundle", domains: [], notes };
  }),
]);
