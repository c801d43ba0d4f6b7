#!/usr/bin/env bash
# Times training steps against PyTorch loops (bench/compare_pytorch.py) and writes the tables of
# docs/performance.md with the raw numbers in bench/results/. PYTHON must have torch and transformers.
#   scripts/bench.sh [--suite NAME] [--steps N] [--smollm2 DIR] …
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
cd "$(dirname "$0")/.."
cmake -S . -B build -G Ninja -DUNLEARN_BENCH=ON >/dev/null
cmake --build build --target train_steps micro >&2
"${PYTHON:-python3}" bench/compare_pytorch.py --train-steps build/bench/train_steps \
  --document docs/performance.md "$@"
