/** Whom the code of a library calls, in the compiler's words and in the instructions of an image. */
import { BitloomError } from "../../src/diagnostics/diagnostic.js";
import type { Board } from "../../src/targets/index.js";
import { type CallGraph, compiledNode } from "../../src/toolchain/call-graph.js";
import { disassemble } from "../../src/toolchain/disassembly.js";
import { ImageStack } from "../../src/toolchain/image-stack.js";
import { buildFirmware, entryStacks, type LibraryOnDisk } from "../../src/toolchain/index.js";
import { libraryFrames } from "../../src/toolchain/library-stack.js";
import { worstPath } from "../../src/toolchain/stack.js";
import { effectOf } from "../../src/toolchain/thumb.js";

/**
 * Every way in which a library calls itself, calls through a pointer or takes stack of an unknown size, as one sentence each:
 * of all its functions as they were compiled, of what `bitloom stack` follows from its entry points, and of the whole image.
 */
export async function callProblems(library: LibraryOnDisk, board: Board, outDir: string): Promise<string[]> {
  const firmware = await buildFirmware({ library, board, outDir, trace: false });
  const frames = await libraryFrames(library, firmware.libraryObjects);
  const instructions = await disassemble(firmware.elf);
  const byRegister = instructions.filter((i) => effectOf(i).flow.kind === "indirect-call");
  return [
    ...compiledProblems(frames.compiled),
    ...entryProblems(await ImageStack.read(firmware.elf, frames), library.name),
    ...new Set(byRegister.map(({ symbol }) => `${symbol} in the image calls through a register`)),
  ];
}

function compiledProblems(graph: CallGraph): string[] {
  const found = [...graph].flatMap(([key, { name, callsThroughPointer, isVariable }]) => [
    ...(callsThroughPointer ? [`${name} calls through a pointer`] : []),
    ...(isVariable ? [`${name} takes stack of a size that only running tells`] : []),
    ...worstPath((k: string) => compiledNode(graph, k), key).problems.map((p) => p.message),
  ]);
  return [...new Set(found)];
}

function entryProblems(image: ImageStack, name: string): string[] {
  try {
    entryStacks(image, name);
    return [];
  } catch (error) {
    if (error instanceof BitloomError) return error.diagnostics.map((d) => d.message);
    throw error;
  }
}
