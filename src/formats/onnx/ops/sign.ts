/** Sign, and functions in front of it that keep the sign. */
import { Rejection } from "../../common/rejection.js";
import { constantValue, type OnnxNode, type OpHandler, runtimeInput } from "../node.js";
import { pending, pendingInput } from "../pending.js";
import { signSteps } from "../steps.js";
import { mapConstant, mappedInput } from "./elementwise.js";
import { stepValue } from "./step-values.js";

/** −1, 0, 1. Whether the 0 matters is seen where the result is read: see step-values.ts. */
export const sign: OpHandler = (node) => {
  const [input] = node.inputs;
  if (input?.kind === "constant") {
    const atZero = zeroSign(node, input.constant.data);
    return constantValue(mapConstant(input.constant, (x) => (x === 0 ? atZero : Math.sign(x))));
  }
  const mapped = mappedInput(node, 0, (x) => Math.sign(x));
  if (mapped !== undefined) return mapped;
  const before = pendingInput(node, 0);
  const source = before?.form.kind === "same-sign" ? before.source : runtimeInput(node, 0);
  return stepValue(node, source, signSteps());
};

/** Latent weights that are exactly 0: the file says 0, training code often ±1. */
function zeroSign(node: OnnxNode, data: ArrayLike<number>): number {
  if (node.signOfZero !== undefined || Array.from(data).every((x) => x !== 0)) return node.signOfZero ?? 0;
  throw new Rejection(
    "it takes the sign of constants of which some are exactly 0",
    "say what their sign is: --sign-of-zero +1 or -1 as in training, or 0 as ONNX computes it",
  );
}

/** Of a computed value only its sign can be used, which is that of what it is computed of. */
export const tanh: OpHandler = (node) => {
  const [input] = node.inputs;
  if (input?.kind === "constant") return constantValue(mapConstant(input.constant, Math.tanh));
  return pending(node, runtimeInput(node, 0), { kind: "same-sign" }, () => {
    throw new Rejection(
      "it is computed where more than its sign is needed",
      "use hardtanh, or a quantized activation, and train again",
    );
  });
};
