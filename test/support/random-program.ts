/** Random device programs of all instruction kinds, with the shapes and constants that break careless kernels. */
import {
  type CodeMatrix,
  type DeviceProgram,
  type Domain,
  elementCount,
  type Instruction,
  isOutputSize,
  outputSize,
  type ProgramTensor,
  SCALAR_RANGES,
  type ScalarType,
  type ScaleStep,
  type TensorId,
  tensorRanges,
  verifyProgram,
  type Window,
} from "../../src/program/index.js";
import { PLANES } from "./random-bases.js";
import { Random } from "./random-graph.js";

type Kind = Instruction["kind"];
type Shape = ProgramTensor["shape"];

export interface ProgramOptions {
  /** Kinds of instructions to choose from; all if absent. */
  readonly kinds?: readonly Kind[];
  readonly instructions?: number;
  readonly inputType?: ScalarType;
  readonly maxSide?: number;
  readonly channels?: readonly number[];
  /** Some scales of integers round nothing. */
  readonly exactScales?: boolean;
  /** Most sums of layers are narrowed at once, and nothing else reads them. */
  readonly shortSums?: boolean;
}

const CHANNELS = [1, 2, 3, 5, 12, 31, 32, 33, 40, 64, 70];
const ALL_KINDS: readonly Kind[] = [
  "threshold",
  "lookup",
  "conv",
  "conv",
  "conv-float",
  "conv-bases",
  "decode",
  "pool",
  "add",
  "add-fixed",
  "combine",
  "pairwise",
  "reduce",
  "concat",
  "select",
  "gather",
  "narrow",
  "pad",
  "region",
  "requantize",
  "requantize",
  "scale",
];

/** A program whose instructions read any of the tensors before them; the last tensor is its output. */
export function randomProgram(seed: number, options: ProgramOptions = {}): DeviceProgram {
  const random = new Random(seed);
  const builder = new ProgramBuilder(random, options);
  const wanted = options.instructions ?? 8;
  for (let tries = 0; tries < 40 * wanted && builder.instructions.length < wanted; tries++) {
    builder.grow(random.pick(options.kinds ?? ALL_KINDS));
  }
  verifyProgram(builder.program());
  return builder.program();
}

/** Values that a tensor can hold, extremes included. Floats are finite, of both signs, with zeros. */
export function randomValues(random: Random, tensor: ProgramTensor): Int32Array | Float32Array {
  const { domain } = tensor;
  const length = elementCount(tensor);
  if (domain.kind === "scalar" && domain.type === "f32") {
    return Float32Array.from({ length }, () =>
      random.next() < 0.2 ? random.pick([0, -0, 1, -1]) : random.normal(),
    );
  }
  const range = domain.kind === "codes" ? { low: 0, high: 2 ** domain.bits - 1 } : smallRange(domain.type);
  return Int32Array.from({ length }, () => random.integer(range.low, range.high));
}

function smallRange(type: ScalarType): { low: number; high: number } {
  return type === "i32" || type === "f32" ? { low: -1000, high: 1000 } : SCALAR_RANGES[type];
}

/** Whole numbers that are shifted and halved. */
function exactSteps(random: Random): ScaleStep[] {
  const shift = Float32Array.of(random.integer(-9, 9));
  return [
    ...(random.next() < 0.5 ? [{ operator: "add", operand: shift } as const] : []),
    ...(random.next() < 0.3 ? [{ operator: "multiply", operand: Float32Array.of(0.5) } as const] : []),
  ];
}

class ProgramBuilder {
  readonly tensors: ProgramTensor[] = [];
  readonly instructions: Instruction[] = [];
  readonly #random: Random;
  readonly #channels: readonly number[];
  readonly #exactScales: boolean;
  readonly #shortSums: boolean;
  readonly #hidden = new Set<TensorId>();

