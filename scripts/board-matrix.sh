#!/usr/bin/env bash
# Writes docs/BOARD-MATRIX.md: what every board makes of examples/mnist-mlp. Run as `npm run board-matrix`, which builds first.
set -euo pipefail
cd "$(dirname "$0")/.."

model=examples/mnist-mlp/model.onnx
options=(--input-type u8 --input-scale 1/255)
draft=$(mktemp)
trap 'rm -f "$draft"' EXIT

node dist/cli/main.js fit "$model" "${options[@]}" --verify --format markdown >"$draft"
{
  cat <<END
# Every board with one model

[\`examples/mnist-mlp\`](../examples/mnist-mlp/README.md) on every board that bitloom knows. The same table for a model of yours:

\`\`\`
bitloom fit model.onnx                     weights and arena against each board's memories: needs no compiler
bitloom fit model.onnx --build             links an image for each board: exact figures
bitloom fit model.onnx --verify            also runs the images in QEMU and Renode, and compares every bit
\`\`\`

A board *fits* if an image with the test harness and its stack links within its memories; the figures are that image's. *Passed as X*: the
board has no emulator here, and its library's objects ran on the machine X, whose core executes the same instructions; a stand-in proves
neither clocks nor pins. *No traces*: outputs were compared, but the larger build that reports every layer does not fit. No
image has been run on a real board. Where several tools flash a board, \`bitloom flash\` takes the first that is installed.

Written by \`npm run board-matrix\` with $(arm-none-eabi-gcc --version | head -n 1 | sed 's/ (.*) / /'), $(qemu-system-arm --version | head -n 1 | sed 's/ (.*//') and $(if command -v renode >/dev/null || [[ -n ${RENODE_PATH:-} ]]; then echo "Renode ([which](RENODE.md#what-ran-in-renode))"; else echo "no Renode"; fi):

END
  cat "$draft"
} >docs/BOARD-MATRIX.md
