/** Sums and means of several values, element by element. */
import type { ChannelsLastValue } from "../../common/channels-last.js";
import { damaged, Rejection } from "../../common/rejection.js";
import type { LayerCall, LayerHandler } from "../call.js";
import { elementwise } from "../quantizers/activations.js";
import { arithmetic } from "../quantizers/operations.js";
import { sum } from "./activations.js";
import { binary } from "./functions.js";

/** The sum of two values or more, from the left; as an operation of Keras 3 also of a value and a number. */
export const add: LayerHandler = (call) =>
  call.inputs.length === 1 ? binary("add")(call) : total(call, undefined);

/** The sum, divided once by the number of values. */
export const average: LayerHandler = (call) =>
  elementwise(call, total(call, "sum"), arithmetic("divide", call.inputs.length));

function total(call: LayerCall, part: string | undefined): ChannelsLastValue {
  const [first, ...rest] = call.inputs;
  if (first === undefined || rest.length === 0) throw new Rejection("it adds fewer than two values", damaged);
  return rest.reduce(
    (value, next, i) => sum(call, [value, next], i === rest.length - 1 ? part : `sum of ${i + 2}`),
    first,
  );
}
