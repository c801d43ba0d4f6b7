#!/usr/bin/env bash
# Builds with a sanitizer and runs the unit suites: sanitize.sh asan|fuzz|tsan [LAYER…]
#   asan   addresses and undefined behaviour (build-asan)
#   fuzz   the same with clang, in the build of the fuzz targets (build-fuzz), which has the layers already
#   tsan   threads (build-tsan): background writers, autograd's hooks, parallel readers
# LAYERs default to those with threads of their own or with files to parse. `scripts/test.sh -L sanitize`
# runs both; the first time each compiles its layers anew (tens of minutes on two cores). JOBS: compilers at
# a time (2).
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
cd "$(dirname "$0")/.."
kind=${1:-}
case "$kind" in
  asan | fuzz) layers=(core config jinja tokenizer metrics report kernels distributed checkpoint data scoring losses train) ;;
  tsan) layers=(core config jinja tokenizer metrics report distributed checkpoint data train) ;;
  *)
    echo "error: '$kind' is no sanitizer; known: asan, fuzz, tsan" >&2
    exit 2
    ;;
esac
shift
[ $# -eq 0 ] || layers=("$@")
[ -f build/torch_root ] || scripts/setup.sh --tests

mkdir -p "build-$kind"
cmake --preset "$kind" -DTorch_ROOT="$(cat build/torch_root)" >"build-$kind/configure.log" ||
  { cat "build-$kind/configure.log" >&2; exit 1; }
cmake --build "build-$kind" --target "${layers[@]/#/test_}" --parallel "${JOBS:-2}"
ctest --test-dir "build-$kind" --output-on-failure --timeout 3600 -R "^(unit|golden)\\.($(IFS='|' && echo "${layers[*]}"))\$"
