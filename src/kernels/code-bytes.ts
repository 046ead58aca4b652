import type { Cpu } from "../targets/index.js";
import { coreFamily } from "./core-family.js";
import type { KernelCall } from "./types.js";

/**
 * Bytes of flash that the code of a kernel takes, by its descriptor's type: its largest function and what that calls, with
 * Thumb-2 and with Thumb-1 (GCC 12, -O2). A plan pays them once, however many layers share them. The tests hold these
 * figures to the compiler's.
 */
export const CODE_BYTES: Readonly<Record<string, readonly [thumb2: number, thumb1: number]>> = Object.freeze({
  bitloom_add_fixed: [260, 332],
  bitloom_add_layer: [204, 212],
  bitloom_argmax: [192, 208],
  bitloom_combine: [376, 400],
  bitloom_concat: [464, 504],
  bitloom_conv_bases: [4200, 4744],
  bitloom_conv_bases_rows: [9244, 6244],
  bitloom_conv_bytes: [3514, 4190],
  bitloom_conv_bytes_packed: [5000, 5200],
  bitloom_conv_float: [952, 984],
  bitloom_conv_general: [3460, 3700],
  bitloom_conv_image: [6108, 3508],
  bitloom_conv_pairs: [10162, 6920],
  bitloom_conv_planes: [10386, 9588],
  bitloom_conv_rows: [7516, 4348],
  bitloom_conv_rows_mve: [1640, 1640],
  bitloom_conv_select: [1650, 1800],
  bitloom_conv_tables_mve: [7260, 7260],
  bitloom_decode: [276, 320],
  bitloom_dense_b1: [808, 928],
  bitloom_gather: [600, 600],
  bitloom_layout: [532, 592],
  bitloom_lookup: [120, 144],
  bitloom_lookup_codes: [430, 496],
  bitloom_narrow_layer: [92, 120],
  bitloom_pad: [828, 828],
  bitloom_pairwise: [300, 300],
  bitloom_pool: [772, 836],
  bitloom_pool_codes: [1060, 1156],
  bitloom_pool_pixels: [1468, 1592],
  bitloom_rank: [156, 180],
  bitloom_reduce: [220, 276],
  bitloom_region: [2024, 2064],
  bitloom_requantize: [472, 644],
  bitloom_scale: [640, 720],
  bitloom_select: [648, 684],
  bitloom_softmax: [492, 492],
  bitloom_threshold: [612, 656],
});

/** Bytes of the code that a call needs. Throws where the table has no entry: every kernel must state its size. */
export function codeBytes({ type }: Pick<KernelCall, "type">, cpu: Cpu): number {
  const bytes = CODE_BYTES[type];
  if (bytes === undefined) throw new Error(`src/kernels/code-bytes.ts has no entry for ${type}`);
  return bytes[coreFamily(cpu) === "thumb1" ? 1 : 0];
}
