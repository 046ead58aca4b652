/**
 * ModelGraph → DeviceProgram: float chains become integer thresholds, dense layers become exact integer
 * dot products of codes, the last chain stays float as the model has it.
 */
import { Diagnostics, fail } from "../diagnostics/diagnostic.js";
import { shapeText } from "../diagnostics/text.js";
import type { ModelGraph, Quantizer } from "../graph/types.js";
import type {
  CodesDomain,
  DeviceProgram,
  Domain,
  InputAffine,
  Instruction,
  OutputOrder,
  ProgramTensor,
  ScalarType,
  ScaleStep,
  TensorId,
} from "../program/types.js";
import { type ChainStep, quantizerLevels } from "./chain.js";
import { floatBeyond, floatRange, integerRange, keyToFloat } from "./input-keys.js";
import { outputOrder, type ScoreRange } from "./output-order.js";
import { cutIntoSegments, requireSingleScale, type Segment } from "./segments.js";
import { countNearTies, findThresholds, type KeySource } from "./thresholds.js";
import { accumulatorRange, lowerWeights } from "./weights.js";

export type InputType = Exclude<ScalarType, "i32">;

export interface LoweringOptions {
  /** How the device gets its input; by default u8 with value x/255 for images, f32 otherwise. */
  readonly input?: { readonly type: InputType; readonly affine?: InputAffine };
  /** Integer scores with their affine (default), or the model's own float outputs. */
  readonly output?: "scores" | "float32";
}

export interface Lowered {
  readonly program: DeviceProgram;
  readonly diagnostics: Diagnostics;
}

/** Codes of the tensor that the next dense layer reads. */
interface Codes {
  readonly tensor: TensorId;
  /** Real value = scale · integer value. */
  readonly scale: number;
  readonly least: number;
  readonly greatest: number;
}

export function lower(graph: ModelGraph, options: LoweringOptions = {}): Lowered {
  const diagnostics = new Diagnostics();
  const segments = cutIntoSegments(graph, diagnostics);
  diagnostics.throwIfErrors();
  const program = new Lowering(graph, options, diagnostics).run(segments);
  return { program, diagnostics };
}

class Lowering {
  readonly #graph: ModelGraph;
  readonly #options: LoweringOptions;
  readonly #diagnostics: Diagnostics;
  readonly #tensors: ProgramTensor[] = [];
  readonly #instructions: Instruction[] = [];

  constructor(graph: ModelGraph, options: LoweringOptions, diagnostics: Diagnostics) {
    this.#graph = graph;
    this.#options = options;
    this.#diagnostics = diagnostics;
  }

  run(segments: readonly Segment[]): DeviceProgram {
    const modelShape = this.#graph.values.get(this.#graph.inputs[0]!)!.shape;
    const outputShape = this.#graph.values.get(this.#graph.outputs[0]!)!.shape;
    const input = this.#options.input ?? defaultInput(modelShape);
    if (!isFloat(input.type) && input.affine === undefined) throw missingAffine(input.type);
    const elements = modelShape.reduce((a, b) => a * b, 1);
    const inputTensor = this.#tensor("input", elements, { kind: "scalar", type: input.type });

    let codes = this.#inputCodes(segments[0]!, inputTensor, input);
    for (const segment of segments.slice(1, -1)) {
      const layer = this.#dense(segment, codes);
      codes = layer && this.#hiddenCodes(segment, layer);
    }
    const last = segments.at(-1)!;
    const layer = this.#dense(last, codes);
    const output = layer && this.#output(last, layer);
    this.#diagnostics.throwIfErrors();
    return {
      name: this.#graph.name,
      tensors: this.#tensors,
      instructions: this.#instructions,
      input: { tensor: inputTensor, modelShape, ...(isFloat(input.type) ? {} : { affine: input.affine! }) },
      output: { ...output!, modelShape: outputShape },
    };
  }

