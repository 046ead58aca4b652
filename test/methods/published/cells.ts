/** One ABC-Net block, and a normal and a reduction cell of each searched architecture, at their papers' width for CIFAR-10. */
import { FLOAT, maxpool } from "../../support/methods/layers.js";
import { Draft } from "../../support/published/draft.js";

const CLASSES = 10;
const PER_OUTPUT = { type: "sign", sign_of_zero: 1, scale: { mean_abs: "output" } };

/** A float32 convolution 3 × 3 in front of what is binary. */
function stem(net: Draft, channels: number, more: Readonly<Record<string, unknown>> = {}): void {
  net.conv("stem", [channels, 3, 3, 3], FLOAT, { padding: 1, ...more });
  net.streamNorm("stem.bn", channels);
  net.relu("stem.relu");
}

/** ABC-Net's residual block of 64 channels with five bases of weights and five of activations. */
export function abcNetBlock(): Draft {
  const BASES = 5;
  const net = new Draft("abc_net_block", [3, 32, 32]);
  stem(net, 64, { stride: 2 });
  const before = net.at;
  const bases = Array.from({ length: BASES }, (_, m) => m);
  for (const name of ["first", "second"]) {
    net.tensor(`${name}.shifts`, [BASES], (n) => [0.9, -0.7, 0.05, 0.45, -0.2][n]!);
    net.tensor(`${name}.betas`, [BASES], (n) => [0.31, 0.2, 0.43, 0.17, 0.26][n]!);
    net.add({
      type: "bases",
      name: `${name}.bits`,
      shifts: `${name}.shifts`,
      coefficients: `${name}.betas`,
      threshold: 0.5,
      at_threshold: "above",
    });
    const shape = [64, 64, 3, 3] as const;
    const latent = Array.from({ length: 64 * 64 * 9 }, () => net.random.normal());
    // Bases are signs of weights shifted by −1 … 1 deviations.
    for (const m of bases)
      net.tensor(`${name}.basis${m}`, shape, (i) => (latent[i]! - 1 + (2 * m) / (BASES - 1) >= 0 ? 1 : -1));
    net.tensor(`${name}.alphas`, [BASES], (m) => [0.42, 0.23, 0.51, -0.08, 0.19][m]!);
    const codes = bases.map((m) => `${name}.basis${m}`);
    const quantizer = { type: "bases", codes, coefficients: `${name}.alphas` };
    net.conv(name, shape, quantizer, { padding: 1 });
    net.streamNorm(`${name}.bn`, 64);
  }
  net.sum("block", [net.at, before]);
  net.relu("block.relu");
  net.classifier(64, CLASSES);
  return net;
}

/** What an edge of a cell does. */
type Edge = (net: Draft, name: string, channels: number, stride: 1 | 2) => void;

/** Two inputs, four nodes of two edges each; each edge names the node that it reads (0 and 1 are the inputs). */
interface Cell {
  readonly name: string;
  readonly edges: readonly (readonly [from: number, edge: Edge])[];
  readonly isReduction: boolean;
}

/** The nodes' sums side by side; edges from the cell's inputs have the stride of a reduction. */
function cell(
  net: Draft,
  { name, edges, isReduction }: Cell,
  inputs: readonly string[],
  channels: number,
): string {
  const nodes = [...inputs];
  for (let node = 0; node < edges.length / 2; node++) {
    const terms = [0, 1].map((side) => {
      const [from, edge] = edges[2 * node + side]!;
      net.at = nodes[from]!;
      edge(net, `${name}.node${node}.${side}`, channels, isReduction && from < 2 ? 2 : 1);
      return net.at;
    });
    nodes.push(net.sum(`${name}.node${node}`, terms));
  }
  return net.concat(name, nodes.slice(2));
}

const BATS_GROUPS = 12;

/** BN → sign → grouped convolution → PReLU → shuffle, and the input added where sizes stay. */
function batsConv(kernel: readonly [number, number], dilation = 1): Edge {
  return (net, name, channels, stride) => {
    const before = net.at;
    net.norm(`${name}.bn`, channels);
    net.sign(`${name}.sign`, 0);
    const [padY, padX] = kernel.map((k) => (dilation * (k - 1)) / 2);
    net.conv(name, [channels, channels / BATS_GROUPS, ...kernel], PER_OUTPUT, {
      padding: [padY, padX],
      stride,
      dilation,
      groups: BATS_GROUPS,
    });
    prelu(net, name, channels);
    net.add({ type: "channel_shuffle", name: `${name}.shuffle`, groups: 4 });
    if (stride === 1) net.sum(`${name}.sum`, [net.at, before]);
  };
}

function prelu(net: Draft, name: string, channels: number): void {
  net.tensor(`${name}.slopes`, [channels], () => (net.random.next() < 0.1 ? -0.05 : 0.25));
  net.add({ type: "prelu", name: `${name}.prelu`, weight: `${name}.slopes` });
}

/** Two convolutions 1 × 1 with stride 2, the second on the map without its first row and column. */
function factorizedReduce(net: Draft, name: string, channels: number, outputs: number): void {
  net.norm(`${name}.bn`, channels);
  const signs = net.sign(`${name}.sign`, 0);
  const halves = [0, 1].map((shift) => {
    net.at = signs;
    const half = `${name}.half${shift}`;
    for (const dim of shift === 0 ? [] : [2, 3])
      net.add({ type: "slice", name: `${half}.crop${dim}`, dim, start: 1 });
    const more = shift === 0 ? {} : { padding: [0, 0, 1, 1] };
    return net.conv(half, [outputs / 2, channels, 1, 1], PER_OUTPUT, { stride: 2, ...more });
  });
  net.concat(name, halves);
  prelu(net, name, outputs);
}

