#!/usr/bin/env bash
# Sets up what is missing and builds build/unlearn and the tests; TARGET=unlearn builds the program
# alone, TARGET=program also its CUDA kernels where nvcc is found. WERROR=ON makes warnings errors, for who
# changes the sources. Options go to scripts/setup.sh.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
cd "$(dirname "$0")/.."
target=${TARGET:-all}
options=("$@")
[ "$target" = unlearn ] || [ "$target" = program ] || pkg-config --exists gtest 2>/dev/null || options+=(--tests)
if [ ! -f build/torch_root ] || [ ${#options[@]} -gt 0 ]; then scripts/setup.sh "${options[@]}"; fi
cmake --preset release -DTorch_ROOT="$(cat build/torch_root)" ${WERROR:+-DUNLEARN_WERROR="$WERROR"} \
  >build/configure.log || { cat build/configure.log >&2; exit 1; }
cmake --build build --target "$target"
