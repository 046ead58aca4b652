/** Dense layers: over the last axis, whatever stands before it. */
import type { FloatTensor } from "../../../graph/types.js";
import { recogniseCodes } from "../../common/weights.js";
import { type LayerHandler, onlyInput } from "../call.js";
import { identifierOf } from "../quantizers/identifier.js";
import { quantizeKernel } from "../quantizers/kernels.js";
import { checkShape, finish, quantizedInput } from "./conv.js";

export const dense: LayerHandler = (call) => {
  const input = quantizedInput(call, onlyInput(call));
  const units = call.settings.integer("units");
  const hasBias = call.settings.flag("use_bias", true);
  const [kernel, bias] = call.weights(hasBias ? ["kernel", "bias"] : ["kernel"]) as [
    FloatTensor,
    FloatTensor?,
  ];
  checkShape(kernel, [input.shape.at(-1)!, units]);
  const weights = quantizeKernel(identifierOf(call.settings.raw("kernel_quantizer")), kernel);
  const shape = [...input.shape.slice(0, -1), units];
  const product = call.emit({ kind: "dense", weights: recogniseCodes(weights, 1) }, [input], shape, "last");
  return finish(call, product, bias);
};
