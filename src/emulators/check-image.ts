/** Refuses an image that was not built for the board. */
import { fail } from "../diagnostics/diagnostic.js";
import type { Board } from "../targets/boards.js";
import type { Elf } from "../toolchain/elf.js";
import { imageMismatch } from "../toolchain/image-mismatch.js";

/** Throws `emulator/wrong-image` (exit 2) when the image is for another core, or lies outside the board's memories. */
export function checkImage(elf: Elf, board: Board, image: string): void {
  const why = imageMismatch(elf, board);
  if (why === undefined) return;
  throw fail("emulator/wrong-image", `it was not built for ${board.id}: ${why}`, {
    where: image,
    remedy: `build it for ${board.id}`,
  });
}