  constructor(random: Random, options: ProgramOptions) {
    this.#random = random;
    this.#channels = options.channels ?? CHANNELS;
    this.#exactScales = options.exactScales ?? false;
    this.#shortSums = options.shortSums ?? false;
    const side = options.maxSide ?? 11;
    const isLine = random.next() < 0.15;
    const shape: Shape = [
      isLine ? 1 : random.integer(1, side),
      isLine ? random.integer(1, 4 * side) : random.integer(1, random.next() < 0.2 ? 40 : side),
      random.pick(this.#channels),
    ];
    const type = options.inputType ?? random.pick(["u8", "u8", "i8", "i16", "f32"] as const);
    this.#tensor(shape, { kind: "scalar", type });
  }

  program(): DeviceProgram {
    const shape = this.tensors[0]!.shape;
    return {
      name: "random",
      tensors: this.tensors,
      instructions: this.instructions,
      input: { tensor: 0, modelShape: [1, ...shape] },
      output: {
        tensor: this.tensors.length - 1,
        affine: [],
        order: { kind: "scores" },
        omitted: [],
        modelShape: [1, ...this.tensors.at(-1)!.shape],
      },
    };
  }

  /** Adds an instruction of this kind if a tensor suits it. */
  grow(kind: Kind): void {
    const recent = this.tensors.map((_, id) => id).slice(-4);
    const suitable = recent.filter((id) => this.#reads(kind, this.tensors[id]!) && !this.#hidden.has(id));
    if (suitable.length === 0) return;
    const input = suitable[this.#random.integer(0, suitable.length - 1)]!;
    const isAdded = this.#growOn(kind, input);
    if (!isAdded || kind !== "conv" || !this.#shortSums || this.#random.next() < 0.2) return;
    const sums = this.tensors.length - 1;
    if (this.#growOn("narrow", sums)) this.#hidden.add(sums);
  }

  #growOn(kind: Kind, input: TensorId): boolean {
    const before = this.tensors.length;
    const instruction = this.#make(kind, input);
    if (instruction !== undefined) {
      this.instructions.push(instruction);
      const range = tensorRanges(this.program()).at(-1);
      const { domain } = this.tensors.at(-1)!;
      const isShort = domain.kind === "scalar" && domain.type === "i16";
      const { low, high } = SCALAR_RANGES[isShort ? "i16" : "i32"];
      if (range === undefined || (range.low >= low && range.high <= high)) return true;
      this.instructions.pop();
    }
    this.tensors.length = before;
    return false;
  }

  #reads(kind: Kind, { domain, shape }: ProgramTensor): boolean {
    const type = domain.kind === "codes" ? "codes" : domain.type;
    if (kind === "threshold") return type !== "codes";
    if (kind === "lookup") return type === "u8" || type === "codes";
    if (kind === "decode" || kind === "conv-bases") return type === "codes";
    if (kind === "conv") return type !== "i32" && type !== "f32";
    if (kind === "conv-float") return type === "f32";
    if (kind === "add-fixed") return type === "i16";
    if (kind === "requantize") return type !== "codes" && type !== "f32";
    if (kind === "combine") return type === "u8" || type === "i8";
    if (kind === "add" || kind === "reduce")
      return type === "i32" || type === "f32" || (kind === "add" && type === "i16");
    if (kind === "narrow") return type === "i32";
    if (kind === "pairwise") return type === "f32";
    if (kind === "region") return type === "f32" && anchorCounts(shape[2]).length > 0;
    return kind === "select" || kind === "gather" || kind === "scale" || elementCountOf(shape) < 20_000;
  }

  #make(kind: Kind, input: TensorId): Instruction | undefined {
    const random = this.#random;
    const from = this.tensors[input]!;
    const { shape, domain } = from;
    switch (kind) {
      case "threshold":
        return this.#threshold(input);
      case "lookup":
        return { kind, input, ...this.#table(shape, domain) };
      case "conv":
        return this.#conv(input);
      case "conv-bases":
        return this.#convBases(input);
      case "decode": {
        const bits = domain.kind === "codes" ? domain.bits : 0;
        const values = Float32Array.from({ length: 2 ** bits }, () =>
          random.next() < 0.1 ? random.pick([0, -0]) : random.normal(),
        );
        return { kind, input, output: this.#tensor(shape, scalar("f32")), values };
      }
      case "conv-float": {
        const window = this.#window(shape, 3);
        const groups = random.pick(divisors(shape[2]));
        const channels = groups * random.integer(1, groups > 4 ? 2 : 9);
        const taps = (window.kernel[0] * window.kernel[1] * shape[2]) / groups;
        const weights = this.#floatWeights(channels * taps);
        const output = this.#tensor(this.#windowed(shape, window, channels, false), domain);
        return { kind, input, output, window, groups, weights };
      }
      case "pool": {
        const window = this.#window(shape, 3, true);
        const operator = random.pick(["maximum", "minimum", "sum"] as const);
        const isFloat = domain.kind === "scalar" && domain.type === "f32";
        const to = operator === "sum" ? scalar(isFloat ? "f32" : "i32") : domain;
        const output = this.#tensor(this.#windowed(shape, window, shape[2], true), to);
        return { kind, operator, input, output, window };
      }
      case "add": {
        const like = this.tensors.flatMap((t, id) => (isAlike(t, from) ? [id] : []));
        return { kind, inputs: [input, random.pick(like)], output: this.#tensor(shape, domain) };
      }
      case "add-fixed": {
        const like = this.tensors.flatMap((t, id) => (isAlike(t, from) ? [id] : []));
        const shifts = [random.pick([0, 0, 1, 13]), random.integer(0, 13)] as const;
        const right = random.pick([0, random.integer(1, 13)]);
        return {
          kind,
          inputs: [input, random.pick(like)],
          output: this.#tensor(shape, domain),
          shifts,
          right,
        };
      }
      case "requantize":
        return this.#requantize(input);
      case "combine":
        return this.#combine(input);
      case "pairwise":
        return this.#pairwise(input);
      case "reduce": {
        const over = random.pick(["channels", "channels", "all"] as const);
        const output = this.#tensor(over === "all" ? [1, 1, 1] : [shape[0], shape[1], 1], domain);
        return { kind, over, input, output };
      }
      case "concat": {
        const like = this.tensors.flatMap((t, id) =>
          isAlike({ ...t, shape: [t.shape[0], t.shape[1], shape[2]] }, from) ? [id] : [],
        );
        const inputs = [input, ...Array.from({ length: random.integer(0, 2) }, () => random.pick(like))];
        const channels = inputs.reduce((sum, id) => sum + this.tensors[id]!.shape[2], 0);
        return { kind, inputs, output: this.#tensor([shape[0], shape[1], channels], domain) };
      }
      case "select":
        return this.#select(input);
      case "gather":
        return this.#gather(input);
      case "narrow":
        return { kind, input, output: this.#tensor(shape, scalar("i16")) };
      case "region":
        return this.#region(input);
      case "pad": {
        const pads = [0, 0, 0, 0].map(() => random.integer(0, 2)) as [number, number, number, number];
        const channels =
          random.next() < 0.5 ? ([0, 0] as const) : ([random.integer(0, 3), random.integer(0, 34)] as const);
        const [fill] = randomValues(random, { name: "", shape: [1, 1, 1], domain });
        const output = this.#tensor(
          [shape[0] + pads[0] + pads[2], shape[1] + pads[1] + pads[3], shape[2] + channels[0] + channels[1]],
          domain,
        );
        return { kind, input, output, pads, channels, fill: fill! };
      }
      case "scale":
        return {
          kind,
          input,
          output: this.#tensor(shape, scalar("f32")),
          steps: this.#steps(shape, from),
        };
      default:
        return undefined;
    }
  }

  /** Runs of channels from anywhere in the map, as well as single ones. */
  #gather(input: TensorId): Instruction {
    const random = this.#random;
    const { shape, domain } = this.tensors[input]!;
    const [height, width, depth] = shape;
    const rowsOut = random.integer(1, 5);
    const step = random.integer(1, Math.min(3, width));
    const columnsOut = random.integer(1, Math.floor((width - 1) / step) + 1);
    const channelsOut = random.pick(this.#channels);
    const lists: [number[], number[], number[]] = [[], [], []];
    while (lists[0].length < rowsOut * channelsOut) {
      const [row, channel] = [random.integer(0, height - 1), random.integer(0, depth - 1)];
      const column = random.integer(0, width - 1 - (columnsOut - 1) * step);
      const run = random.integer(1, random.pick([1, depth - channel]));
      for (let i = 0; i < run; i++) {
        lists[0].push(row);
        lists[1].push(column);
        lists[2].push(channel + i);
      }
    }
    const [rows, columns, channels] = lists.map((list) =>
      Int32Array.from(list.slice(0, rowsOut * channelsOut)),
    ) as [Int32Array, Int32Array, Int32Array];
    const output = this.#tensor([rowsOut, columnsOut, channelsOut], domain);
    return { kind: "gather", input, output, rows, columns, channels, step };
  }

  /** Few candidates, so that lists get full. */
  #region(input: TensorId): Instruction {
    const random = this.#random;
    const channels = this.tensors[input]!.shape[2];
    const anchorCount = random.pick(anchorCounts(channels));
    const candidates = random.integer(1, 40);
    const boxes = random.integer(1, candidates);
    return {
      kind: "region",
      input,
      output: this.#tensor([1, boxes, 6], scalar("f32")),
      anchors: Float32Array.from({ length: 2 * anchorCount }, () => 0.25 + 3 * random.next()),
      classes: channels / anchorCount - 5,
      classScores: random.pick(["softmax", "sigmoid"]),
      scoreThreshold: Math.fround(random.pick([0, 0.1, 0.3])),
      iouThreshold: Math.fround(random.pick([0.1, 0.45, 0.7])),
      suppression: random.pick(["class", "any"]),
      candidates,
    };
  }

  #threshold(input: TensorId): Instruction {
    const random = this.#random;
    const { shape } = this.tensors[input]!;
    const range = tensorRanges(this.program())[input];
    const toBytes = random.next() < 0.15;
    const bits = toBytes ? 8 : random.pick([1, 1, 1, 2, 2, 3, 4]);
    const levels = toBytes
      ? random.integer(1, 255)
      : random.next() < 0.6
        ? 2 ** bits - 1
        : random.integer(1, 2 ** bits - 1);
    const rows = random.next() < 0.3 ? 1 : shape[2];
    const threshold = (): number => {
      if (random.next() < 0.03) return random.pick([-(2 ** 31), 2 ** 31 - 1]);
      if (range === undefined) return key(random.normal() * 2);
      const middle = (range.low + range.high) / 2;
      return Math.round(middle + ((range.high - range.low) / 2) * random.normal() * 0.2);
    };
    const clamp = (t: number): number => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, t));
    const thresholds = Int32Array.from({ length: rows * levels }, () => clamp(threshold()));
    for (let row = 0; row < rows; row++) thresholds.subarray(row * levels, (row + 1) * levels).sort();
    const mayFlip = random.next() < 0.2;
    const flipped = Uint8Array.from({ length: rows }, () => (mayFlip ? random.integer(0, 1) : 0));
    const codes: Domain =
      bits === 1 && random.next() < 0.8
        ? { kind: "codes", bits, step: 2, offset: -1 }
        : { kind: "codes", bits, step: random.pick([1, 1, 2, -1]), offset: random.integer(-3, 3) };
    const output = this.#tensor(shape, toBytes ? scalar("u8") : codes);
    const hasTable = random.next() < 0.15;
    const table = Uint8Array.from({ length: levels + 1 }, () => random.integer(0, 2 ** bits - 1));
    return { kind: "threshold", input, output, levels, thresholds, flipped, ...(hasTable ? { table } : {}) };
  }

  /** Bytes to bytes, codes to codes of any width. */
  #table(shape: Shape, domain: Domain): { readonly output: TensorId; readonly table: Uint8Array } {
    const random = this.#random;
    const bits = domain.kind === "codes" ? random.integer(1, domain.bits + 1) : 8;
    const to: Domain = domain.kind === "codes" ? { kind: "codes", bits, step: 1, offset: 0 } : domain;
    const length = domain.kind === "codes" ? 2 ** domain.bits : 256;
    const table = Uint8Array.from({ length }, () => random.integer(0, 2 ** bits - 1));
    return { output: this.#tensor(shape, to), table };
  }

  /** Numbers of 31 bits and of more, results inside and outside int16, halves among them. */
  #requantize(input: TensorId): Instruction {
    const random = this.#random;
    const { shape } = this.tensors[input]!;
    const range = tensorRanges(this.program())[input]!;
    const largest = Math.max(Math.abs(range.low), Math.abs(range.high), 1);
    const rows = random.pick([1, shape[2]]);
    const right = random.pick([1, 2, 8, 15, 15, 31, 40, 60]);
    // About what brings the largest number to the end of int16, and beyond it.
    const size = Math.min(2 ** 31 - 1, (random.pick([1, 1, 4]) * 2 ** (15 + right)) / largest);
    const biasShift = random.pick([0, 0, Math.min(30, Math.max(0, right - 16))]);
    const biasSize = Math.min(2 ** 31 - 1, 2 ** Math.max(0, 14 + right - biasShift));
    const factor = (most: number): number =>
      random.next() < 0.05
        ? random.pick([0, -(2 ** 31), 2 ** 31 - 1])
        : Math.round(random.normal() * most) | 0;
    const line = () => ({
      multiplier: Int32Array.from({ length: rows }, () => factor(size / 2)),
      bias: Int32Array.from({ length: rows }, () => factor(biasSize / 2)),
    });
    const low = random.pick([-32768, 0, random.integer(-32768, 100)]);
    return {
      kind: "requantize",
      input,
      output: this.#tensor(shape, scalar("i16")),
      line: line(),
      ...(random.next() < 0.4 ? { below: line() } : {}),
      ...{ biasShift, right, low, high: random.pick([32767, random.integer(low, 32767)]) },
    };
  }

  /** Small and large factors, ties of the right shift among them. */
  #combine(input: TensorId): Instruction {
    const random = this.#random;
    const from = this.tensors[input]!;
    const bytes = this.tensors.flatMap((t, id) =>
      isAlike({ ...t, domain: from.domain }, from) && this.#reads("combine", t) ? [id] : [],
    );
    const operator = random.pick(["add", "multiply"] as const);
    const low = random.integer(-255, 100);
    const shift = random.pick([0, -1, -2, -7, -20, -31, operator === "add" ? 1 : 3]);
    const most = operator === "add" ? 2 ** 28 : 2 ** 13;
    const table = (): Int32Array =>
      Int32Array.from({ length: 256 }, () =>
        random.next() < 0.5 ? random.integer(-300, 300) : random.integer(-most, most),
      );
    const count = elementCount(from);
    const hasTail = count > 1 && random.next() < 0.4;
    return {
      kind: "combine",
      operator,
      inputs: [input, random.pick(bytes)],
      output: this.#tensor(from.shape, scalar("u8")),
      tables: [table(), table()],
      ...(hasTail ? { tail: { first: random.integer(1, count - 1), tables: [table(), table()] } } : {}),
      multiplier: random.pick([2 ** 30, 2 ** 31 - 1, random.integer(2 ** 30, 2 ** 31 - 1), 0]),
      shift,
      low,
      high: low + random.integer(0, 255),
    };
  }

