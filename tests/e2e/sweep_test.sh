#!/usr/bin/env bash
# A sweep killed in the middle is completed by repeating the command, and ends with table and plot.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$source_dir" # the config names data/tiny and data/fiction
export UNLEARN=$unlearn
sweep=("$source_dir/scripts/sweep.sh" --config quickstart.yaml --method simnpo --beta "1,2.5"
  --gamma "0,0.5" --output "$work/sweep" -- --epochs 4 --set train.save_every=epoch)

expect_status() { # expect_status CODE COMMAND…: whatever it says is in $work/stderr
  local code=$1 got=0
  shift
  "$@" >"$work/stdout" 2>"$work/stderr" || got=$?
  [ "$got" -eq "$code" ] || die "exit code $got, not $code: $* ($(cat "$work/stderr"))"
  checks=$((checks + 1))
}

# Killed while a run is going: the run stays behind unfinished.
setsid "${sweep[@]}" >"$work/first.out" 2>"$work/first.err" & # a process group of its own
pid=$!
for _ in $(seq 600); do
  [ -f "$work/sweep/beta=1,gamma=0.5/metrics.jsonl" ] && break
  sleep 0.1
done
kill -KILL -- "-$pid" 2>/dev/null || true
wait "$pid" 2>/dev/null || true
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

# Other settings in the same folder are refused, not reported as if they had been run.
expect_status 1 "${sweep[@]}" --set method.forget_weight=0.2
expect "a point says so" grep -q "^error: $work/sweep/beta=1,gamma=0 was run with other settings" "$work/stderr"

# So is a change in a file behind the config that was given.
printf 'extends: quickstart.yaml\ntrain: {epochs: 1, save_every: never}\n' >"$work/base.yaml"
printf 'extends: base.yaml\n' >"$work/own.yaml"
layered=("$source_dir/scripts/sweep.sh" --config "$work/own.yaml" --seed 1 --output "$work/layered")
expect_status 0 "${layered[@]}"
expect_status 0 "${layered[@]}"
sed -i 's/epochs: 1/epochs: 2/' "$work/base.yaml"
expect_status 1 "${layered[@]}"
expect "the changed base is noticed" grep -q "was run with other settings" "$work/stderr"

# A point that another sweep is running is left alone.
exec 8>>"$work/sweep/beta=1,gamma=0.log"
flock 8
expect_status 1 "${sweep[@]}"
expect "the held point is named" grep -q "another sweep is running $work/sweep/beta=1,gamma=0\$" "$work/stderr"
expect "no table of a part" grep -q "^error: no table yet: .* 1 of 4 points" "$work/stderr"
exec 8>&-

# An evaluation that was cut off after training is finished.
evaluated=("$source_dir/scripts/sweep.sh" --config=quickstart.yaml --seed=1 --output="$work/evaluated"
  -- --epochs 1 --set eval.at_end=true --set eval.rows=2)
"${evaluated[@]}" >"$work/table.md" 2>"$work/stderr" || die "with evaluation: $(cat "$work/stderr")"
summary=$work/evaluated/seed=1/eval/TOFU_SUMMARY.json
expect "it was evaluated" test -s "$summary"
rm "$summary"
"${evaluated[@]}" >"$work/table.md" 2>"$work/stderr" || die "evaluation again: $(cat "$work/stderr")"
expect "it is evaluated again" test -s "$summary"
"${evaluated[@]}" >"$work/table.md" 2>"$work/stderr" || die "nothing to do: $(cat "$work/stderr")"
expect "and then it is done" grep -q "done already" "$work/stderr"

# A Slurm array instead of running; a task runs its point and leaves the report to the end.
script=$("$source_dir/scripts/sweep.sh" --config quickstart.yaml --beta "1,2" --seed "1,2,3" \
  --output "$work/an array" --slurm -- --epochs 1 --set train.save_every=never 2>"$work/stderr")
expect "one task a point" grep -q -- '--array=0-5' "$script"
expect "how to get the table" grep -q 'without --slurm' "$work/stderr"
expect "nothing has run" test ! -e "$work/an array/beta=1,seed=1"
SLURM_ARRAY_TASK_ID=0 bash "$script" >"$work/task.out" 2>"$work/task.err" || die "task 0: $(cat "$work/task.err")"
expect "task 0 is done" grep -q '"status": "done"' "$work/an array/beta=1,seed=1/run.json"
expect "it took the program along" grep -qF "export UNLEARN=$unlearn" "$script"
expect "one point a task" test ! -e "$work/an array/beta=1,seed=2"
expect "no shared report" test ! -e "$work/an array/report.html"

# What the job asks for stands before its first command, where Slurm reads it.
job_lines() { sed -n '/^#SBATCH/p;/^set /q' "$1"; }
expect "its messages have a place" grep -qxF "#SBATCH --output=\"$work/an array/slurm-%A_%a.log\"" <(job_lines "$script")
expect "no GPU: said" grep -q "asks for no GPU; --gpus 1" "$work/stderr"
expect "no time limit: said" grep -q -- "--time 2:00:00" "$work/stderr"
script=$("$source_dir/scripts/sweep.sh" --config quickstart.yaml --beta 1,2 --output "$work/a%b" --slurm --gpus a100:2 \
  --time 2:30:00 --sbatch=--partition=gpu --sbatch --mem=64G 2>"$work/stderr")
for line in "--gres=gpu:a100:2" "--time=2:30:00" "--partition=gpu" "--mem=64G" "--array=0-1" \
  "--output=$work/a%%b/slurm-%A_%a.log"; do
  expect "the job says $line" grep -qxF -- "#SBATCH $line" <(job_lines "$script")
done
expect "nothing is missing" test "$(wc -l <"$work/stderr")" -eq 1
expect "and bash reads it" bash -n "$script"
sweep=("$source_dir/scripts/sweep.sh" --config quickstart.yaml --beta 1 --output "$work/refused")
expect_error 2 "--gpus needs a number" "${sweep[@]}" --slurm --gpus 0
expect_error 2 "--time needs Slurm's form" "${sweep[@]}" --slurm --time soon
expect_error 2 "--sbatch needs an option" "${sweep[@]}" --slurm --sbatch gpu
expect_error 2 "belong to --slurm" "${sweep[@]}" --gpus 1
expect "nothing is written" test ! -e "$work/refused"
expect_error 2 "--jobs needs a whole number" "$source_dir/scripts/sweep.sh" --jobs=none
expect_error 2 "nothing to sweep" "$source_dir/scripts/sweep.sh" --output "$work/x"
expect_error 2 "unknown option '--betta'" "$source_dir/scripts/sweep.sh" --betta 1
expect_error 2 "dotted.key=value" "$source_dir/scripts/sweep.sh" --grid beta --output "$work/x"
echo "sweep: $checks checks passed"
