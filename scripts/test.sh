#!/usr/bin/env bash
# Sets up what is missing, builds, and runs all tests. `scripts/test.sh -L unit` runs one label
# (unit, golden, e2e, slow); other options go to ctest as they are.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,3s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
cd "$(dirname "$0")/.."
scripts/build.sh
ctest --test-dir build --output-on-failure --parallel "$(nproc)" "$@"