  #tensor(name: string, channels: number, domain: Domain): TensorId {
    return this.#tensors.push({ name, shape: [1, 1, channels], domain }) - 1;
  }

  #inputCodes(
    segment: Segment,
    input: TensorId,
    options: NonNullable<LoweringOptions["input"]>,
  ): Codes | undefined {
    if (segment.quantizer === undefined) return this.#takeCodes(segment, input, options);
    const channels = this.#tensors[input]!.shape[2];
    const perChannel = segment.steps.some((s) => s.kind === "scale" && s.step.operand.length > 1);
    const range = isFloat(options.type) ? floatRange : integerRange(options.type);
    const keyValue = isFloat(options.type) ? keyToFloat : (key: number) => affineValue(options.affine!, key);
    const source: KeySource = {
      rows: perChannel ? channels : 1,
      range: () => range,
      valueOf: keyValue,
      ...(isFloat(options.type) ? { beyond: floatBeyond } : {}),
    };
    const ascending = isFloat(options.type) || options.affine!.numerator * options.affine!.denominator > 0;
    if (!ascending)
      throw fail("lowering/input-scale", "the input scale must be positive", {
        remedy: "pass --input-scale with a positive number",
      });
    return this.#threshold(segment, input, source, () => 0);
  }

  /** A model without an input quantizer takes u8 pixels as 8-bit codes. */
  #takeCodes(
    segment: Segment,
    input: TensorId,
    options: NonNullable<LoweringOptions["input"]>,
  ): Codes | undefined {
    const affine = options.affine;
    if (options.type !== "u8" || segment.steps.length > 0 || affine === undefined) {
      this.#diagnostics.error(
        "lowering/float-input",
        "the first layer reads float inputs that no quantizer has made codes",
        {
          where: this.#graph.inputs[0]!,
          remedy:
            "put a quantizer (BipolarQuant, Quant) on the input when exporting, or use --input-type u8 with a model that takes pixels without any operation before its first layer",
        },
      );
      return undefined;
    }
    const channels = this.#tensors[input]!.shape[2];
    const domain: CodesDomain = { kind: "codes", bits: 8, step: 1, offset: -affine.zero };
    const tensor = this.#tensor("input codes", channels, domain);
    this.#instructions.push({ kind: "take-codes", input, output: tensor });
    const scale = Math.fround(affine.numerator / affine.denominator);
    return { tensor, scale, least: -affine.zero, greatest: 255 - affine.zero };
  }

  /** The dense instruction of a segment; undefined after a reported error. */
  #dense(segment: Segment, codes: Codes | undefined): Layer | undefined {
    const { node, op } = segment.dense!;
    const weights = lowerWeights(op.weights, node.name, this.#diagnostics);
    if (weights === undefined || codes === undefined) return undefined;
    const { matrix } = weights;
    if (this.#tensors[codes.tensor]!.shape[2] !== matrix.inputs) {
      this.#diagnostics.error(
        "lowering/size",
        `expects ${matrix.inputs} inputs but gets ${shapeText(this.#tensors[codes.tensor]!.shape)}`,
        { where: node.name, remedy: "dense layers on more than one row of values are not supported" },
      );
      return undefined;
    }
    const ranges = Array.from({ length: matrix.outputs }, (_, n) =>
      accumulatorRange(matrix, n, codes.least, codes.greatest),
    );
    if (ranges.some(([low, high]) => low <= -(2 ** 30) || high >= 2 ** 30)) {
      this.#diagnostics.error("lowering/overflow", "the integer sums of this layer do not fit 31 bits", {
        where: node.name,
      });
      return undefined;
    }
    const output = this.#tensor(node.name, matrix.outputs, { kind: "scalar", type: "i32" });
    this.#instructions.push({ kind: "dense", input: codes.tensor, output, weights: matrix });
    const product = weights.scale.map((s) => Math.fround(s * codes.scale));
    const scaleSteps: ChainStep[] = product.every((c) => c === 1)
      ? []
      : [{ kind: "scale", step: { operator: "multiply", operand: product }, node: node.name }];
    const exactInFloat = [...weights.scale, codes.scale].every(isPowerOfTwo);
    const magnitude = ranges.map(([low, high]) => Math.max(Math.abs(low), Math.abs(high)));
    const domain = this.#tensors[codes.tensor]!.domain as CodesDomain;
    return {
      output,
      ranges,
      stride: isBipolar(domain) && isBipolar(matrix) ? 2 : 1,
      steps: [...scaleSteps, ...segment.steps],
      // A float32 sum of K rounded products is off by at most about (K + 1) · 2^-24 of the sum of magnitudes.
      uncertainty: (n) => (exactInFloat ? 0 : (matrix.inputs + 1) * 2 ** -24 * magnitude[n]!),
    };
  }

  #hiddenCodes(segment: Segment, layer: Layer): Codes | undefined {
    if (segment.quantizer === undefined) {
      this.#diagnostics.error(
        "lowering/float-activations",
        "the activations after this layer are not quantized",
        {
          where: segment.dense!.node.name,
          remedy: "put an activation quantizer (BipolarQuant or Quant) between this layer and the next",
        },
      );
      return undefined;
    }
    const source: KeySource = {
      rows: layer.ranges.length,
      range: (channel) => layer.ranges[channel]!,
      valueOf: (key) => Math.fround(key),
    };
    return this.#threshold({ ...segment, steps: layer.steps }, layer.output, source, layer.uncertainty);
  }

  #threshold(
    segment: Segment,
    input: TensorId,
    source: KeySource,
    uncertainty: (channel: number) => number,
  ): Codes | undefined {
    const { node, quantizer } = segment.quantizer!;
    const domain = codesDomain(quantizer, node.name, this.#diagnostics);
    requireSingleScale(node, quantizer, this.#diagnostics);
    if (domain === undefined) return undefined;
    const table = findThresholds(source, segment.steps, quantizer, node.name, this.#diagnostics);
    this.#reportNearTies(segment, source, table, uncertainty);
    const output = this.#tensor(node.name, this.#tensors[input]!.shape[2], domain);
    this.#instructions.push({ kind: "threshold", input, output, ...table });
    const scale = Math.fround(quantizer.scale.data[0]! * segment.factor);
    const greatest = domain.step * quantizerLevels(quantizer) + domain.offset;
    return { tensor: output, scale, least: domain.offset, greatest };
  }

  #reportNearTies(
    segment: Segment,
    source: KeySource,
    table: ReturnType<typeof findThresholds>,
    uncertainty: (channel: number) => number,
  ): void {
    const { node, quantizer } = segment.quantizer!;
    const ties = countNearTies(source, segment.steps, quantizer, table, uncertainty);
    if (ties === 0) return;
    this.#diagnostics.note(
      "lowering/near-tie",
      `${ties} of ${table.thresholds.length} decisions lie within the rounding error of the framework's float32 sum; bitloom decides them by the exact integer sum`,
      { where: node.name, remedy: "scales that are powers of two make the framework's sums exact" },
    );
  }

  /** Ends the program: scores with their affine, float outputs, or the index that the model itself returns. */
  #output(segment: Segment, layer: Layer): Omit<DeviceProgram["output"], "modelShape"> | undefined {
    if (segment.quantizer !== undefined) {
      this.#diagnostics.error("lowering/quantized-output", "the model ends in a quantizer", {
        where: segment.quantizer.node.name,
        remedy: "export the model without its last quantizer; the integer scores before it are exact",
      });
      return undefined;
    }
    const inverse = layer.steps.find((s) => s.kind === "scale" && s.step.operator === "divide-into");
    if (inverse !== undefined) {
      this.#diagnostics.error("lowering/inverse", "a constant is divided by the running value", {
        where: inverse.node,
        remedy: "export the model without the division: at 0 its result depends on the sign of zero",
      });
      return undefined;
    }
    const steps = layer.steps.flatMap((s) => (s.kind === "scale" ? [s.step] : []));
    const order = outputOrder(steps, scoreRanges(layer));
    const argmax = segment.tail.find((n) => n.op.kind === "argmax")?.op;
    if (argmax?.kind === "argmax") {
      const selectLast = argmax.selectLast;
      // Softmax keeps the order, so an argmax after it needs no exponential.
      const scores = this.#comparable(layer, steps, order);
      const tensor = this.#tensor("class", 1, { kind: "scalar", type: "i32" });
      this.#instructions.push({ kind: "argmax", input: scores, output: tensor, selectLast });
      return { tensor, affine: [], omitted: [], order: { kind: "float" } };
    }
    const softmax = segment.tail.some((n) => n.op.kind === "softmax");
    if (this.#options.output !== "float32") {
      return { tensor: layer.output, affine: steps, order, omitted: softmax ? ["softmax"] : [] };
    }
    let tensor = this.#scale(layer.output, steps);
    if (softmax) {
      const input = tensor;
      tensor = this.#tensor("probabilities", layer.ranges.length, { kind: "scalar", type: "f32" });
      this.#instructions.push({ kind: "softmax", input, output: tensor });
    }
    return { tensor, affine: [], omitted: [], order: { kind: "float" } };
  }

  /** A tensor whose greatest element is the model's greatest output: integers where that is proven. */
  #comparable(layer: Layer, steps: readonly ScaleStep[], order: OutputOrder): TensorId {
    if (order.kind === "scores") return layer.output;
    if (order.kind === "float") return this.#scale(layer.output, steps);
    const { slope, offset } = order;
    const output = this.#tensor("ranks", layer.ranges.length, { kind: "scalar", type: "i32" });
    this.#instructions.push({ kind: "rank", input: layer.output, output, slope, offset });
    return output;
  }

  #scale(input: TensorId, steps: readonly ScaleStep[]): TensorId {
    const output = this.#tensor("float scores", this.#tensors[input]!.shape[2], {
      kind: "scalar",
      type: "f32",
    });
    this.#instructions.push({ kind: "scale", input, output, steps });
    return output;
  }
}

