#!/usr/bin/env bash
# Sets up what is missing, builds, and runs all tests. `scripts/test.sh -L unit` runs one label
# (unit, golden, e2e, slow); other options go to ctest as they are.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh
ctest --test-dir build --output-on-failure --parallel "$(nproc)" "$@"
