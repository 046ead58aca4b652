#!/usr/bin/env bash
# Installs what bitloom's demo and tests need, and says what it does. Quick when nothing is missing.
# Usage: scripts/setup.sh [--tests]     --tests adds the second compiler and the C checkers
set -euo pipefail
cd "$(dirname "$0")/.."

node_major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
if [ "$node_major" -lt 20 ]; then
  echo "setup: Node 20 or later is needed (found: $(node --version 2>/dev/null || echo none)). See https://nodejs.org" >&2
  exit 3
fi

# npm keeps a copy of the lockfile's packages inside node_modules; older than the lockfile means out of date.
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "setup: installing npm packages (npm ci)"
  npm ci --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
elif [ ! -f dist/cli/main.js ] || [ -n "$(find src tsconfig.json tsconfig.build.json -newer dist/cli/main.js -print -quit)" ]; then
  echo "setup: building dist (npm run build)"
  npm run --silent build
fi

packages=()
need() { # need <test command> <Debian package>
  if ! eval "$1" >/dev/null 2>&1; then packages+=("$2"); fi
}
need 'command -v "${BITLOOM_ARM_GCC:-arm-none-eabi-gcc}"' gcc-arm-none-eabi
need 'echo "#include <string.h>" | "${BITLOOM_ARM_GCC:-arm-none-eabi-gcc}" -mcpu=cortex-m0 -mthumb -E -x c -' libnewlib-arm-none-eabi
need 'command -v qemu-system-arm' qemu-system-arm
need 'command -v cc || command -v gcc || command -v clang' gcc
need 'echo "#include <string.h>" | cc -E -x c -' libc6-dev
if [ "${1:-}" = --tests ]; then
  need 'command -v clang' clang
  need 'command -v g++' g++
  need 'command -v cppcheck' cppcheck
  need 'command -v clang-format' clang-format
  need 'command -v cmake' cmake
  need 'command -v unzip' unzip
  need 'command -v xmllint' libxml2-utils
fi
[ ${#packages[@]} -eq 0 ] && exit 0

install="apt-get install -y --no-install-recommends ${packages[*]}"
if ! command -v apt-get >/dev/null; then
  echo "setup: missing: ${packages[*]} (these are Debian's names; install your system's equivalents)" >&2
  exit 3
fi
if [ "$(id -u)" -eq 0 ]; then
  as_root=""
elif sudo -n true 2>/dev/null; then
  as_root="sudo"
else
  printf 'setup: these packages are missing: %s. Install them with:\n\n  sudo apt-get update\n  sudo %s\n\n' "${packages[*]}" "$install" >&2
  exit 3
fi
echo "setup: installing Debian packages: ${packages[*]}"
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root $install -qq
