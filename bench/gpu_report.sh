#!/usr/bin/env bash
# All that one visit to a GPU should bring, in ten minutes at most: the kernels' tests, steps of 7B and
# 8B with a timeline by kernel, the best compiled PyTorch loop at 7B, attention by backend, FP8 against
# bf16, and the rows that are about memory. Writes OUTPUT/report.json and OUTPUT/report.md.
#   bench/gpu_report.sh [--device cpu] [--tiny] [--minutes N] [--models DIR] [--part NAME …] BUILD OUTPUT
# BUILD is a build folder with the programs unlearn, bench/train_steps and the tests; PYTHON is an
# interpreter with torch and transformers (and liger-kernel, for the peer that uses it). A part that
# cannot run is in the report with the reason. `--device cpu --tiny` tries the whole script anywhere.
# Parts, the most important first: tests g7 g6 peer attention memory fp8.
# shellcheck disable=SC2317 # the parts are functions that are called by their names
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
source_dir=$(cd "$(dirname "$0")/.." && pwd)
device=cuda tiny="" minutes=10 models="" parts=()
while [ $# -gt 2 ]; do
  case $1 in
    --device) device=$2 && shift 2 ;;
    --tiny) tiny=1 && shift ;;
    --minutes) minutes=$2 && shift 2 ;;
    --models) models=$2 && shift 2 ;;
    --part) parts+=("$2") && shift 2 ;;
    *) echo "error: unknown option '$1' (see --help)" >&2 && exit 2 ;;
  esac
