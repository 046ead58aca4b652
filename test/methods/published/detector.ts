/** A detector with binary weights, of the layers that YOLOv2 has, for KITTI's cars, pedestrians and cyclists. */
import { conv, FLOAT, maxpool } from "../../support/methods/layers.js";
import type { HeadRule } from "../../support/methods/regions.js";
import { Draft } from "../../support/published/draft.js";
import { regionLayer } from "../t10-binary-weight-detector.js";

const PER_OUTPUT = { type: "sign", sign_of_zero: 1, scale: { mean_abs: "output" } };
/** Pixels of 0 … 1, in steps that float32 holds. */
const PIXELS = { numerator: 1, denominator: 256, zero: 0 };

/** Five anchors in cells, wider than high as cars are, and two that are higher, as pedestrians and cyclists. */
export const kittiRule: HeadRule = {
  anchors: [
    [0.5, 1.3],
    [0.7, 1.6],
    [0.9, 0.8],
    [1.5, 1.1],
    [2.1, 1.4],
  ],
  classes: 3,
  isSoftmax: true,
  scoreThreshold: Math.fround(0.3),
  iouThreshold: Math.fround(0.45),
  anyClass: false,
  candidates: 64,
  boxes: 20,
};

/**
 * Darknet-19 and YOLOv2's head (Redmon and Farhadi 2016, arXiv:1612.08242) with a quarter of the channels and weights of one bit
 * (Xu et al. 2018, arXiv:1804.06332): 22 convolutions with darknet's normalization and leaky ReLU, five pools, the reorganized
 * map of a stage before beside the last one, and a head of float32. The paper's own anchors are not told; these are drawn.
 */
export function kittiDetector(): Draft {
  const net = new Draft("kitti_detector", [3, 96, 96], PIXELS);
  const block = (name: string, inputs: number, outputs: number, kernel: 1 | 3): string => {
    net.conv(name, [outputs, inputs, kernel, kernel], PER_OUTPUT, kernel === 3 ? { padding: 1 } : {});
    net.norm(`${name}.bn`, outputs, { ofScores: true }, { formula: "darknet", eps: 1e-6 });
    return net.add({ type: "leaky_relu", name: `${name}.leaky`, negative_slope: 0.1 });
  };
  let channels = 3;
  let count = 0;
  /** Convolutions of 3 × 3 with `outputs` channels, and of 1 × 1 with half of them between. */
  const stage = (outputs: number, convolutions: number): string => {
    for (let i = 0; i < convolutions; i++) {
      const [to, kernel] = i % 2 === 0 ? ([outputs, 3] as const) : ([outputs / 2, 1] as const);
      block(`conv${++count}`, channels, to, kernel);
      channels = to;
    }
    return net.at;
  };
  stage(8, 1);
  net.add(maxpool("pool1", 2));
  stage(16, 1);
  net.add(maxpool("pool2", 2));
  stage(32, 3);
  net.add(maxpool("pool3", 2));
  stage(64, 3);
  net.add(maxpool("pool4", 2));
  const fine = stage(128, 5);
  net.add(maxpool("pool5", 2));
  stage(256, 5);
  block("conv19", 256, 256, 3);
  const coarse = block("conv20", 256, 256, 3);
  net.at = fine;
  block("conv21", 128, 16, 1);
  net.add({ type: "space_to_depth", name: "reorg", block_size: 2, order: "darknet" });
  net.concat("route", ["reorg", coarse]);
  block("conv22", 64 + 256, 256, 3);
  const outputs = kittiRule.anchors.length * (5 + kittiRule.classes);
  const entry = (output: number): number => output % (5 + kittiRule.classes);
  const isSize = (output: number): boolean => entry(output) === 2 || entry(output) === 3;
  // Anchors of a cell answer alike, as trained ones do for one object: that is what suppression is for.
  const common = Array.from({ length: (5 + kittiRule.classes) * 256 }, () => net.random.normal());
  net.tensor("head.weight", [outputs, 256, 1, 1], (i) => {
    const spread = isSize(Math.floor(i / 256)) ? 0.006 : 0.04;
    return spread * (common[i % common.length]! + 0.5 * net.random.normal());
  });
  net.tensor("head.bias", [outputs], (output) => (entry(output) === 4 ? -2 : 0));
  net.add(conv("head", FLOAT, { bias: "head.bias" }));
  net.add(regionLayer("boxes", kittiRule));
  return net;
}
