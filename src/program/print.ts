import { printable } from "../diagnostics/text.js";
import { powerRange, powersText } from "./powers.js";
import {
  type CodeMatrix,
  type DeviceProgram,
  type Domain,
  type Instruction,
  inputsOf,
  type ProgramTensor,
  type ScaleStep,
  type Window,
} from "./types.js";

/** The program as text, one line per instruction: what `--print-after <pass>` shows. */
export function printProgram(program: DeviceProgram): string {
  const lines = [`program ${printable(program.name)}`];
  const name = (id: number): string => `%${id}`;
  lines.push(
    `  ${name(program.input.tensor)} = input ${tensorText(program.tensors[program.input.tensor]!)}${affineText(program)}`,
  );
  for (const instruction of program.instructions) {
    const output = program.tensors[instruction.output]!;
    lines.push(
      `  ${name(instruction.output)} = ${instruction.kind} ${inputsOf(instruction).map(name).join(", ")}${detail(instruction)}` +
        ` : ${tensorText(output)}  # ${printable(output.name)}`,
    );
  }
  const { output } = program;
  const affine = output.affine.length === 0 ? "" : ` as float: ${output.affine.map(stepText).join(", ")}`;
  const omitted = output.omitted.length === 0 ? "" : ` without the model's ${output.omitted.join(", ")}`;
  lines.push(`  return ${name(output.tensor)}${affine}${omitted}`);
  return `${lines.join("\n")}\n`;
}

/** A domain as people write it: `i32`, `1-bit{-1,+1}`, `2-bit·1-1`. */
export function domainText(domain: Domain): string {
  if (domain.kind === "scalar") return domain.type;
  const { bits, step, offset } = domain;
  if (bits === 1 && step === 2 && offset === -1) return "±1";
  const values = offset === 0 ? `${step}·code` : `${step}·code${offset < 0 ? "−" : "+"}${Math.abs(offset)}`;
  return `${bits}-bit (${values})`;
}

function tensorText(tensor: ProgramTensor): string {
  return `${tensor.shape.join("×")} ${domainText(tensor.domain)}`;
}

function affineText(program: DeviceProgram): string {
  const affine = program.input.affine;
  if (affine === undefined) return "";
  const zero = affine.zero === 0 ? "x" : `(x − ${affine.zero})`;
  return `, value ${zero}·${affine.numerator}/${affine.denominator}`;
}

