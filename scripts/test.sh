#!/usr/bin/env bash
# Sets up what is missing, builds, and runs all tests. `scripts/test.sh -L unit` runs one label (unit,
# golden, e2e, slow). Two labels compile and are part of no other call: `-L recipes` builds and runs what
# CONTRIBUTING.md shows, `-L sanitize` the unit suites with each sanitizer (scripts/sanitize.sh). Other
# options go to ctest as they are.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
cd "$(dirname "$0")/.."
if [ "${1:-} ${2:-}" = "-L sanitize" ]; then
  # No test of it runs a program of this build.
  [ -f build/torch_root ] || scripts/setup.sh --tests
  cmake --preset release -DTorch_ROOT="$(cat build/torch_root)" >/dev/null
  exec ctest --test-dir build -C Sanitize --output-on-failure "$@"
fi
scripts/build.sh
configuration=()
[ "${1:-} ${2:-}" != "-L recipes" ] || configuration=(-C Recipes)
ctest --test-dir build "${configuration[@]}" --output-on-failure --parallel "$(nproc)" "$@"
