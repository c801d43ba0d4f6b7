#!/usr/bin/env bash
# bench/gpu_table.sh on the CPU with tiny shapes: every kind of row runs and says what it should.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

table() { # table DEVICE OUTPUT ROW…
  UNLEARN_BENCH_DEVICE=$1 UNLEARN_BENCH_TINY=1 "$source_dir/bench/gpu_table.sh" "$unlearn" "${@:2}"
}

rows=(G1 G5q G6d G8 T) # full, LoRA over 4 bits, light modes, KL at MUSE's lengths, no settings
table cpu "$work/table" "${rows[@]}" >"$work/stdout" 2>"$work/stderr" || die "$(cat "$work/stderr")"
expect "stdout is the table" cmp "$work/stdout" "$work/table/table.md"
expect "the device is named" grep -q '^Device: .*(cpu)' "$work/table/table.md"
expect "one JSON line per row" test "$(wc -l <"$work/table/rows.jsonl")" -eq ${#rows[@]}
number='[0-9]+(\.[0-9]+)?'
for id in "${rows[@]}"; do
  line="^\| $id \| tiny \| 2\+2 \| [a-z_]+ \| [^|]+ \| $number \| $number \| $number \| "
  line+="0\.[0-9]+ \(0\.[0-9]+\) \| $number \|$"
  expect "numbers of row $id: $(grep "^| $id" "$work/stdout")" grep -Eq "$line" "$work/stdout"
  expect "a time and tokens in the JSON of $id" grep -Eq \
    "\"row\": \"$id\".*\"median_seconds\": 0*[.0]*[1-9].*\"tokens_per_second\": 0*[.0]*[1-9]" \
    "$work/table/rows.jsonl"
done
got=0
table cpu "$work/unknown" G99 >/dev/null 2>"$work/stderr" || got=$?
expect "an unknown row is an error" test "$got" -ne 0
expect "which is named" grep -q "unknown row 'G99'" "$work/stderr"
if ! command -v nvidia-smi >/dev/null; then
  table cuda "$work/missing" G1 >"$work/stdout" 2>/dev/null
  expect "a row that cannot run says why" grep -q '^| G1 | tiny | 2+2 | simnpo | .* | error: .*|||||$' \
    "$work/stdout"
fi
echo "gpu_table: $checks checks"
