/** XnorPopcountMatMul: FINN's matrix product of bits. */
import { floatConstant } from "../../common/constant.js";
import { Rejection } from "../../common/rejection.js";
import { floatInput, type OpHandler, runtimeInput } from "../node.js";
import { dense } from "./linear.js";
import { withNumber } from "./steps.js";

/**
 * The number of equal bits of x and a column of W, both of 0 and 1, in qonnx's words (xnorpopcount.py):
 * `((2x − 1) · (2W − 1) + K) / 2`.
 */
export const xnorPopcountMatMul: OpHandler = (node) => {
  const input = runtimeInput(node, 0);
  const { shape, data } = floatInput(node, 1, "weight matrix");
  if (data.some((w) => w !== 0 && w !== 1))
    throw new Rejection("its weights are not 0 and 1", "use MatMul for weights of −1 and +1");
  const signs = floatConstant(
    shape,
    data.map((w) => 2 * w - 1),
  );
  const bipolar = withNumber(
    node,
    "subtract",
    withNumber(node, "multiply", input, 2, "doubled"),
    1,
    "bipolar",
  );
  const product = dense(node, bipolar, signs, "product");
  return withNumber(node, "multiply", withNumber(node, "add", product, shape[0]!, "shifted"), 0.5);
};