function detail(instruction: Instruction): string {
  switch (instruction.kind) {
    case "threshold": {
      const rows = instruction.flipped.length;
      const flips = instruction.flipped.reduce((sum, f) => sum + f, 0);
      return ` ${instruction.levels} level${instruction.levels === 1 ? "" : "s"} × ${rows} row${rows === 1 ? "" : "s"}${flips > 0 ? `, ${flips} flipped` : ""}${instruction.table === undefined ? "" : ` to codes ${instruction.table.join(",")}`}`;
    }
    case "conv": {
      const { weights, groups, padValue, inputOffset } = instruction;
      const { outputs, inputs, bits, step, offset } = weights;
      const domain: Domain = { kind: "codes", bits, step, offset };
      const added = inputOffset === 0 ? "" : `, input ${signed(inputOffset)}`;
      const outside = instruction.window.pads.some((n) => n > 0) ? ` of ${padValue}` : "";
      return ` weights ${outputs}×${inputs} ${domainText(domain)}${windowText(instruction.window, outside)}${groupsText(groups)}${added}`;
    }
    case "conv-bases": {
      const { bases, planes, window, groups, padCode } = instruction;
      const [{ outputs, inputs }] = bases as [CodeMatrix];
      const texts = bases.map(({ bits, step, offset }) => domainText({ kind: "codes", bits, step, offset }));
      const plane = domainText({ kind: "codes", bits: 1, ...planes });
      const outside = padCode === undefined ? " left out" : ` of code ${padCode}`;
      return ` bases ${outputs}×${inputs} ${texts.join(" and ")}, planes ${plane}${windowText(window, outside)}${groupsText(groups)}`;
    }
    case "decode":
      return ` to ${[...instruction.values.slice(0, 8)].join(", ")}${instruction.values.length > 8 ? ",…" : ""}`;
    case "conv-float": {
      const { weights, window, groups } = instruction;
      const powers = powerRange(weights);
      const numbers = powers === undefined ? "" : ` of ${powersText(powers)}`;
      return ` ${weights.length} weights${numbers}${windowText(window)}${groupsText(groups)}`;
    }
    case "combine": {
      const { operator, multiplier, shift, low, high, tail } = instruction;
      const rest = tail === undefined ? "" : `, tail from ${tail.first}`;
      return ` ${operator} by ${multiplier}·2^${shift - 31} to ${low}…${high}${rest}`;
    }
    case "pairwise":
      return ` ${instruction.operator}`;
    case "reduce":
      return ` sum over ${instruction.over}`;
    case "pool":
      return ` ${instruction.operator}${windowText(instruction.window)}`;
    case "select": {
      const { top, left, steps, channels } = instruction;
      return ` from ${top},${left} step ${steps.join(",")} channels ${runsText(channels)}`;
    }
    case "gather":
      return ` column step ${instruction.step} channels ${runsText(instruction.channels)}`;
    case "region": {
      const { anchors, classes, classScores, scoreThreshold, iouThreshold, suppression, candidates } =
        instruction;
      const suppressed = `overlap ${iouThreshold} within ${suppression === "any" ? "all" : "a class"}`;
      return ` ${anchors.length / 2} anchors, ${classScores} of ${classes} classes, score > ${scoreThreshold}, ${suppressed}, ${candidates} candidates`;
    }
    case "pad": {
      const { pads, channels, fill } = instruction;
      return ` pads ${pads.join(",")} channels ${channels.join(",")} of ${fill}`;
    }
    case "requantize": {
      const { line, below, biasShift, right, low, high } = instruction;
      const lines = below === undefined ? "" : ", another line below 0";
      return ` by ${line.multiplier.length} × (x·m + b·2^${biasShift})/2^${right}${lines}, to ${low}…${high}`;
    }
    case "add-fixed": {
      const { shifts, right } = instruction;
      return ` a·2^${shifts[0]} + b·2^${shifts[1]}${right === 0 ? "" : `, over 2^${right}`}`;
    }
    case "scale":
      return ` ${instruction.steps.map(stepText).join(", ")}`;
    case "rank":
      return ` ${instruction.slope.length} lines`;
    case "argmax":
      return instruction.selectLast ? " last" : " first";
    default:
      return "";
  }
}

/** Kernel and what differs from the plain case. */
function windowText({ kernel, stride, dilation, pads }: Window, outside = ""): string {
  const pair = ([a, b]: readonly [number, number]): string => (a === b ? `${a}` : `${a},${b}`);
  return [
    `, kernel ${kernel.join("×")}`,
    stride.some((n) => n > 1) ? ` stride ${pair(stride)}` : "",
    dilation.some((n) => n > 1) ? ` dilation ${pair(dilation)}` : "",
    pads.some((n) => n > 0) ? ` pads ${pads.join(",")}${outside}` : "",
  ].join("");
}

function groupsText(groups: number): string {
  return groups === 1 ? "" : `, ${groups} groups`;
}

function signed(n: number): string {
  return n < 0 ? `− ${-n}` : `+ ${n}`;
}

/** Channel lists as runs, `0-31,40`, cut when there are many. */
function runsText(channels: Int32Array): string {
  const runs: [number, number][] = [];
  for (const channel of channels) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] + 1 === channel) last[1] = channel;
    else runs.push([channel, channel]);
  }
  const shown = runs.slice(0, 8).map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
  return shown.join(",") + (runs.length > shown.length ? `,… (${channels.length})` : "");
}

function stepText(step: ScaleStep): string {
  if (step.operand.length === 0) return step.operator;
  if (step.extent !== undefined) return `${step.operator} [${step.extent.join("×")}]`;
  const operand = step.operand.length === 1 ? String(step.operand[0]) : `[${step.operand.length} channels]`;
  return `${step.operator} ${operand}`;
}
