#!/usr/bin/env bash
# A run is a value: killed, stopped, repeated or resumed, it ends with the same bits.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
export OMP_NUM_THREADS=1
unset UNLEARN_CACHE_DIR
run=("$unlearn" --config "$source_dir/configs/quickstart.yaml" --model "$source_dir/data/tiny"
  --data "$source_dir/data/fiction" --quiet)
# NPO with a KL term: needs the reference cache, and 40 steps to be interrupted in.
settings=(--method npo --set method.retain_loss=kl --epochs 20 --set train.save_every=1)

metrics() { sed -E 's/"seconds":[^,}]*//' "$1/metrics.jsonl"; }
same_run() { # same_run WHAT FOLDER
  expect "$1: same weights" test "$(weights straight)" = "$(weights "$2")"
  expect "$1: same metrics" cmp <(metrics straight) <(metrics "$2")
}
# start FOLDER ARGUMENT…: in the background, until five steps are saved; sets $pid
start() {
  "${run[@]}" "${settings[@]}" --output "$@" >"$1.log" 2>&1 &
  pid=$!
  for _ in $(seq 3000); do
    for done in "$1"/checkpoints/step-*/DONE; do
      case $done in */step-[5-9]/DONE | */step-[1-5][0-9]/DONE) return ;; esac
    done
    kill -0 "$pid" 2>/dev/null || die "ended before it could be stopped: $(cat "$1.log")"
    sleep 0.02
  done
  die "no checkpoint after a minute"
}

# A plan writes nothing.
"${run[@]}" "${settings[@]}" --output plan --dry-run >plan.txt
expect "the plan tells the steps" grep -q "^steps  *40 " plan.txt
expect "the plan wrote nothing" test ! -e plan

"${run[@]}" "${settings[@]}" --output straight >/dev/null
expect "all steps are recorded" test "$(wc -l <straight/metrics.jsonl)" -eq 40
expect "run.json says done" test "$(status straight)" = '"status": "done"'
expect "two checkpoints are kept" test "$(find straight/checkpoints -name DONE | wc -l)" -eq 2
for file in tokenizer.json tokenizer_config.json special_tokens_map.json generation_config.json; do
  expect "$file is carried over" cmp "$source_dir/data/tiny/$file" "straight/model/$file"
done

# kill -9, then --resume.
start killed
kill -9 "$pid"
wait "$pid" 2>/dev/null && die "the killed run ended well"
expect "no model yet" test ! -e killed/model
expect_error 2 "is not empty" "${run[@]}" "${settings[@]}" --output killed
"${run[@]}" "${settings[@]}" --output killed --resume >/dev/null 2>&1
same_run "killed and resumed" killed

# A resumed run must be the same run, on the same data.
cp -r "$source_dir/data/fiction" own_data
other=("${run[@]}" "${settings[@]}" --output other --data own_data)
start other --data own_data
kill -9 "$pid"
wait "$pid" 2>/dev/null || true
cp other/config.resolved.yaml other.yaml
cp other/run.json other.json
expect_error 2 "train.lr was" "${other[@]}" --resume --lr 0.5
sed -i.before '1s/^/ /' own_data/forget05.json
expect_error 2 "own_data/forget05.json has changed since" "${other[@]}" --resume
mv own_data/forget05.json.before own_data/forget05.json
expect "a refused resume notes nothing in run.json" cmp other/run.json other.json
expect "nor in the settings" cmp other/config.resolved.yaml other.yaml
"${other[@]}" --resume >/dev/null 2>&1
same_run "resumed after two refusals" other

# Killed after the model was written and before the run said so.
sed -i 's/"status": "done"/"status": "running"/' other/run.json
"${other[@]}" --resume >/dev/null 2>&1
same_run "resumed at its very end" other

# Evaluations in between change nothing, whatever is recomputed, and are made up for.
watched=("${run[@]}" "${settings[@]}" --output watched --set train.recompute=full
  --set eval.every=20 --set 'eval.metrics=[mia_gradnorm]' --set eval.rows=2)
