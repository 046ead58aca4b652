/** Runs batches of inputs through the references and compares them. */
import type { CompiledModel } from "./compile.js";
import type { InputBatch } from "./inputs.js";
import { cutTail, neededNodes } from "./passes/order-nodes.js";
import { inModelOrder } from "./program/index.js";
import { scoresAsFloat } from "./reference/device.js";
import { compileDevice } from "./reference/device-fast.js";
import { compileModel } from "./reference/model-fast.js";

export interface Evaluation {
  /** Device outputs in the model's order, one input after another. */
  readonly outputs: { readonly data: Int32Array | Float32Array; readonly dtype: "int32" | "float32" };
  /** The model's float outputs, from the reference asked for. */
  readonly floats: Float32Array;
  /** The class with the greatest output for each input (the index itself for models that end in ArgMax). */
  readonly classes: Int32Array;
  /** Inputs on which the two references' outputs differ in any bit, and the first of them. */
  readonly differing: number;
  readonly firstDifference: number | undefined;
  /** Of all these differences the greatest, and how many inputs get another class. */
  readonly greatestDifference: number;
  readonly otherClasses: number;
  readonly seconds: number;
}

/**
 * `integer` runs the device program, `float` the model as its framework does, whole, `both` compares the float
 * outputs of the two. A softmax that the device leaves out is left out of the comparison.
 */
export function evaluate(
  model: CompiledModel,
  batch: InputBatch,
  which: "integer" | "float" | "both",
): Evaluation {
  const { program } = model;
  const device = compileDevice(program);
  const framework = compileModel(which === "float" ? model.graph : comparableGraph(model));
  const outputs: (Int32Array | Float32Array)[] = [];
  const floats: Float32Array[] = [];
  const different: number[] = [];
  let [greatestDifference, otherClasses] = [0, 0];
  const started = performance.now();
  for (let i = 0; i < batch.count; i++) {
    const scores = which === "float" ? undefined : device(batch.stored(i));
    const stored = scores && inModelOrder(program, scores);
    const fromDevice =
      scores &&
      inModelOrder(program, scores instanceof Float32Array ? scores : scoresAsFloat(program, scores));
    const fromModel = which === "integer" ? undefined : framework(batch.real(i));
    if (stored !== undefined) outputs.push(stored);
    floats.push(fromModel ?? fromDevice!);
    if (fromDevice && fromModel && fromDevice.some((x, c) => x !== fromModel[c])) {
      different.push(i);
      if (classOf(fromDevice) !== classOf(fromModel)) otherClasses++;
      for (const [c, x] of fromDevice.entries())
        greatestDifference = Math.max(greatestDifference, Math.abs(x - fromModel[c]!));
    }
  }
  const seconds = (performance.now() - started) / 1000;
  const isFloat = outputs[0] instanceof Float32Array;
  return {
    outputs: {
      data: isFloat ? concatenate(outputs, Float32Array) : concatenate(outputs, Int32Array),
      dtype: isFloat ? "float32" : "int32",
    },
    floats: concatenate(floats, Float32Array),
    classes: Int32Array.from(floats, classOf),
    differing: different.length,
    firstDifference: different[0],
    greatestDifference,
    otherClasses,
    seconds,
  };
}

/** What fixed point makes of the model's outputs on some inputs. */
export interface Approximation {
  readonly count: number;
  /** Of two outputs of one place. */
  readonly greatestDifference: number;
  /** Inputs with the same greatest output; null where outputs are one number. */
  readonly sameClass: number | null;
}

/** Measured where the program is another function than the model's; otherwise undefined. */
export function approximation(model: CompiledModel, batch: InputBatch): Approximation | undefined {
  if (model.streams === undefined) return undefined;
  const { greatestDifference, otherClasses, floats, outputs } = evaluate(model, batch, "both");
  const { count } = batch;
  const isIndex = outputs.dtype === "int32";
  const sameClass = floats.length > count || isIndex ? count - otherClasses : null;
  return { count, greatestDifference, sameClass };
}

/** The graph without a final softmax where the device's output stops before it. */
function comparableGraph({ graph, program }: CompiledModel): CompiledModel["graph"] {
  if (!program.output.omitted.includes("softmax")) return graph;
  const { end } = cutTail(graph);
  return { ...graph, nodes: neededNodes(graph, end), outputs: [end] };
}

/** The place of the greatest output; of one output the output itself. */
function classOf(values: Float32Array): number {
  if (values.length === 1) return values[0]!;
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function concatenate<T extends Int32Array | Float32Array>(
  parts: readonly (Int32Array | Float32Array)[],
  type: new (length: number) => T,
): T {
  const all = new type(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
