#!/usr/bin/env bash
# Sets up and runs the tests. --full runs the long version: every image, every corruption, every core.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh --tests
if [ "${1:-}" = --full ]; then
  export BITLOOM_FULL=1
  shift
fi
reporters=(--reporter=default)
if [ -n "${BITLOOM_TEST_REPORT:-}" ]; then reporters+=(--reporter=json "--outputFile.json=$BITLOOM_TEST_REPORT"); fi
exec npx vitest run "${reporters[@]}" "$@"
