#!/usr/bin/env bash
# Calls of a small run fail: it ends in a clear line or in the same bytes, and goes on to them. Some
# of the faults; scripts/soak.sh walks through all calls.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
if ! command -v gcc >/dev/null; then
  echo "faults: no gcc, which compiles what makes calls fail" && exit 0
fi
# A prime step, so that every kind of call meets every way to fail.
bash "$source_dir/tests/faults/walk.sh" "$unlearn" "$source_dir" --every 13 --jobs 2
