#!/usr/bin/env bash
# train.stop and train.keep: best: evaluations end a training and choose what it saves.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
export OMP_NUM_THREADS=1
run=("$unlearn" --config "$source_dir/configs/quickstart.yaml" --model "$source_dir/data/tiny"
  --data "$source_dir/data/fiction" --quiet --epochs 12 --set eval.at_end=false --set eval.every=4
  --set 'eval.metrics=[probability]' --set eval.rows=6 --set train.schedule=constant
  --set train.warmup_epochs=0)
stop() { python3 -c 'import json,sys; print(json.dumps(json.load(open(sys.argv[1]+"/run.json"))["stop"][sys.argv[2]]))' "$@"; }
# figure RUN STEP METRIC: of the evaluation after a step.
figure() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1/eval/step-$2/TOFU_SUMMARY.json" "$3"; }
ended() { # ended CODE FLAGS…
  local code=$1 got=0
  shift
  "${run[@]}" "$@" >said 2>last.log || got=$?
  [ "$got" -eq "$code" ] || die "exit code $got, not $code: $* ($(cat last.log))"
  checks=$((checks + 1))
}
middle() { python3 -c 'print((float("'"$1"'") + float("'"$2"'")) / 2)'; }

# The course of a run that nothing stops, and a limit between its second and third evaluation.
ended 0 --output whole --set train.save_every=never
forget=$(middle "$(figure whole 8 forget_Q_A_Prob)" "$(figure whole 12 forget_Q_A_Prob)")
early=$(middle "$(figure whole 4 retain_Q_A_Prob)" "$(figure whole 8 retain_Q_A_Prob)")

# The target ends it, and a training of as many steps has the same bits.
ended 0 --output reached --set "train.stop.forget=forget_Q_A_Prob <= $forget" --set train.keep=best
expect "after the third evaluation" test "$(stop reached last_step) $(stop reached saved_step)" = "12 12"
expect "reached" test "$(stop reached reached) $(stop reached damaged)" = "true false"
ended 0 --output twelve --set train.max_steps=12 --set eval.every=never
expect "the bits of twelve steps" test "$(weights reached)" = "$(weights twelve)"
expect "resuming it changes nothing" "${run[@]}" --resume --output reached \
  --set "train.stop.forget=forget_Q_A_Prob <= $forget" --set train.keep=best
expect "still the same" test "$(weights reached)" = "$(weights twelve)"

# A target that is out of reach: the damage limit ends it, the best state before is saved.
damage=(--set 'train.stop.forget=forget_Q_A_Prob <= 0' --set "train.stop.damage=retain_Q_A_Prob < $early")
ended 4 --output damaged "${damage[@]}" --set train.keep=best
expect "after the second evaluation" test "$(stop damaged last_step) $(stop damaged saved_step)" = "8 4"
ended 0 --output four --set train.max_steps=4 --set eval.every=never
expect "the bits of four steps" test "$(weights damaged)" = "$(weights four)"
ended 4 --output worse "${damage[@]}"
expect "which a warning says" grep -q 'the damaged state after step 8 is saved' last.log
ended 0 --output eight --set train.max_steps=8 --set eval.every=never
expect "without keep: best the last state is saved" test "$(weights worse)" = "$(weights eight)"

# Neither: exit code 4 at the end of the plan.
ended 4 --output neither --set 'train.stop.forget=forget_Q_A_Prob <= 0' --set train.max_steps=6
expect "the last step is evaluated, too" test -e neither/eval/step-6/TOFU_SUMMARY.json
expect "and the run says so" grep -q 'not reached in 6 steps' neither/run.json

# Killed before it is done, it decides the same; two processes, too.
kept=("${damage[@]}" --set train.keep=best --set train.save_every=1)
ended 4 --output shared "${kept[@]}" --nproc 2
expect "two processes" test "$(stop shared last_step) $(stop shared saved_step)" = "8 4"
"${run[@]}" --output killed "${kept[@]}" >/dev/null 2>&1 &
process=$!
until [ -e killed/eval/step-4/TOFU_SUMMARY.json ]; do sleep 0.02; done
kill -9 "$process"
wait "$process" 2>/dev/null || true
ended 4 --output killed "${kept[@]}" --resume
expect "the best state after a kill" test "$(weights killed)" = "$(weights four)"
# As if killed when the evaluation had ended the training and nothing was saved yet.
python3 - <<'PYTHON'
import json
record = json.load(open("killed/run.json"))
record["status"] = "running"
del record["stop"]
json.dump(record, open("killed/run.json", "w"))
PYTHON
ended 4 --output killed "${kept[@]}" --resume
expect "it does not go on past its end" test "$(wc -l <killed/metrics.jsonl)" = 8
expect "and saves the same" test "$(weights killed)" = "$(weights four)"

# Signals disturb no product: with oneDNN's kernels a handler's frame once lay in their buffers.
mixed=("${run[@]}" --set eval.every=never --set train.save_every=never --epochs 24)
UNLEARN_CPU_PRODUCTS=onednn "${mixed[@]}" --output quiet >said 2>last.log
UNLEARN_CPU_PRODUCTS=onednn "${mixed[@]}" --output signals >said 2>last.log &
pid=$!
for _ in $(seq 1000); do [ -s signals/metrics.jsonl ] && break; sleep 0.02; done
expect "it trains" test -s signals/metrics.jsonl
while kill -USR1 "$pid" 2>/dev/null && [ "$(status signals)" = '"status": "running"' ]; do sleep 0.01; done
code=0
wait "$pid" || code=$?
expect "many signals end nothing ($code: $(tail -n 1 last.log))" test "$code" -eq 0
expect "and change no bit" test "$(weights quiet | cut -d ' ' -f 1)" = "$(weights signals | cut -d ' ' -f 1)"

# Own data have figures of their own.
own=(--set data.benchmark=qa --set "data.forget=$source_dir/data/fiction/forget05.json"
  --set "data.retain=$source_dir/data/fiction/retain95.json" --set 'eval.metrics=[preference]')
ended 4 --output own "${own[@]}" --set train.max_steps=4 --set 'train.stop.forget=forget_AUC <= 0.01'

# What is refused, by name.
refused() { expect_error 2 "$1" "${run[@]}" --output none "${@:2}"; }
refused 'is no condition' --set 'train.stop.forget=forget_Q_A_Prob'
refused "reports no 'forget_Q_A_Porb' (did you mean 'forget_Q_A_Prob'" --set 'train.stop.forget=forget_Q_A_Porb < 1'
refused 'add model_utility to eval.metrics' --set 'train.stop.damage=model_utility < 0.5'
refused 'set eval.every' --set 'train.stop.forget=forget_Q_A_Prob < 1' --set eval.every=never
refused 'best needs train.stop.forget' --set train.keep=best
refused 'must be all, last, best or a number' --set train.keep=0
refused 'first_use:N' --set train.save_every=first_use:0
expect_error 2 'stops by --target' "$unlearn" forget --model "$source_dir/data/tiny" \
  --forget "$source_dir/data/fiction/forget05.json" --set 'train.stop.forget=forget_AUC < 1' --quiet
echo "stop: $checks checks"
