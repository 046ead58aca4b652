/** Nets without shortcuts, as their papers' code has them. */

import { FLOAT, maxpool } from "../../support/methods/layers.js";
import { Draft } from "../../support/published/draft.js";
import { quantizer } from "../t06-dorefa.js";

const PER_OUTPUT = { type: "sign", sign_of_zero: 1, scale: { mean_abs: "output" } };
const PER_LAYER = { type: "sign", sign_of_zero: 1, scale: { mean_abs: "tensor" } };

/**
 * XNOR-Net's AlexNet on half the image's sides: all five convolutions and the first dense layer, of 4,096, as they are (the second one,
 * of 16.8 million weights, is left out, and classes are 50). Blocks are BN → sign → conv; the first and the last layer stay float32.
 */
export function xnorAlexNet(): Draft {
  const net = new Draft("xnor_alexnet", [3, 115, 115]);
  net.conv("conv1", [96, 3, 11, 11], FLOAT, { stride: 4 });
  net.norm("conv1.bn", 96);
  net.relu("conv1.relu");
  net.add(maxpool("pool1", 3, { stride: 2 }));
  let channels = 96;
  for (const [i, [outputs, kernel, isPooled]] of [
    [256, 5, true],
    [384, 3, false],
    [384, 3, false],
    [256, 3, true],
  ].entries() as IterableIterator<[number, [number, number, boolean]]>) {
    const name = `conv${i + 2}`;
    net.norm(`${name}.bn`, channels);
    net.sign(`${name}.sign`);
    net.conv(name, [outputs, channels, kernel, kernel], PER_OUTPUT, { padding: (kernel - 1) / 2 });
    if (isPooled) net.add(maxpool(`${name}.pool`, 3, { stride: 2 }));
    channels = outputs;
  }
  net.norm("fc6.bn", channels);
  net.sign("fc6.sign");
  net.conv("fc6", [4096, channels, 2, 2], PER_OUTPUT);
  net.norm("fc8.bn", 4096, { ofScores: true });
  net.relu("fc8.relu");
  net.add({ type: "flatten", name: "flat" });
  net.linear("fc8", [50, 4096], FLOAT);
  return net;
}

/** ReBNet's net for CIFAR-10 with two levels: convolutions without pads, BN, residual sign, pool. */
export function reBNetCifar(): Draft {
  const net = new Draft("rebnet_cifar", [3, 32, 32]);
  const binarized = (name: string, channels: number): void => {
    net.norm(`${name}.bn`, channels);
    net.tensor(`${name}.scales`, [2], (i) => [0.61, 0.32][i]!);
    net.add({ type: "residual_sign", name: `${name}.sign`, scales: `${name}.scales`, sign_of_zero: 1 });
  };
  let channels = 3;
  for (const [i, outputs] of [64, 64, 128, 128, 256, 256].entries()) {
    net.conv(`conv${i + 1}`, [outputs, channels, 3, 3], PER_LAYER);
    binarized(`conv${i + 1}`, outputs);
    if (i === 1 || i === 3) net.add(maxpool(`pool${i}`, 2));
    channels = outputs;
  }
  net.add({ type: "flatten", name: "flat" });
  for (const [i, outputs] of [512, 512].entries()) {
    net.linear(`fc${i + 1}`, [outputs, i === 0 ? channels : 512], PER_LAYER);
    binarized(`fc${i + 1}`, outputs);
  }
  net.linear("fc3", [10, 512], PER_LAYER);
  net.norm("fc3.bn", 10, { ofScores: true });
  return net;
}

/** DoReFa-Net's net for SVHN (40 × 40) with weights of one bit and activations of two; the first and the last layer stay float32. */
export function doReFaSvhn(): Draft {
  const net = new Draft("dorefa_svhn", [3, 40, 40]);
  const activate = (name: string): void => {
    for (const layer of quantizer(name, 2) as Record<string, unknown>[]) net.add(layer);
  };
  net.conv("conv0", [48, 3, 5, 5], FLOAT);
  net.add(maxpool("pool0", 2));
  activate("act0");
  let channels = 48;
  for (const [name, outputs, kernel, padding, pool] of [
    ["conv1", 64, 3, 1, false],
    ["conv2", 64, 3, 1, true],
    ["conv3", 128, 3, 0, false],
    ["conv4", 128, 3, 1, false],
    ["conv5", 128, 3, 0, false],
    ["conv6", 512, 5, 0, false],
  ] as const) {
    net.conv(name, [outputs, channels, kernel, kernel], PER_LAYER, { padding });
    net.norm(`${name}.bn`, outputs);
    if (pool) net.add(maxpool("pool1", 2));
    if (name === "conv6") net.add({ type: "clip", name: "act6", min: 0, max: 1 });
    else activate(`${name}.act`);
    channels = outputs;
  }
  net.add({ type: "flatten", name: "flat" });
  net.linear("fc1", [10, 512], FLOAT);
  return net;
}

/** TWN's LeNet for MNIST: 32 and 64 filters of 5 × 5, 512 units; one factor per layer, activations stay float32. */
export function twnLeNet(): Draft {
  const net = new Draft("twn_lenet", [1, 28, 28]);
  const ternary = {
    type: "ternary",
    threshold: { mean_abs: "tensor", factor: 0.7 },
    threshold_is_zero: true,
    scale: { mean_abs: "tensor" },
  };
  let channels = 1;
  for (const [i, outputs] of [32, 64].entries()) {
    const name = `conv${i + 1}`;
    net.conv(name, [outputs, channels, 5, 5], ternary);
    net.norm(`${name}.bn`, outputs);
    net.relu(`${name}.relu`);
    net.add(maxpool(`${name}.pool`, 2));
    channels = outputs;
  }
  net.add({ type: "flatten", name: "flat" });
  net.linear("fc1", [512, 1024], ternary);
  net.norm("fc1.bn", 512);
  net.relu("fc1.relu");
  net.linear("fc2", [10, 512], ternary);
  return net;
}
