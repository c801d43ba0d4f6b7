#!/usr/bin/env bash
# A sweep killed in the middle is completed by repeating the command, and ends with table and plot.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$source_dir" # the config names data/tiny and data/fiction
export UNLEARN=$unlearn
sweep=("$source_dir/scripts/sweep.sh" --config quickstart.yaml --method simnpo --beta "1,2.5"
  --gamma "0,0.5" --output "$work/sweep" -- --epochs 4 --set train.save_every=epoch)

# Killed while a run is going: the run stays behind unfinished.
"${sweep[@]}" >"$work/first.out" 2>"$work/first.err" &
pid=$!
for _ in $(seq 600); do
  [ -f "$work/sweep/beta=1,gamma=0.5/metrics.jsonl" ] && break
  sleep 0.1
done
pkill -KILL -P "$pid" || true
kill -KILL "$pid" 2>/dev/null || true
wait "$pid" 2>/dev/null || true
pkill -KILL -f "$work/sweep" || true
[ ! -e "$work/sweep/beta=2.5,gamma=0.5/run.json" ] || die "the sweep was over before it was killed"
cp "$work/sweep/beta=1,gamma=0/run.json" "$work/first_run.json"

"${sweep[@]}" >"$work/table.md" 2>"$work/second.err" || die "second try: $(cat "$work/second.err")"
expect "the finished run was skipped" grep -q "done already: $work/sweep/beta=1,gamma=0\$" "$work/second.err"
expect "the finished run was not touched" cmp -s "$work/first_run.json" "$work/sweep/beta=1,gamma=0/run.json"
for point in beta=1,gamma=0 beta=1,gamma=0.5 beta=2.5,gamma=0 beta=2.5,gamma=0.5; do
  expect "$point is done" grep -q '"status": "done"' "$work/sweep/$point/run.json"
  expect "$point has every step once" test "$(grep -c '"step":' "$work/sweep/$point/metrics.jsonl")" -eq 8
  expect "$point is in the table" grep -qF "| $point |" "$work/table.md"
done
expect "a table for spreadsheets" test -s "$work/sweep/report.csv"
expect "a page" grep -q '</html>' "$work/sweep/report.html"

# The same run alone gives the same weights as the one inside the sweep.
"$unlearn" train --config quickstart.yaml --method simnpo --epochs 4 --beta 2.5 --gamma 0.5 \
  --output "$work/alone" --quiet >/dev/null
expect "a point is a plain run" cmp -s "$work/alone/model/model.safetensors" \
  "$work/sweep/beta=2.5,gamma=0.5/model/model.safetensors"

# A Slurm array instead of running.
script=$("$source_dir/scripts/sweep.sh" --config quickstart.yaml --beta "1,2" --seed "1,2,3" \
  --output "$work/array" --slurm -- --model "a folder")
expect "one task a point" grep -q -- '--array=0-5' "$script"
expect "it is a script" bash -n "$script"

expect_error 2 "nothing to sweep" "$source_dir/scripts/sweep.sh" --output "$work/x"
expect_error 2 "unknown option '--betta'" "$source_dir/scripts/sweep.sh" --betta 1
expect_error 2 "dotted.key=value" "$source_dir/scripts/sweep.sh" --grid beta --output "$work/x"
echo "sweep: $checks checks passed"
