#!/usr/bin/env bash
# Builds the fuzz targets (tests/fuzz; needs clang) in build-fuzz and runs them for MINUTES in all:
#   scripts/fuzz.sh MINUTES [TARGET...]      every target, or those that are named
# Prints the executions of each and their sum. A finding (an exception other than UserError, a
# sanitizer's report, more than 10 s or 2 GiB for one input, a leak) makes the exit status 1; its
# input is kept in build-fuzz/findings/TARGET/. What the runs learn is kept in build-fuzz/corpus, and one
# line of each in build-fuzz/executions.tsv: target, executions, seconds, exit code. FUZZ_JOBS=N targets at
# a time (default 1).
set -euo pipefail
case "${1:-}" in -h | --help | '') sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
cd "$(dirname "$0")/.."
minutes=$1
shift
build="build-fuzz"
mkdir -p "$build"
if [ ! -f build/torch_root ]; then scripts/setup.sh; fi
cmake --preset fuzz -DTorch_ROOT="$(cat build/torch_root)" >"$build/configure.log" ||
  { cat "$build/configure.log" >&2; exit 1; }
declare -A program_of # targets that read alike lie in one program
while read -r program name; do program_of[$name]=$program; done <"$build/fuzz_targets.txt"
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cut -d ' ' -f 2 "$build/fuzz_targets.txt")
for target in "${targets[@]}"; do
  [ -n "${program_of[$target]:-}" ] || { echo "fuzz.sh: no target '$target'; there are: ${!program_of[*]}" >&2; exit 2; }
done
mapfile -t needed < <(for target in "${targets[@]}"; do echo "${program_of[$target]}"; done | sort -u)
cmake --build "$build" --target "${needed[@]}"

UNLEARN_FUZZ_DIR=$(mktemp -d -p "$([ -d /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
export UNLEARN_FUZZ_DIR
trap 'rm -rf "$UNLEARN_FUZZ_DIR"' EXIT
export OMP_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=0
jobs=${FUZZ_JOBS:-1}
seconds=$((minutes * 60 * jobs / ${#targets[@]}))
[ "$seconds" -gt 0 ] || seconds=1
record=$build/executions.tsv
touch "$record"
earlier=$(wc -l <"$record")

fuzz() { # fuzz TARGET: a line of the record, and of what happened
  local target=$1 log=$build/$1.log code=0 note='' count
  mkdir -p "$build/corpus/$target" "$build/findings/$target"
  UNLEARN_FUZZ_TARGET=$target "$build/tests/fuzz/${program_of[$target]}" "$build/corpus/$target" "tests/fuzz/corpus/$target" \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$target/" >"$log" 2>&1 || code=$?
  # Without the final statistics, the last line that counts.
  count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  [ -n "$count" ] || count=$(grep -o '^#[0-9]*' "$log" | tail -n 1 | tr -d '#')
  count=${count:-0}
  [ "$code" -eq 0 ] ||
    note="FINDING: $(grep -m 1 -E 'ERROR: |SUMMARY: |runtime error' "$log" | cut -c 1-150) (see $log)"
  printf '%-18s %12d executions  %s\n' "$target" "$count" "$note"
  printf '%s\t%d\t%d\t%d\n' "$target" "$count" "$seconds" "$code" >>"$record"
}

for target in "${targets[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
  fuzz "$target" &
done
wait
tail -n +$((earlier + 1)) "$record" | awk '{ total += $2; findings += $4 != 0 } END {
  printf "%-18s %12d executions, %d findings\n", "total", total, findings
  exit findings != 0 }'
