/** Every method that is proven here, in the order of its tests. */
import type { Method } from "../support/methods/method.js";
import { binaryWeights } from "./t01-binaryconnect.js";
import { bnn } from "./t02-bnn.js";
import { eedn } from "./t04-eedn.js";
import { ternaryWeights } from "./t05-twn.js";
import { dorefa } from "./t06-dorefa.js";
import { flexible } from "./t07-flexible.js";
import { selfBinarizing } from "./t11-self-binarizing.js";
import { bop } from "./t12-bop.js";
import { wideningSqueezing } from "./t14-widening-squeezing.js";
import { biReal } from "./t15-bi-real.js";
import { binaryDenseNet } from "./t16-binary-densenet.js";
import { melius } from "./t18-melius.js";
import { irNet } from "./t19-ir-net.js";

export const methods: readonly Method[] = [
  binaryWeights,
  bnn,
  eedn,
  ternaryWeights,
  dorefa,
  flexible,
  selfBinarizing,
  bop,
  wideningSqueezing,
  biReal,
  binaryDenseNet,
  melius,
  irNet,
];