done
[ $# -eq 2 ] || { echo "error: give the build and the output folder (see --help)" >&2; exit 2; }
build=$(cd "$1" && pwd)
[ -x "$build/unlearn" ] || { echo "error: $build has no program 'unlearn'" >&2; exit 2; }
mkdir -p "$2"
output=$(cd "$2" && pwd)
python=${PYTHON:-python3}
[ ${#parts[@]} -gt 0 ] || parts=(tests g7 g6 peer attention memory fp8)
begin=$SECONDS
work=$(mktemp -d)
export source_dir device tiny build output python work
trap 'rm -rf "$work"' EXIT
# Weights of random numbers, written once; the row scripts look for them here.
export UNLEARN_BENCH_MODELS=${models:-$work/models} UNLEARN_BENCH_DEVICE=$device UNLEARN_BENCH_TINY=$tiny
export UNLEARN_BENCH_STEPS=${UNLEARN_BENCH_STEPS:-12}
: >"$output/parts.jsonl"
: >"$output/report.md"

note() { # note PART STATUS SECONDS REASON
  "$python" -c 'import json, sys; print(json.dumps(dict(zip(("part", "status", "seconds", "reason"), sys.argv[1:]))))' \
    "$@" >>"$output/parts.jsonl"
}

# Runs a part within what is left of the time; its standard output is its section of the report.
part() { # part NAME MOST_SECONDS TITLE COMMAND…
  local name=$1 most=$2 title=$3 start=$SECONDS code=0 left reason=""
  shift 3
  left=$((minutes * 60 - (SECONDS - begin)))
  printf '\n## %s\n\n' "$title" >>"$output/report.md"
  if [ "$left" -lt 10 ]; then
    echo "Not run: out of time." >>"$output/report.md"
    note "$name" missing 0 "out of time"
    return
  fi
  # A shell of its own, which the time limit can end with all that it has started.
  timeout "$((left < most ? left : most))" bash -c "set -euo pipefail; $(declare -f); \"\$@\"" part "$@" >"$output/$name.md" 2>"$work/stderr" || code=$?
  cat "$output/$name.md" >>"$output/report.md"
  if [ $code -eq 0 ]; then
    note "$name" ok $((SECONDS - start)) ""
    return
  fi
  reason=$(grep -v '^ *$' "$work/stderr" | tail -1)
  [ $code -ne 124 ] || reason="stopped after $((SECONDS - start)) s"
  printf '\nNot complete: %s\n' "${reason:-exit code $code}" >>"$output/report.md"
  # Code 3: something that it needs is not here.
  note "$name" "$([ $code -eq 3 ] && echo missing || echo failed)" $((SECONDS - start)) "${reason:-exit code $code}"
}

missing() { # missing WHAT: ends a part
  echo "$1" >&2
  exit 3
}

kernel_tests() {
  [ -f "$build/CTestTestfile.cmake" ] || missing "the build has no tests"
  ctest --test-dir "$build" -L gpu --output-on-failure >"$work/ctest" 2>&1 || { tail -40 "$work/ctest" && return 1; }
  sed -n 's/^\( *[0-9]*\/[0-9]* Test.*\)/    \1/p; s/^\([0-9]*% tests passed.*\)/\n\1/p' "$work/ctest"
}

timeline() { # timeline SUITE
  [ -x "$build/bench/train_steps" ] || missing "the build has no bench/train_steps (cmake -DUNLEARN_BENCH=ON)"
  local suite=$1 model
  [ -z "$tiny" ] || suite=G-tiny
  model=$("$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); from suites import SUITES; print(SUITES[sys.argv[2]]["model"])' \
    "$source_dir/bench" "$suite")
  [ -n "$tiny" ] || "$source_dir/bench/gpu_table.sh" --model "$model" >/dev/null
  "$python" "$source_dir/bench/timeline.py" --train-steps "$build/bench/train_steps" --suite "$suite" \
    --models "$UNLEARN_BENCH_MODELS" --json "$output/$1.json"
}

peer() {
  [ -x "$build/bench/train_steps" ] || missing "the build has no bench/train_steps (cmake -DUNLEARN_BENCH=ON)"
  local suite=G7-best steps=10 warmup=4
  if [ -n "$tiny" ]; then
    suite=G-tiny steps=2 warmup=1
  else
    "$python" -c 'import liger_kernel' 2>/dev/null || missing "liger-kernel is not installed"
    "$source_dir/bench/gpu_table.sh" --model 7b >/dev/null
  fi
  "$python" "$source_dir/bench/compare_pytorch.py" --train-steps "$build/bench/train_steps" --suite "$suite" \
    --models "$UNLEARN_BENCH_MODELS" --steps "$steps" --warmup "$warmup" --output "$output"
}

attention() { "$python" "$source_dir/bench/attention_times.py" --device "$device" ${tiny:+--tiny} --json "$output/attention.json"; }

# rows PART ROW…: a folder for each part, as a table begins its rows anew.
rows() {
  mkdir -p "$output/rows"
  "$source_dir/bench/gpu_table.sh" "$build/unlearn" "$output/rows/$1" "${@:2}"
}

fp8() {
  "$build/unlearn" list settings | grep 'train\.fp8' >/dev/null || missing "this program has no train.fp8"
  UNLEARN_BENCH_STEPS=$([ -n "$tiny" ] && echo 7 || echo 200) rows fp8 T T8
}

printf '# Report of a GPU\n\n%s; %s; commit %s\n' \
  "$(nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader 2>/dev/null | head -1 || true) ($device)" \
  "$("$build/unlearn" --version)" "$(git -C "$source_dir" rev-parse --short HEAD 2>/dev/null || echo unknown)" \
  >>"$output/report.md"
for name in "${parts[@]}"; do
  case $name in
    tests) part tests 150 "Kernels against their CPU twins (ctest -L gpu)" kernel_tests ;;
    g7) part g7 120 "G7: 7B, 1+1 x 2,048, by kernel" timeline G7 ;;
    g6) part g6 120 "G6: 8B, NPO, 32+32, by kernel" timeline G6 ;;
    peer) part peer 240 "The best compiled PyTorch loop at 7B" peer ;;
    attention) part attention 60 "Attention by backend" attention ;;
    memory) part memory 180 "Rows that are about memory" rows memory G5q G5r G6 ;;
    fp8) part fp8 120 "FP8 against bf16, 1B" fp8 ;;
    *) echo "error: unknown part '$name' (see --help)" >&2 && exit 2 ;;
  esac
done
"$python" - "$output" >"$output/report.json" <<'PYTHON'
"""All that the parts have left, in one file."""
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
report = {"parts": [json.loads(line) for line in (folder / "parts.jsonl").read_text().splitlines()]}
for path in sorted(folder.glob("*.json")):
    if path.name != "report.json":
        report[path.stem] = json.loads(path.read_text())
rows = [json.loads(line) for path in sorted(folder.glob("rows/*/rows.jsonl")) for line in path.read_text().splitlines()]
if rows:
    report["rows"] = rows
print(json.dumps(report, indent=1))
PYTHON
cat "$output/report.md"
grep -q '"status": "failed"' "$output/parts.jsonl" && exit 1
exit 0