"${watched[@]}" >/dev/null
same_run "evaluated in between" watched
cp -r watched/eval eval_before
rm -r watched/eval/step-40
sed -i 's/"status": "done"/"status": "interrupted"/' watched/run.json
"${watched[@]}" --resume >/dev/null 2>&1
expect "the last step's evaluation is made up for" cmp eval_before/step-40/TOFU_SUMMARY.json \
  watched/eval/step-40/TOFU_SUMMARY.json

# Killed while it evaluated: the evaluation is made up for, with the run's own settings only.
late=("${run[@]}" --output late --set train.max_steps=3 --set train.save_every=never
  --set eval.at_end=true --set 'eval.metrics=[probability]' --set eval.rows=2)
"${late[@]}" >/dev/null
sed -i 's/"status": "done"/"status": "evaluating"/' late/run.json
rm late/eval/TOFU_SUMMARY.json
cp late/model/model.safetensors late.safetensors
expect_error 2 "started with other settings" "${late[@]}" --resume --lr 0.5
"${late[@]}" --resume >/dev/null
expect "evaluated after all" test -e late/eval/TOFU_SUMMARY.json
expect "without training again" cmp late/model/model.safetensors late.safetensors
expect "and done" test "$(status late)" = '"status": "done"'

# Killed while it was replaced, or at its very first write: --overwrite takes the folder.
sed -i 's/"status": "done"/"status": "running"/' late/run.json
rm -r late/model
"${late[@]}" --overwrite >/dev/null
mkdir torn
touch torn/run.json.tmp.123
"${late[@]}" --output torn >/dev/null
expect "a folder with a torn first write counts as empty" test "$(status torn)" = '"status": "done"'

# SIGTERM and SIGINT: a checkpoint, then exit code 128 + signal.
for signal in TERM INT; do
  start "$signal"
  kill "-$signal" "$pid"
  code=0
  wait "$pid" || code=$?
  expected=143
  [ "$signal" = TERM ] || expected=130
  expect "exit code of SIG$signal is $expected, not $code" test "$code" -eq "$expected"
  expect "run.json says interrupted" test "$(status "$signal")" = '"status": "interrupted"'
  steps=$(wc -l <"$signal/metrics.jsonl")
  expect "the last step is saved" test -e "$signal/checkpoints/step-$steps/DONE"
  "${run[@]}" "${settings[@]}" --output "$signal" --resume >/dev/null 2>&1
  same_run "SIG$signal" "$signal"
done

# The resolved config repeats the run; so does --overwrite.
"$unlearn" --config straight/config.resolved.yaml --output repeated --quiet >/dev/null
same_run "repeated from config.resolved.yaml" repeated
"${run[@]}" "${settings[@]}" --output repeated --overwrite >/dev/null
same_run "overwritten" repeated

# Not finite: exit code 3, nothing past the last good step.
bad=("$unlearn" --method ga --model "$source_dir/data/tiny" --data "$source_dir/data/fiction" --quiet
  --set data.forget=forget05 --set train.batch_size=5 --epochs 400 --lr 10
  --set train.max_grad_norm=0 --set train.warmup_epochs=0 --set train.schedule=constant --set train.save_every=1)
expect_error 3 "error: step [0-9]*: .* nothing past step" "${bad[@]}" --output bad
failed=$(sed -E 's/.*error: step ([0-9]+):.*/\1/' messages)
expect "run.json says failed" test "$(status bad)" = '"status": "failed"'
expect "no model" test ! -e bad/model
expect "metrics end before step $failed" test "$(wc -l <bad/metrics.jsonl)" -eq $((failed - 1))
if [ "$failed" -gt 1 ]; then
  expect "the last good step is saved" test -e "bad/checkpoints/step-$((failed - 1))/DONE"
fi
expect "the bad step is not saved" test ! -e "bad/checkpoints/step-$failed"
echo "runs: $checks checks passed"
