/** What docs/METHODS.md says of nets of published size: measured on a Cortex-M4 in QEMU by `npm run published`. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { profileModel } from "../../../src/profile.js";
import { batchOf, machines } from "../methods/machines.js";
import { repoRoot } from "../root.js";
import { macsByKind, type Published } from "./build.js";

/** What the compiler alone decides. */
interface Static {
  readonly parameters: number;
  readonly macs: Readonly<Record<string, number>>;
  readonly arenaBytes: number;
}

export interface PublishedFigures extends Static {
  readonly flashBytes: number;
  readonly stackBytes: number;
  readonly instructions: number;
}

interface File {
  readonly compiler: string;
  readonly nets: Readonly<Record<string, PublishedFigures>>;
}

const PATH = join(repoRoot, "bench/published.json");

export function readPublished(): File {
  return JSON.parse(readFileSync(PATH, "utf8")) as File;
}

export function writePublished(file: File): void {
  writeFileSync(PATH, `${JSON.stringify(file, null, 2)}\n`);
}

export function staticFigures({ compiled, parameters }: Published): Static {
  return { parameters, macs: macsByKind(compiled), arenaBytes: compiled.plan.memory.arenaBytes };
}

/** Of one image. */
export async function measure(net: Published, timeoutMs: number): Promise<PublishedFigures> {
  const { board, emulator } = machines.M4;
  const { link } = emulator;
  const profile = await profileModel(net.compiled, batchOf(net.images(1)), {
    emulator,
    board,
    link,
    timeoutMs,
  });
  const { instructions, flashBytes, stackBytes } = profile.total;
  return { ...staticFigures(net), flashBytes, stackBytes, instructions: Math.round(instructions) };
}
