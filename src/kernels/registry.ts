import { convGeneral } from "./conv-general.js";
import { denseB1 } from "./dense-b1.js";
import { densePlanes } from "./dense-planes.js";
import { argmax, rank, scale, softmax, takeCodes } from "./outputs.js";
import { threshold } from "./threshold.js";
import type { Kernel } from "./types.js";

/** Every kernel: what the plan chooses from. */
export const kernels: readonly Kernel[] = Object.freeze([
  denseB1,
  densePlanes,
  convGeneral,
  threshold,
  takeCodes,
  rank,
  scale,
  softmax,
  argmax,
]);
