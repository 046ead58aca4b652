/** Bundles of drafts, compiled from their bytes, with images to run. */
import { type CompiledModel, compileModelFile } from "../../../src/compile.js";
import { type Instruction, inDeviceOrder, macsOf, type TensorValues } from "../../../src/program/index.js";
import { manifestOf, safetensorsFile } from "../bundle.js";
import { Random } from "../random-graph.js";
import { calibrate, image } from "./calibrate.js";
import type { Draft } from "./draft.js";

export interface Published {
  readonly draft: Draft;
  /** Numbers in the weights file. */
  readonly parameters: number;
  readonly compiled: CompiledModel;
  /** Images as the device takes them: `count` like those that the net was calibrated with, but others. */
  images(count: number): TensorValues[];
}

export function build(draft: Draft): Published {
  const tensors = { ...draft.tensors, ...calibrate(draft) };
  const { input, layers, bytes, name } = draft;
  const manifest = JSON.stringify(manifestOf({ input, layers, tensors, more: { name } }));
  const weights = safetensorsFile(tensors);
  const compiled = compileModelFile(new TextEncoder().encode(manifest), `${name}.json`, {
    input: { type: "u8", affine: bytes },
    companions: (path) => (path === "net.safetensors" ? weights : undefined),
  });
  return {
    draft,
    parameters: Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0),
    compiled,
    images(count) {
      const random = new Random(2);
      return Array.from({ length: count }, () =>
        inDeviceOrder(compiled.program, Int32Array.from(image(random, input))),
      );
    },
  };
}

/** Multiply-accumulates by what is multiplied; those of planes count once for each plane and basis. */
export function macsByKind({ program }: CompiledModel): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const instruction of program.instructions) {
    const macs = macsOf(program, instruction) * passesOf(instruction);
    if (macs === 0) continue;
    const kind = kindOf(instruction, (id) => program.tensors[id]!.domain.kind === "scalar");
    counts[kind] = (counts[kind] ?? 0) + macs;
  }
  return counts;
}

/** Dot products of ±1 that one number of the output takes. */
function passesOf(instruction: Instruction): number {
  return instruction.kind === "conv-bases"
    ? instruction.coefficients.length / instruction.bases[0]!.outputs
    : 1;
}

function kindOf(instruction: Instruction, isScalar: (tensor: number) => boolean): string {
  if (instruction.kind === "conv-float") return "float32";
  if (instruction.kind !== "conv") return "planes";
  return isScalar(instruction.input) ? "bytes" : "codes";
}
