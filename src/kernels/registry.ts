import { add } from "./add.js";
import { addFixed } from "./add-fixed.js";
import { combine } from "./combine.js";
import { concat } from "./concat.js";
import { convBases } from "./conv-bases.js";
import { convBasesRows } from "./conv-bases-rows.js";
import { convBytes } from "./conv-bytes.js";
import { convFloat } from "./conv-float.js";
import { convGeneral } from "./conv-general.js";
import { convImage } from "./conv-image.js";
import { convPairs } from "./conv-pairs.js";
import { convPlanes } from "./conv-planes.js";
import { convRows } from "./conv-rows.js";
import { convRowsMve } from "./conv-rows-mve.js";
import { convSelect } from "./conv-select.js";
import { convTablesMve } from "./conv-tables-mve.js";
import { decode } from "./decode.js";
import { denseB1 } from "./dense-b1.js";
import { gather } from "./gather.js";
import { lookup } from "./lookup.js";
import { narrow } from "./narrow.js";
import { argmax, rank, scale, softmax } from "./outputs.js";
import { pad } from "./pad.js";
import { pairwise } from "./pairwise.js";
import { pool } from "./pool.js";
import { reduce } from "./reduce.js";
import { region } from "./region.js";
import { requantize } from "./requantize.js";
import { select } from "./select.js";
import { threshold } from "./threshold.js";
import type { Kernel } from "./types.js";

/** Every kernel: what the plan chooses from. */
export const kernels: readonly Kernel[] = Object.freeze([
  denseB1,
  convTablesMve,
  convRowsMve,
  convPairs,
  convPlanes,
  convRows,
  convImage,
  convBytes,
  convGeneral,
  convFloat,
  convSelect,
  convBasesRows,
  convBases,
  pool,
  add,
  addFixed,
  combine,
  pairwise,
  reduce,
  concat,
  select,
  gather,
  pad,
  lookup,
  decode,
  requantize,
  threshold,
  narrow,
  rank,
  scale,
  softmax,
  region,
  argmax,
]);
