/** Every net of published size. One that is built elsewhere joins by a line here. */
import type { HeadRule } from "../../support/methods/regions.js";
import type { Draft } from "../../support/published/draft.js";
import { abcNetBlock, batsCells, bnasCells } from "./cells.js";
import { kittiDetector, kittiRule } from "./detector.js";
import { doReFaSvhn, reBNetCifar, twnLeNet, xnorAlexNet } from "./plain.js";
import { binaryDenseNet28, biReal18, meliusNet22 } from "./residual.js";

export interface PublishedNet {
  /** As the table of docs/METHODS.md calls it. */
  readonly title: string;
  readonly draft: () => Draft;
  /** Of a net that ends in a list of boxes. */
  readonly head?: HeadRule;
}

export const publishedNets: Readonly<Record<string, PublishedNet>> = {
  xnor_alexnet: {
    title: "XNOR-Net: AlexNet's convolutions and first dense layer, 115 × 115",
    draft: xnorAlexNet,
  },
  bi_real_18: { title: "Bi-Real Net, 18 layers, 64 × 64", draft: biReal18 },
  binary_densenet_28: { title: "BinaryDenseNet-28, 64 × 64", draft: binaryDenseNet28 },
  meliusnet_22: { title: "MeliusNet-22, 64 × 64", draft: meliusNet22 },
  rebnet_cifar: { title: "ReBNet for CIFAR-10, two levels, 32 × 32", draft: reBNetCifar },
  dorefa_svhn: { title: "DoReFa-Net for SVHN, W1A2, 40 × 40", draft: doReFaSvhn },
  abc_net_block: { title: "ABC-Net's residual block, 64 channels, 5 × 5 bases, 16 × 16", draft: abcNetBlock },
  twn_lenet: { title: "TWN's LeNet, 28 × 28", draft: twnLeNet },
  bnas_cells: {
    title: "BNAS: a normal and a reduction cell of 36 and 72 channels, 32 × 32",
    draft: bnasCells,
  },
  bats_cells: {
    title: "BATS: a normal and a reduction cell of 36 and 72 channels, 32 × 32",
    draft: batsCells,
  },
  kitti_detector: {
    title: "Binary-weight YOLOv2 for KITTI, a quarter of the channels, 96 × 96",
    draft: kittiDetector,
    head: kittiRule,
  },
};