const skip: Edge = (net, name, channels, stride) => {
  if (stride === 2) factorizedReduce(net, name, channels, channels);
};

function pool(type: "maxpool2d" | "avgpool2d"): Edge {
  return (net, name, _channels, stride) => {
    const counts = type === "avgpool2d" ? { count_include_pad: false } : {};
    net.add({ ...maxpool(name, 3, { stride, padding: 1, ...counts }), type });
  };
}

const average = pool("avgpool2d");
const greatest = pool("maxpool2d");

/** A binary convolution 1 × 1 that gives a cell's input the cell's width. */
function batsPreprocess(net: Draft, name: string, from: string, inputs: number, channels: number): string {
  net.at = from;
  net.norm(`${name}.bn`, inputs);
  net.sign(`${name}.sign`, 0);
  net.conv(name, [channels, inputs, 1, 1], PER_OUTPUT);
  prelu(net, name, channels);
  return net.at;
}

/** BATS: a normal cell of 36 channels and a reduction cell of 72, in 12 groups, behind a stem of 108. */
export function batsCells(): Draft {
  const net = new Draft("bats_cells", [3, 32, 32]);
  stem(net, 108);
  const image = net.at;
  const normal: Cell = {
    name: "normal",
    isReduction: false,
    edges: [
      [0, batsConv([3, 3])],
      [1, batsConv([5, 5], 2)],
      [1, skip],
      [2, batsConv([7, 7])],
      [0, batsConv([3, 3], 2)],
      [3, batsConv([5, 5])],
      [1, greatest],
      [4, batsConv([3, 3])],
    ],
  };
  const reduction: Cell = {
    name: "reduction",
    isReduction: true,
    edges: [
      [0, greatest],
      [1, batsConv([3, 3])],
      [0, skip],
      [2, batsConv([5, 5])],
      [1, average],
      [3, batsConv([3, 3], 2)],
      [0, batsConv([7, 7])],
      [2, skip],
    ],
  };
  const both = [0, 1].map((i) => batsPreprocess(net, `normal.pre${i}`, image, 108, 36));
  const first = cell(net, normal, both, 36);
  const second = [
    batsPreprocess(net, "reduction.pre0", image, 108, 72),
    batsPreprocess(net, "reduction.pre1", first, 144, 72),
  ];
  cell(net, reduction, second, 72);
  net.classifier(288, CLASSES);
  return net;
}

/** BN → sign → convolution with a factor per filter → ReLU; 0 has the sign 0. */
function bnasConv(kernel: number, dilation = 1): Edge {
  return (net, name, channels, stride) => {
    net.norm(`${name}.bn`, channels);
    net.sign(`${name}.sign`, 0);
    const padding = (dilation * (kernel - 1)) / 2;
    net.conv(name, [channels, channels, kernel, kernel], PER_OUTPUT, { padding, stride, dilation });
    net.relu(`${name}.relu`);
  };
}

/** Times 0: the search keeps it as an edge. */
const zeroise: Edge = (net, name, _channels, stride) => {
  if (stride === 2) net.add(maxpool(`${name}.pool`, 1, { stride: 2 }));
  net.add({ type: "arithmetic", name, operator: "multiply", operand: 0 });
};

/** BNAS (GIST): a normal and a reduction cell of 36 channels; a cell's input is also added to its output. */
export function bnasCells(): Draft {
  const net = new Draft("bnas_cells", [3, 32, 32]);
  stem(net, 36);
  const image = net.at;
  const preprocess = (name: string, from: string, inputs: number, channels: number): string => {
    net.at = from;
    net.norm(`${name}.bn`, inputs);
    net.sign(`${name}.sign`, 0);
    net.conv(name, [channels, inputs, 1, 1], PER_OUTPUT);
    return net.relu(`${name}.relu`);
  };
  const normal: Cell = {
    name: "normal",
    isReduction: false,
    edges: [
      [0, bnasConv(3)],
      [1, bnasConv(5)],
      [0, zeroise],
      [2, bnasConv(3, 2)],
      [1, greatest],
      [2, bnasConv(5, 2)],
      [0, average],
      [1, bnasConv(3)],
    ],
  };
  const reduction: Cell = {
    name: "reduction",
    isReduction: true,
    edges: [
      [0, greatest],
      [1, bnasConv(3)],
      [0, zeroise],
      [1, bnasConv(5)],
      [1, average],
      [2, bnasConv(3, 2)],
      [0, bnasConv(5, 2)],
      [3, zeroise],
    ],
  };
  const first = cell(
    net,
    normal,
    [0, 1].map((i) => preprocess(`normal.pre${i}`, image, 36, 36)),
    36,
  );
  const inputs = [preprocess("reduction.pre0", image, 36, 72), preprocess("reduction.pre1", first, 144, 72)];
  const nodes = cell(net, reduction, inputs, 72);
  // The skip from the previous cell: BN, then a float32 convolution 2 × 2 with stride 2.
  net.at = first;
  net.streamNorm("res.bn", 144);
  net.conv("res", [288, 144, 2, 2], FLOAT, { stride: 2 });
  net.sum("features", [nodes, net.at]);
  net.classifier(288, CLASSES);
  return net;
}
