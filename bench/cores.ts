/** One emulated board per core. */
import { type Board, findBoard, listBoardIds } from "../src/targets/index.js";

const BOARDS = {
  "cortex-m0": "qemu-cortex-m0",
  "cortex-m3": "mps2-an385",
  "cortex-m4": "mps2-an386",
  "cortex-m7": "mps2-an500",
  "cortex-m33": "mps2-an505",
  "cortex-m55": "mps3-an547",
} as const;

/** The boards of all cores that have one, or of those named, e.g. `m4,m0` or `cortex-m4`. */
export function benchBoards(names?: string): Board[] {
  const wanted = names?.split(",").map((n) => (n.startsWith("cortex-") ? n : `cortex-${n}`));
  const unknown = wanted?.find((n) => !(n in BOARDS));
  if (unknown !== undefined)
    throw new Error(`there is no core ${unknown}: use ${Object.keys(BOARDS).join(", ")}`);
  const existing = listBoardIds();
  return Object.entries(BOARDS)
    .filter(([core, board]) => (wanted?.includes(core) ?? true) && existing.includes(board))
    .map(([, board]) => findBoard(board));
}
