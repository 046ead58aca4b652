/** Every method that is proven here, in the order of its tests. */
import type { Method } from "../support/methods/method.js";
import { binaryWeights } from "./t01-binaryconnect.js";
import { bnn } from "./t02-bnn.js";
import { xnor } from "./t03-xnor-net.js";
import { eedn } from "./t04-eedn.js";
import { ternaryWeights } from "./t05-twn.js";
import { dorefa } from "./t06-dorefa.js";
import { flexible } from "./t07-flexible.js";
import { reBNet } from "./t08-rebnet.js";
import { abcNet } from "./t09-abc-net.js";
import { binaryWeightDetector } from "./t10-binary-weight-detector.js";
import { selfBinarizing } from "./t11-self-binarizing.js";
import { bop } from "./t12-bop.js";
import { leastSquaresMethod } from "./t13-least-squares.js";
import { wideningSqueezing } from "./t14-widening-squeezing.js";
import { biReal } from "./t15-bi-real.js";
import { binaryDenseNet } from "./t16-binary-densenet.js";
import { xnorPlusPlus } from "./t17-xnor-net-plus-plus.js";
import { melius } from "./t18-melius.js";
import { irNet } from "./t19-ir-net.js";
import { batsCells } from "./t20-bats.js";
import { uniformQuantizers } from "./t21-uniform.js";
import { horq } from "./t22-horq.js";
import { ternaryWeights as ternaryTimesCodes } from "./t23-ternary.js";
import { lqNets } from "./t24-lq-nets.js";
import { lossAware } from "./t25-lab.js";
import { incremental } from "./t26-inq.js";
import { distilled } from "./t27-dbnn.js";
import { circulantFilters } from "./t28-cbcn.js";
import { gradients } from "./t29-gradients.js";
import { hwgq } from "./t30-hwgq.js";
import { searchedWidths } from "./t31-widths.js";
import { bnasGist } from "./t32-bnas.js";
import { dartsCells } from "./t33-darts.js";
import { mobileNets } from "./t34-mobile.js";
import { apq } from "./t35-apq.js";
import { reactNetMethod } from "./t38-reactnet.js";
import { quickNetMethod } from "./t39-quicknet.js";
import { trainedTernary } from "./t40-ttq.js";
import { fracBnn } from "./t41-fracbnn.js";
import { adaBin } from "./t42-adabin.js";

export const methods: readonly Method[] = [
  binaryWeights,
  bnn,
  xnor,
  eedn,
  ternaryWeights,
  dorefa,
  flexible,
  reBNet,
  abcNet,
  binaryWeightDetector,
  selfBinarizing,
  bop,
  leastSquaresMethod,
  wideningSqueezing,
  biReal,
  binaryDenseNet,
  xnorPlusPlus,
  melius,
  irNet,
  batsCells,
  uniformQuantizers,
  horq,
  ternaryTimesCodes,
  lqNets,
  lossAware,
  incremental,
  distilled,
  circulantFilters,
  gradients,
  hwgq,
  searchedWidths,
  bnasGist,
  dartsCells,
  mobileNets,
  apq,
  reactNetMethod,
  quickNetMethod,
  trainedTernary,
  fracBnn,
  adaBin,
];
