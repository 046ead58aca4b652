/** Layers that end a classifier. */
import { shapeText } from "../../../diagnostics/text.js";
import { Rejection } from "../../common/rejection.js";
import { axisOf, type BundleValue, elementwise, onlyInput } from "../call.js";
import { dimension, flag } from "../fields.js";
import { layer } from "../layer.js";

const dim = dimension("the axis of the classes").default(-1);

export const softmax = layer("softmax", "at the end of the net", { dim }, (call, settings) => {
  const input = onlyInput(call);
  return elementwise(call, input, { kind: "softmax", axis: classAxis(settings.dim, input) });
});

export const argmax = layer(
  "argmax",
  "at the end of the net",
  {
    dim,
    keepdim: flag("true or false: whether the axis stays, with size 1").default(false),
    select_last: flag("true or false: the last of equal maxima in place of the first").default(false),
  },
  (call, settings) => {
    const input = onlyInput(call);
    const axis = classAxis(settings.dim, input);
    const { keepdim: keepDims, select_last: selectLast } = settings;
    const shape = input.shape.flatMap((n, i) => (i !== axis ? [n] : keepDims ? [1] : []));
    return call.emit({ kind: "argmax", axis, keepDims, selectLast }, [input], shape, { dtype: "int64" });
  },
);

/** The classes must be all there is: no stage after this knows several rows of them. */
function classAxis(given: number, input: BundleValue): number {
  const axis = axisOf(given, input);
  if (input.shape.every((n, i) => i === axis || n === 1)) return axis;
  throw new Rejection(
    `it works on axis ${given} of ${shapeText(input.shape)}`,
    "one row of classes is supported: flatten or pool before it",
  );
}
