#!/usr/bin/env bash
# bench/gpu_report.sh on the CPU with tiny shapes: every part runs, or says what is not here.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

build=$(dirname "$unlearn")
report() { # report OUTPUT OPTION…
  UNLEARN_BENCH_STEPS=3 "$source_dir/bench/gpu_report.sh" --device cpu --tiny "${@:2}" "$build" "$1" \
    >"$work/stdout" 2>"$work/stderr"
}
status() { # status OUTPUT PART: "status reason"
  sed -n "s/.*\"part\": \"$2\", \"status\": \"\([a-z]*\)\", \"seconds\": \"[0-9]*\", \"reason\": \"\(.*\)\".*/\1 \2/p" \
    "$1/parts.jsonl"
}

report "$work/rows" --part memory --part fp8 || die "$(cat "$work/stdout" "$work/stderr")"
expect "the rows ran" test "$(status "$work/rows" memory)" = "ok "
for id in G5q G5r G6; do
  expect "row $id is in the report" grep -q "^| $id | tiny | .* | [0-9.]* | [0-9]* | " "$work/rows/report.md"
done
expect "all is in one JSON" python3 -c 'import json, sys
report = json.load(open(sys.argv[1]))
assert sorted({r["row"] for r in report["rows"]} & {"G5q", "G5r", "G6"}) == ["G5q", "G5r", "G6"], report["rows"]
assert [p["part"] for p in report["parts"]] == ["memory", "fp8"]' "$work/rows/report.json"
if ! "$unlearn" list settings | grep 'train\.fp8' >/dev/null; then
  expect "what is not built is missing" test "$(status "$work/rows" fp8)" = "missing this program has no train.fp8"
  expect "and the report says so" grep -q "Not complete: this program has no train.fp8" "$work/rows/report.md"
else
  expect "both kinds of products are timed" test "$(status "$work/rows" fp8)" = "ok "
fi

# No time is no failure, and a part that fails is one.
report "$work/late" --minutes 0 --part memory
expect "out of time" grep -q "Not run: out of time" "$work/late/report.md"
got=0
PYTHON="$work/absent" report "$work/broken" --part memory || got=$?
expect "without an interpreter nothing is written as a result" test "$got" -ne 0

if [ -x "$build/bench/train_steps" ] && "${PYTHON:-python3}" -c 'import torch, transformers' 2>/dev/null; then
  report "$work/timed" --part g7 --part peer --part attention || die "$(cat "$work/stdout" "$work/stderr")"
  for name in g7 peer attention; do
    expect "part $name ran" test "$(status "$work/timed" "$name")" = "ok "
  done
  expect "operators by time" grep -Eq '^\| .aten::mm. \| [0-9]+ \| [0-9.]+ \| [0-9.]+ % \|$' "$work/timed/report.md"
  expect "their times add up" python3 -c 'import json, sys
g7 = json.load(open(sys.argv[1]))["G7"]
assert abs(sum(r["ms"] for r in g7["rows"]) - g7["total_ms"]) < 1e-6 * g7["total_ms"]
assert 0 < g7["total_ms"] < 20 * g7["step_ms"], g7' "$work/timed/report.json"
fi

got=0
"$source_dir/bench/gpu_report.sh" --nonsense x "$build" "$work/no" 2>"$work/stderr" || got=$?
expect "an unknown option is refused" test "$got" -eq 2
expect "and named" grep -q "unknown option '--nonsense'" "$work/stderr"
echo "gpu_report: $checks checks"
