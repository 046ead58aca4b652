/** Nets of the residual family at the size of Tiny ImageNet: 64 × 64 images, 200 classes. */

import { FLOAT, maxpool, ONE_BIT } from "../../support/methods/layers.js";
import { Draft } from "../../support/published/draft.js";

const IMAGES = [3, 64, 64] as const;
const CLASSES = 200;
const SCALED = { type: "sign", sign_of_zero: 1, scale: { mean_abs: "output" } };

/** Convolution 7 × 7 and pool 3 × 3, each with stride 2. */
function stem(net: Draft): void {
  net.conv("stem", [64, 3, 7, 7], FLOAT, { stride: 2, padding: 3 });
  net.streamNorm("stem.bn", 64);
  net.relu("stem.relu");
  net.add(maxpool("pool", 3, { stride: 2, padding: 1 }));
}

/** Bi-Real Net with 18 layers: a shortcut around each of 16 binary convolutions of 64 to 512 channels. */
export function biReal18(): Draft {
  const net = new Draft("bi_real_18", IMAGES);
  stem(net);
  let channels = 64;
  for (const [stage, outputs] of [64, 128, 256, 512].entries()) {
    for (let i = 0; i < 4; i++) {
      const name = `stage${stage + 1}.${i + 1}`;
      const stride = stage > 0 && i === 0 ? 2 : 1;
      const before = net.at;
      net.sign(`${name}.sign`);
      net.conv(`${name}.conv`, [outputs, channels, 3, 3], SCALED, { stride, padding: 1 });
      const sums = net.streamNorm(`${name}.bn`, outputs);
      let shortcut = before;
      if (stride === 2) {
        net.add({ type: "avgpool2d", name: `${name}.mean`, kernel_size: 2, inputs: [before] });
        net.conv(`${name}.down`, [outputs, channels, 1, 1], FLOAT);
        shortcut = net.streamNorm(`${name}.downnorm`, outputs);
      }
      net.sum(name, [sums, shortcut]);
      channels = outputs;
    }
  }
  net.relu("features");
  net.classifier(channels, CLASSES);
  return net;
}

const GROWTH = 64;

/** 64 more channels: x ← concat(x, bconv(sign(BN(x)))). */
function grow(net: Draft, name: string, channels: number): void {
  const before = net.at;
  binary(net, `${name}.grow`, channels);
  net.concat(name, [before, net.at]);
}

function binary(net: Draft, name: string, channels: number): void {
  net.norm(`${name}.bn`, channels);
  net.sign(`${name}.sign`);
  net.conv(`${name}.conv`, [GROWTH, channels, 3, 3], ONE_BIT, { padding: 1 });
}

/** The channels just made get a second convolution added: x[−64:] ← x[−64:] + bconv(sign(BN(x))). */
function improve(net: Draft, name: string, channels: number): void {
  const all = net.at;
  binary(net, `${name}.improve`, channels);
  const improvement = net.at;
  const kept = channels - GROWTH;
  net.add({ type: "slice", name: `${name}.kept`, dim: 1, start: 0, end: kept, inputs: [all] });
  net.add({ type: "slice", name: `${name}.own`, dim: 1, start: kept, inputs: [all] });
  net.sum(`${name}.improved`, [`${name}.own`, improvement]);
  net.concat(name, [`${name}.kept`, `${name}.improved`]);
}

/** Half the size, fewer channels. */
function transition(net: Draft, name: string, channels: number, outputs: number): void {
  net.streamNorm(`${name}.bn`, channels);
  net.add(maxpool(`${name}.pool`, 2));
  net.relu(`${name}.relu`);
  net.conv(name, [outputs, channels, 1, 1], FLOAT);
}

interface Stage {
  readonly blocks: number;
  /** Channels behind the stage's transition; none behind the last. */
  readonly squeezed?: number;
}

function stages(net: Draft, all: readonly Stage[], block: (name: string, channels: number) => void): void {
  let channels = 64;
  for (const [stage, { blocks, squeezed }] of all.entries()) {
    for (let i = 0; i < blocks; i++) {
      block(`block${stage + 1}.${i + 1}`, channels);
      channels += GROWTH;
    }
    if (squeezed === undefined) continue;
    transition(net, `transition${stage + 1}`, channels, squeezed);
    channels = squeezed;
  }
  net.streamNorm("last.bn", channels);
  net.relu("last");
  net.classifier(channels, CLASSES);
}

/** BinaryDenseNet with 28 layers: growth 64, channels reduced 2.7, 2.7 and 2.2 times, to multiples of 32. */
export function binaryDenseNet28(): Draft {
  const net = new Draft("binary_densenet_28", IMAGES);
  stem(net);
  const all = [
    { blocks: 6, squeezed: 160 },
    { blocks: 6, squeezed: 192 },
    { blocks: 6, squeezed: 256 },
  ];
  stages(net, [...all, { blocks: 5 }], (name, channels) => grow(net, name, channels));
  return net;
}

/** MeliusNet 22: 4, 5, 4 and 4 pairs of a dense and an improvement block behind a stem of grouped convolutions. */
export function meliusNet22(): Draft {
  const net = new Draft("meliusnet_22", IMAGES);
  for (const [i, [inputs, outputs, groups, stride]] of [
    [3, 32, 1, 2],
    [32, 32, 4, 1],
    [32, 64, 8, 1],
  ].entries() as IterableIterator<[number, [number, number, number, number]]>) {
    const name = `stem${i + 1}`;
    net.conv(name, [outputs, inputs / groups, 3, 3], FLOAT, { stride, padding: 1, groups });
    net.streamNorm(`${name}.bn`, outputs);
    net.relu(`${name}.relu`);
  }
  net.add(maxpool("pool", 3, { stride: 2, padding: 1 }));
  const all = [
    { blocks: 4, squeezed: 160 },
    { blocks: 5, squeezed: 224 },
    { blocks: 4, squeezed: 256 },
  ];
  stages(net, [...all, { blocks: 4 }], (name, channels) => {
    grow(net, `${name}.dense`, channels);
    improve(net, name, channels + GROWTH);
  });
  return net;
}
