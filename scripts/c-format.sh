#!/usr/bin/env bash
# Formats the C that people write (runtime, harness, examples), or with --check reports what is not formatted.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t files < <(git ls-files '*.c' '*.h')
if [ "${1:-}" = --check ]; then clang-format --dry-run --Werror "${files[@]}"; else clang-format -i "${files[@]}"; fi