  /** Of any two floats each side of which is the same or 1. */
  #pairwise(input: TensorId): Instruction {
    const random = this.#random;
    const { shape, domain } = this.tensors[input]!;
    const fitting = this.tensors.flatMap((t, id) => {
      const fits = t.shape.every((n, axis) => n === shape[axis] || n === 1 || shape[axis] === 1);
      return fits && this.#reads("pairwise", t) ? [id] : [];
    });
    const other = random.pick(fitting);
    const [y, x, c] = shape.map((n, axis) => Math.max(n, this.tensors[other]!.shape[axis]!));
    // Products of products would leave float32.
    const hasProduct = this.instructions.some((i) => i.kind === "pairwise" && i.operator === "multiply");
    return {
      kind: "pairwise",
      operator: random.pick(hasProduct ? ["add", "subtract"] : ["add", "subtract", "multiply", "multiply"]),
      inputs: random.next() < 0.5 ? [input, other] : [other, input],
      output: this.#tensor([y!, x!, c!], domain),
    };
  }

  /** Where a convolution's windows lie, and how many weights that makes. */
  #placed(shape: Shape) {
    const random = this.#random;
    const whole = random.next() < 0.1 && elementCountOf(shape) < 6000;
    const window: Window = whole
      ? { kernel: [shape[0], shape[1]], stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0] }
      : this.#window(shape, 3);
    const groups = random.next() < 0.6 ? 1 : random.pick(divisors(shape[2]));
    const perGroup = groups === 1 ? random.pick(this.#channels) : random.integer(1, groups > 8 ? 2 : 20);
    const outputs = groups * perGroup;
    const inputs = (window.kernel[0] * window.kernel[1] * shape[2]) / groups;
    return { window, groups, outputs, inputs };
  }

  #weights(outputs: number, inputs: number, widths: readonly number[]): CodeMatrix {
    const random = this.#random;
    const isBinary = random.next() < 0.6;
    const bits = isBinary ? 1 : random.pick(widths);
    return {
      outputs,
      inputs,
      bits,
      step: isBinary ? 2 : random.pick([1, 1, 2, -1]),
      offset: isBinary ? -1 : random.pick([0, -1, -(2 ** (bits - 1)), 3]),
      codes: Uint8Array.from({ length: outputs * inputs }, () => random.integer(0, 2 ** bits - 1)),
    };
  }

  /** Any numbers, or 0 and powers of two: few or many, so small that products are subnormal or 0. */
  #floatWeights(length: number): Float32Array {
    const random = this.#random;
    const least = random.pick([undefined, 0, 0, 0, -3, 1, -17, -120, -126]);
    if (least === undefined) return Float32Array.from({ length }, () => random.normal() / 4);
    const most = least < -3 ? 15 : random.pick([0, 3]);
    const zeros = random.pick([0, 0, 0.4, 0.9]);
    return Float32Array.from({ length }, () =>
      random.next() < zeros ? 0 : random.pick([-1, 1]) * 2 ** (least + random.integer(0, most)),
    );
  }

  #convBases(input: TensorId): Instruction {
    const random = this.#random;
    const { shape, domain } = this.tensors[input]!;
    const { window, groups, outputs, inputs } = this.#placed(shape);
    const planes = domain.kind === "codes" ? domain.bits : 0;
    const bases = Array.from({ length: random.integer(1, 3) }, () =>
      this.#weights(outputs, inputs, [1, 1, 2, 3]),
    );
    const coefficients = Float32Array.from({ length: outputs * bases.length * planes }, () =>
      random.next() < 0.05 ? 0 : random.normal(),
    );
    const output = this.#tensor(this.#windowed(shape, window, outputs, false), scalar("f32"));
    return {
      kind: "conv-bases",
      input,
      output,
      planes: random.pick(PLANES),
      bases,
      coefficients,
      window,
      groups,
      ...(random.next() < 0.5 ? {} : { padCode: random.integer(0, 2 ** planes - 1) }),
    };
  }

  #conv(input: TensorId): Instruction {
    const random = this.#random;
    const { shape, domain } = this.tensors[input]!;
    const { window, groups, outputs, inputs } = this.#placed(shape);
    const weights = this.#weights(outputs, inputs, [1, 2, 2, 3, 4, 8]);
    const isScalar = domain.kind === "scalar";
    const output = this.#tensor(this.#windowed(shape, window, outputs, false), scalar("i32"));
    return {
      kind: "conv",
      input,
      output,
      weights,
      window,
      groups,
      padValue: random.pick([0, 0, -1, 1, random.integer(-9, 9)]),
      inputOffset: isScalar ? random.pick([0, -128, random.integer(-20, 20)]) : 0,
    };
  }

  #select(input: TensorId): Instruction {
    const random = this.#random;
    const { shape, domain } = this.tensors[input]!;
    const top = random.integer(0, Math.min(2, shape[0] - 1));
    const left = random.integer(0, Math.min(2, shape[1] - 1));
    const steps = [random.integer(1, 2), random.integer(1, 2)] as const;
    const rows = random.integer(1, Math.ceil((shape[0] - top) / steps[0]));
    const columns = random.integer(1, Math.ceil((shape[1] - left) / steps[1]));
    const all = Int32Array.from({ length: shape[2] }, (_, c) => c);
    const first = random.integer(0, shape[2] - 1);
    const channels = random.pick([
      () => all,
      () => all.slice(first, random.integer(first + 1, shape[2])),
      () => all.map(() => random.integer(0, shape[2] - 1)),
    ])();
    const output = this.#tensor([rows, columns, channels.length], domain);
    return { kind: "select", input, output, top, left, steps, channels };
  }

  #steps(shape: Shape, { domain }: ProgramTensor): ScaleStep[] {
    const random = this.#random;
    const isWide = domain.kind === "scalar" && domain.type !== "f32";
    if (isWide && this.#exactScales && random.next() < 0.6) return exactSteps(random);
    const operators = [
      "add",
      "subtract",
      "multiply",
      "divide",
      "subtract-from",
      "relu",
      "prelu",
      "minimum",
      "maximum",
      "abs",
    ] as const;
    const mayDiffer = random.next() < 0.3 && shape[0] * shape[1] > 1;
    const steps: ScaleStep[] = Array.from({ length: random.integer(0, 4) }, () => {
      const operator = random.pick(operators);
      const takesNone = operator === "relu" || operator === "abs";
      const sides = shape.map((n) => random.pick([1, n]));
      const extent = [sides[0]!, sides[1]!, sides[2]!] as const;
      const differs = mayDiffer && !takesNone && extent[0] * extent[1] > 1;
      const length = takesNone ? 0 : differs ? elementCountOf(extent) : random.pick([1, shape[2]]);
      const operand = Float32Array.from({ length }, () => {
        const c = random.next() < 0.1 ? -0 : random.normal();
        return operator === "divide" ? Math.abs(c) + 0.5 : c;
      });
      return { operator, operand, ...(differs ? { extent } : {}) };
    });
    return isWide ? [{ operator: "multiply", operand: Float32Array.of(1 / 97) }, ...steps] : steps;
  }

  /** Kernels up to `most`, smaller than the padded map; pads smaller than kernels where `isPool`. */
  #window(shape: Shape, most: number, isPool = false): Window {
    const random = this.#random;
    const axis = (size: number) => {
      const kernel = random.next() < 0.05 ? random.integer(1, 7) : random.integer(1, most);
      const dilation = random.next() < 0.2 ? random.integer(1, 3) : 1;
      const span = (kernel - 1) * dilation + 1;
      const padLimit = isPool ? (dilation === 1 ? kernel - 1 : 0) : kernel;
      const pads = [0, 1].map(() => (random.next() < 0.6 ? random.integer(0, padLimit) : 0)) as [
        number,
        number,
      ];
      const stride = random.next() < 0.6 ? 1 : random.integer(2, 3);
      return size + pads[0] + pads[1] >= span && (!isPool || span <= size)
        ? { kernel, dilation, stride, pads }
        : { kernel: 1, dilation: 1, stride, pads: [0, 0] as [number, number] };
    };
    const [y, x] = [axis(shape[0]), axis(shape[1])];
    return {
      kernel: [y.kernel, x.kernel],
      stride: [y.stride, x.stride],
      dilation: [y.dilation, x.dilation],
      pads: [y.pads[0], x.pads[0], y.pads[1], x.pads[1]],
    };
  }

  /** The output shape; sometimes with a window that hangs over the end. */
  #windowed(shape: Shape, window: Window, channels: number, isPool: boolean): Shape {
    const sizes = ([0, 1] as const).map((axis) => {
      const size = outputSize(shape[axis], window, axis);
      const start = size * window.stride[axis] - window.pads[axis];
      const canHang =
        window.dilation[axis] === 1 &&
        start < shape[axis] &&
        isOutputSize(shape[axis], size + 1, window, axis);
      return canHang && this.#random.next() < (isPool ? 0.5 : 0.1) ? size + 1 : size;
    });
    return [sizes[0]!, sizes[1]!, channels];
  }

  #tensor(shape: Shape, domain: Domain): TensorId {
    this.tensors.push({ name: `t${this.tensors.length}`, shape, domain });
    return this.tensors.length - 1;
  }
}

function scalar(type: ScalarType): Domain {
  return { kind: "scalar", type };
}

function isAlike(a: ProgramTensor, b: ProgramTensor): boolean {
  return JSON.stringify([a.shape, a.domain]) === JSON.stringify([b.shape, b.domain]);
}

function elementCountOf(shape: Shape): number {
  return shape[0] * shape[1] * shape[2];
}

function divisors(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0);
}

/** The order-preserving key of a float32. */
function key(x: number): number {
  const bits = new Int32Array(Float32Array.of(x).buffer)[0]!;
  return bits >= 0 ? bits : bits ^ 0x7fffffff;
}

/** Numbers of anchors that a head of so many channels can have. */
function anchorCounts(channels: number): number[] {
  return [1, 2, 3, 5].filter((n) => channels % n === 0 && channels / n > 5);
}
