/** How much stack a model's library takes on a core: builds and links it, and reads the image. No emulator runs. */
import { join } from "node:path";
import { type CompiledModel, version } from "./compile.js";
import type { StackOfBuild } from "./emit/index.js";
import { type Board, type Cpu, findBoard } from "./targets/index.js";
import { temporaryFolder } from "./toolchain/at-exit.js";
import {
  armGccVersion,
  buildFirmware,
  type EntryStack,
  entryStacks,
  LIBRARY_FLAGS,
  libraryStack,
} from "./toolchain/index.js";
import type { StackUse } from "./toolchain/stack.js";
import { writeLibrary } from "./verify.js";

export interface ModelStack extends StackOfBuild {
  readonly board: string;
  readonly entries: readonly EntryStack[];
  /** Of each layer, which `entries` include. */
  readonly layers: readonly (StackUse & { readonly layer: string; readonly kernel: string })[];
}

/** Where a library is linked for a core without a board: it has room for everything, and the stack does not depend on it. */
export function anyBoardWith(cpu: Cpu): Board {
  return { ...findBoard("mps2-an385"), cpu };
}

/**
 * Builds for a board and finds the stack. Throws a tool that is missing (exit 3), what `buildFirmware` throws, and the problems
 * of `ImageStack.worst` (exit 1).
 */
export async function stackOfModel(model: CompiledModel, board: Board): Promise<ModelStack> {
  const folder = temporaryFolder("bitloom-stack-");
  try {
    const library = writeLibrary(model, join(folder.path, "library"));
    const outDir = join(folder.path, "build");
    const firmware = await buildFirmware({ library, board, outDir, trace: false });
    const image = await libraryStack(library, firmware);
    const { steps } = model.plan;
    const layers = image.worst(steps.map(({ symbol }) => `${library.name}_${symbol}_run`));
    return {
      name: library.name,
      version,
      board: board.id,
      core: board.cpu.id,
      compiler: await armGccVersion(),
      flags: [...board.cpu.gccFlags, ...LIBRARY_FLAGS],
      entries: entryStacks(image, library.name),
      layers: steps.map(({ symbol, choice }, i) => ({ layer: symbol, kernel: choice.kernel, ...layers[i]! })),
    };
  } finally {
    folder.remove();
  }
}
