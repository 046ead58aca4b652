import { type Range, tensorRanges } from "../program/ranges.js";
import {
  type DeviceProgram,
  type Instruction,
  inputsOf,
  type ProgramTensor,
  type ScaleStep,
  type TensorId,
} from "../program/types.js";
import { type ExactAffine, exactAffine, fitsFloat, shifted, stepsOf } from "./exact-affine.js";
import { addTo, type Draft, draftOf, pruned, readersOf } from "./rewriting.js";
import { mixesZeros, scaleDirection, thresholdsBefore } from "./scaled-thresholds.js";

type Of<K extends Instruction["kind"]> = Extract<Instruction, { kind: K }>;
type Scale = Of<"scale">;

/**
 * Scales of integers move behind what can be done on the integers: thresholds are found anew, by trying the scale on
 * integers; sums of whole numbers times one power of two are sums of integers. Where nothing else reads what is scaled, two
 * scales become one, and the greatest of channels that all rise, or all fall, is taken of the integers. A scale
 * that something still needs follows as late as it can.
 */
export function lateScales(program: DeviceProgram): DeviceProgram {
  const moving = new Moving(program);
  return moving.all() ? pruned({ ...program, ...moving.draft }) : program;
}

class Moving {
  readonly draft: Draft;
  readonly #output: TensorId;
  readonly #ranges: (Range | undefined)[];

  constructor(program: DeviceProgram) {
    this.draft = draftOf(program);
    this.#output = program.output.tensor;
    this.#ranges = [...tensorRanges(program)];
  }

  /** Whether anything has changed. */
  all(): boolean {
    const { instructions } = this.draft;
    let isChanged = false;
    for (let index = 0; index < instructions.length; index++) {
      const scale = instructions[index]!;
      if (scale.kind !== "scale" || !this.#isInteger(scale.input)) continue;
      if (this.#move(scale) === 0) continue;
      isChanged = true;
      // Another instruction may stand in its place.
      index--;
    }
    return isChanged;
  }

  #isInteger(id: TensorId): boolean {
    const { domain } = this.draft.tensors[id]!;
    return domain.kind === "scalar" && domain.type !== "f32";
  }

  /** Does on integers what it can of what reads a scale, and moves the scale behind it; how much was done. */
  #move(scale: Scale): number {
    const { instructions } = this.draft;
    const readers = readersOf(this.draft, scale.output);
    const before = new Map(readers.map((reader) => [reader, this.#onIntegers(scale, reader)]));
    const isNeeded = scale.output === this.#output || readers.some((r) => before.get(r) === undefined);
    let done = 0;
    for (const [reader, instead] of before) {
      if (instead === undefined || (isNeeded && !isFree(reader))) continue;
      instructions.splice(instructions.indexOf(reader), 1, ...instead());
      done++;
    }
    if (done > 0 && scale.output !== this.#output) this.#postpone(scale);
    return done;
  }

  /** Moves a scale in front of its first reader, and leaves it out where there is none. */
  #postpone(scale: Scale): void {
    const { instructions } = this.draft;
    instructions.splice(instructions.indexOf(scale), 1);
    const next = instructions.findIndex((i) => inputsOf(i).includes(scale.output));
    if (next >= 0) instructions.splice(next, 0, scale);
  }

  /** What may stand in place of an instruction that reads a scale; undefined where it needs floats. */
  #onIntegers(scale: Scale, reader: Instruction): (() => readonly Instruction[]) | undefined {
    const range = this.#ranges[scale.input]!;
    const { input, steps } = scale;
    if (reader.kind === "threshold") {
      const channels = this.draft.tensors[input]!.shape[2];
      const threshold = thresholdsBefore(reader, steps, range, channels);
      return threshold && (() => [{ ...threshold, input }]);
    }
    if (reader.kind === "scale") return () => [{ ...reader, input, steps: [...steps, ...reader.steps] }];
    if (reader.kind === "add") return this.#addBefore(reader);
    return reader.kind === "pool" ? this.#poolBefore(scale, reader, range) : undefined;
  }

  #poolBefore(scale: Scale, pool: Of<"pool">, range: Range): (() => readonly Instruction[]) | undefined {
    const { domain } = this.draft.tensors[scale.input]!;
    const channels = this.draft.tensors[scale.input]!.shape[2];
    const direction = commonDirection(scale.steps, range, channels);
    if (direction === undefined || pool.operator === "sum") return undefined;
    const operator = direction > 0 === (pool.operator === "maximum") ? "maximum" : "minimum";
    return () => {
      const output = this.#integersFor(pool.output, domain, range, scale.steps);
      return [
        { ...pool, operator, input: scale.input, output },
        { ...scale, input: output, output: pool.output },
      ];
    };
  }

  /** Both sides whole numbers times one power of two, and nothing keeps the floats of either. */
  #addBefore(add: Of<"add">): (() => readonly Instruction[]) | undefined {
    const sides = add.inputs.map((id) => this.#exactSide(id));
    const [a, b] = sides;
    if (a === undefined || b === undefined || a.exact.factor !== b.exact.factor) return undefined;
    const range = { low: a.range.low + b.range.low, high: a.range.high + b.range.high };
    const exact: ExactAffine = { offset: a.exact.offset + b.exact.offset, factor: a.exact.factor };
    if (!fitsFloat(range) || !fitsFloat(shifted(range, exact.offset))) return undefined;
    const steps = stepsOf(exact);
    return () => {
      const output = this.#integersFor(add.output, { kind: "scalar", type: "i32" }, range, steps);
      return [
        { ...add, inputs: [a.input, b.input], output },
        { kind: "scale", input: output, output: add.output, steps },
      ];
    };
  }

  #exactSide(
    id: TensorId,
  ): { readonly input: TensorId; readonly range: Range; readonly exact: ExactAffine } | undefined {
    const scale = this.draft.instructions.find((i) => i.output === id);
    if (scale?.kind !== "scale" || id === this.#output) return undefined;
    const { domain } = this.draft.tensors[scale.input]!;
    if (domain.kind !== "scalar" || domain.type !== "i32") return undefined;
    const range = this.#ranges[scale.input]!;
    const exact = exactAffine(scale.steps, range);
    const others = readersOf(this.draft, id);
    const isDone = others.every((i) => isFree(i) || i.kind === "scale");
    return exact && isDone ? { input: scale.input, range, exact } : undefined;
  }

  /** A tensor for the integers that make `floats` when they are scaled; it takes the name where they are the same numbers. */
  #integersFor(
    floats: TensorId,
    domain: ProgramTensor["domain"],
    range: Range,
    steps: readonly ScaleStep[],
  ): TensorId {
    const { tensors } = this.draft;
    const { name, shape } = tensors[floats]!;
    const isSame = steps.length === 0;
    if (isSame) tensors[floats] = { ...tensors[floats]!, name: `${name} as float` };
    const id = addTo(this.draft, { name: isSame ? name : `${name} before scaling`, shape, domain });
    this.#ranges[id] = range;
    return id;
  }
}

/** Whether it is better done on integers even where their floats are needed besides. */
function isFree({ kind }: Instruction): boolean {
  return kind === "threshold" || kind === "add";
}

/** The direction that a scale has on all channels, by keys: zeros of both signs are in order too. */
function commonDirection(steps: readonly ScaleStep[], range: Range, channels: number): 1 | -1 | undefined {
  const [first, ...others] = Array.from({ length: channels }, (_, c) =>
    steps.some((s) => mixesZeros(s, c)) ? undefined : scaleDirection(steps, range, c),
  );
  return others.every((d) => d === first) ? first : undefined;
}