/** Sums of ±1 times ±1 all have the parity of the number of inputs. */
function scoreRanges(layer: Layer): ScoreRange[] {
  return layer.ranges.map(([low, high]) => ({ low, high, stride: layer.stride }));
}

interface Layer {
  /** Distance between sums that can occur. */
  readonly stride: number;
  readonly output: TensorId;
  readonly ranges: readonly (readonly [number, number])[];
  readonly steps: readonly ChainStep[];
  readonly uncertainty: (channel: number) => number;
}

function codesDomain(quantizer: Quantizer, where: string, diagnostics: Diagnostics): CodesDomain | undefined {
  if (quantizer.kind === "bipolar") return { kind: "codes", bits: 1, step: 2, offset: -1 };
  const zero = quantizer.zeroPoint.data[0]!;
  const bits = Math.ceil(Math.log2(quantizer.qmax - quantizer.qmin + 1));
  if (!Number.isInteger(zero) || bits > 8 || bits < 1) {
    const problem = Number.isInteger(zero) ? `${bits} bits of activation` : `the zero point ${zero}`;
    diagnostics.error("lowering/activation-codes", `${problem} is not supported`, {
      where,
      remedy: "use 1 to 8 bits and an integer zero point",
    });
    return undefined;
  }
  return { kind: "codes", bits, step: 1, offset: quantizer.qmin - zero };
}

function defaultInput(shape: readonly number[]): NonNullable<LoweringOptions["input"]> {
  const [, channels, height, width] = shape;
  const isImage = shape.length === 4 && (channels === 1 || channels === 3) && height! > 1 && width! > 1;
  return isImage ? { type: "u8", affine: { numerator: 1, denominator: 255, zero: 0 } } : { type: "f32" };
}

/** The real number that a stored input stands for, rounded once to float32. */
function affineValue(affine: InputAffine, stored: number): number {
  return Math.fround(((stored - affine.zero) * affine.numerator) / affine.denominator);
}

function isFloat(type: InputType): boolean {
  return type === "f32";
}

function isBipolar({ bits, step, offset }: Omit<CodesDomain, "kind">): boolean {
  return bits === 1 && step === 2 && offset === -1;
}

function isPowerOfTwo(x: number): boolean {
  const exponent = Math.log2(Math.abs(x));
  return Number.isInteger(exponent);
}

function missingAffine(type: string): Error {
  return fail("lowering/input-scale", `an input of type ${type} needs its scale`, {
    remedy: "say what the integers stand for, e.g. --input-scale 1/255",
  });
}
