#!/usr/bin/env bash
# Builds the fuzz targets (tests/fuzz; needs clang) in build-fuzz and runs them for MINUTES in all:
#   scripts/fuzz.sh MINUTES [TARGET...]      every target, or those that are named
#   scripts/fuzz.sh --sum                    what all runs so far have executed, by target
# A finding (an exception other than UserError, a sanitizer's report, more than 10 s or 2 GiB for one
# input, a leak) makes the exit status 1; its input is kept in build-fuzz/findings/TARGET/. What the runs learn
# is kept in build-fuzz/corpus, and one line of each in build-fuzz/executions.tsv: target, executions as
# libFuzzer counts them, seconds, exit code. FUZZ_JOBS=N targets at a time (default 1), FUZZ_TIMEOUT=S (10)
# seconds for an input, for a machine with other work. FUZZ_PROGRAMS=DIR: programs of an earlier build, instead
# of building.
set -euo pipefail
case "${1:-}" in -h | --help | '') sed -n '2,11s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
cd "$(dirname "$0")/.."
build="build-fuzz"
record=$build/executions.tsv
mkdir -p "$build"
touch "$record"

sum_of() { # sum_of FIRST_LINE: of the record from there on; exit status 1 with a finding
  tail -n "+$1" "$record" | awk -F '\t' '
    { runs[$1] += $2; seconds[$1] += $3; total += $2; findings += $4 != 0 }
    END {
      for (name in runs) printf "%-18s %12d executions in %6d s\n", name, runs[name], seconds[name] | "sort"
      close("sort")
      printf "%-18s %12d executions, %d findings\n", "total", total, findings
      exit findings != 0
    }'
}
if [ "$1" = --sum ]; then sum_of 1 && exit 0 || exit 1; fi

minutes=$1
shift
programs=${FUZZ_PROGRAMS:-$build/tests/fuzz}
list=$build/fuzz_targets.txt
if [ -n "${FUZZ_PROGRAMS:-}" ]; then list=$FUZZ_PROGRAMS/fuzz_targets.txt; fi
if [ -z "${FUZZ_PROGRAMS:-}" ]; then
  if [ ! -f build/torch_root ]; then scripts/setup.sh; fi
  cmake --preset fuzz -DTorch_ROOT="$(cat build/torch_root)" >"$build/configure.log" ||
    { cat "$build/configure.log" >&2; exit 1; }
fi
declare -A program_of # targets that read alike lie in one program
while read -r program name; do program_of[$name]=$program; done <"$list"
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cut -d ' ' -f 2 "$list")
for target in "${targets[@]}"; do
  [ -n "${program_of[$target]:-}" ] || { echo "fuzz.sh: no target '$target'; there are: ${!program_of[*]}" >&2; exit 2; }
done
if [ -z "${FUZZ_PROGRAMS:-}" ]; then
  mapfile -t needed < <(for target in "${targets[@]}"; do echo "${program_of[$target]}"; done | sort -u)
  cmake --build "$build" --target "${needed[@]}"
fi

UNLEARN_FUZZ_DIR=$(mktemp -d -p "$([ -d /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
export UNLEARN_FUZZ_DIR
trap 'rm -rf "$UNLEARN_FUZZ_DIR"' EXIT
# One frame of each allocation's stack, and little memory kept after it was freed: twice as fast.
export OMP_NUM_THREADS=1
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=0:malloc_context_size=1:quarantine_size_mb=2:thread_local_quarantine_size_kb=64
jobs=${FUZZ_JOBS:-1}
seconds=$((minutes * 60 * jobs / ${#targets[@]}))
[ "$seconds" -gt 0 ] || seconds=1
before=$(wc -l <"$record")

# What a reader can be brought to mostly fits into few bytes, and short inputs are many.
longest_input() { # longest_input TARGET: bytes
  case $1 in
    jinja | yaml | json | rows) echo 128 ;;
    tokenizer_json) echo 2800 ;;
    tokenizer_model | model_config | run_folder) echo 1000 ;;
    run_state | adapter) echo 600 ;;
    *) echo 256 ;;
  esac
}

fuzz() { # fuzz TARGET: a line of the record, and of what happened
  local target=$1 log=$build/$1.log code=0 note='' count
  mkdir -p "$build/corpus/$target" "$build/findings/$target"
  # entropic=0: choosing inputs by how rare their features are took 40 % of the time.
  UNLEARN_FUZZ_TARGET=$target "$programs/${program_of[$target]}" "$build/corpus/$target" "tests/fuzz/corpus/$target" \
    -max_total_time="$seconds" -timeout="${FUZZ_TIMEOUT:-10}" -rss_limit_mb=2048 -print_final_stats=1 -entropic=0 \
    -max_len="$(longest_input "$target")" -artifact_prefix="$build/findings/$target/" >"$log" 2>&1 || code=$?
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
sum_of $((before + 1))
