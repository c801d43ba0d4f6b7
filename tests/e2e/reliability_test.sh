#!/usr/bin/env bash
# Nobody's files are lost: whatever lies where the program deletes or replaces, only what its
# manifests list goes. And no damage passes unnoticed.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
unset UNLEARN_CACHE_DIR
tiny=$source_dir/data/tiny
fiction=$source_dir/data/fiction
train=("$unlearn" train --config "$source_dir/configs/quickstart.yaml" --model "$tiny"
  --data "$fiction" --method npo --set train.max_steps=3 --set train.warmup_epochs=0
  --set train.save_every=1 --set train.keep=2 --log-level warning)

# plant PATH: a file of somebody else's. planted_stays WHAT: all of them are there, byte by byte.
planted=()
plant() {
  mkdir -p "$(dirname "$1")"
  echo "somebody's $1" >"$1"
  planted+=("$1")
}
planted_stays() {
  local path
  for path in "${planted[@]}"; do
    [ "$(cat "$path" 2>/dev/null)" = "somebody's $path" ] || die "$1: $path is lost or changed"
  done
  checks=$((checks + 1))
  planted=()
}
# fresh: the folder `run` as a finished run left it.
"${train[@]}" --output template >/dev/null
fresh() {
  rm -rf run
  cp -a template run
}
overwrite=("${train[@]}" --output run --overwrite)
replaced() { # replaced WHAT: --overwrite succeeds, and what was planted stays
  "${overwrite[@]}" >/dev/null 2>warned || die "$1: $(cat warned)"
  planted_stays "$1"
  expect "$1: the new run is whole" cmp template/model/model.safetensors run/model/model.safetensors
}
refused() { # refused PATTERN WHAT: nothing is touched
  (cd run && find . -type f -exec sha256sum {} + | sort) >before
  expect_error 2 "$1" "${overwrite[@]}"
  (cd run && find . -type f -exec sha256sum {} + | sort) >after
  planted_stays "$2"
  expect "$2: nothing has changed" cmp before after
}

expect "a run lists its files" grep -q '"config.resolved.yaml": {' template/unlearn_manifest.json
expect "a model lists its files" grep -q "$(sha256sum <template/model/model.safetensors | cut -c1-64)" \
  template/model/unlearn_manifest.json
expect "a finished run holds no lock" test ! -e template/unlearn.lock

# What is no run of this program: nothing in it is taken for one.
for record in '{}' '[]' '{"status": "done"}' '{"program": "unlearn", "status": "done"}'; do
  rm -rf run
  plant run/model/config.json
  plant run/model/model.safetensors
  plant run/eval/results.csv
  plant run/checkpoints/best/weights.bin
  plant run/adapter/adapter_model.safetensors
  plant run/tensorboard/events.out.tfevents.1
  echo "$record" >run/run.json
  refused "has no unlearn_manifest.json" "run.json is $record"
done
for record in '{}' '{"program": "other", "status": "done"}' '{"status": 3}'; do
  echo "$record" >run/run.json
  expect_error 2 "is no record of a run" "${train[@]}" --output run --resume
done
fresh
rm run/unlearn_manifest.json
refused "has no unlearn_manifest.json" "a run of an earlier version"
echo '{"program": "unlearn", "version": 1, "files": {"../victim": null, "run.json": null}}' \
  >run/unlearn_manifest.json
plant victim
refused "has no unlearn_manifest.json" "a manifest with a way out"

# Beside a run's own files.
fresh
plant run/notes.txt
plant run/.hidden
plant "run/two words
and a line"
plant run/model.bak/model.safetensors
plant run/run.json.bak
replaced "beside the run's files"
expect "what is left is named" grep -q "notes.txt" warned
fresh
plant run/model/README.md
plant run/model/runs/log.txt
plant run/eval/table.csv
plant run/eval/old/TOFU_EVAL.json
plant run/tensorboard/events.out.tfevents.1.other
plant run/reference/notes
replaced "inside the run's folders"
fresh
plant run/checkpoints/best/model.safetensors
plant run/checkpoints/notes.txt
plant run/checkpoints/step-2.bak/DONE
plant run/checkpoints/step-02/DONE
plant run/checkpoints/step-77/DONE
plant run/checkpoints/step-x
plant run/checkpoints/step-3/notes.txt
replaced "among the checkpoints"
fresh
cp -a run/checkpoints/step-3 run/checkpoints/step-3.bak
cp -a run/model run/backup
cp -a template run/before
"${overwrite[@]}" >/dev/null 2>&1
expect "a copy of a checkpoint stays" cmp template/checkpoints/step-3/model.safetensors \
  run/checkpoints/step-3.bak/model.safetensors
expect "a copy of the model stays" diff -r template/model run/backup
expect "a copy of the run stays" diff -r template run/before
fresh
mkdir run/empty run/checkpoints/empty
"${overwrite[@]}" >/dev/null 2>&1
expect "empty folders stay" test -d run/empty -a -d run/checkpoints/empty

# Own names that are not own files any more.
fresh
echo "# tuned by hand" >>run/config.resolved.yaml
refused "config.resolved.yaml was changed since" "edited settings"
fresh
sed -i 's/{/{ /' run/model/config.json
refused "model/config.json was changed since" "an edited model"
fresh
rm -r run/model
cp -r "$tiny" run/model
refused "run/model was not written by the run" "another model in the place"
fresh
mv run/model run/old
cp -r "$tiny" elsewhere
ln -s "$PWD/elsewhere" run/model
refused "run/model was not written by the run" "a link to another model"
expect "behind the link nothing has changed" diff -r "$tiny" elsewhere
fresh
plant disk/weights
rm run/model/model.safetensors
ln -s "$PWD/disk/weights" run/model/model.safetensors
refused "model/model.safetensors was changed since" "a link in the place of a file"
fresh
rm -r run/checkpoints
cp -a template/checkpoints disk/checkpoints
plant disk/checkpoints/best/model.safetensors
ln -s "$PWD/disk/checkpoints" run/checkpoints
"${overwrite[@]}" >/dev/null 2>warned
planted_stays "checkpoints on another disk"
expect "nothing behind the link is deleted" test -e disk/checkpoints/step-2/DONE
expect "and that is said" grep -q "behind this link" warned

# Copied without times: the content tells.
rm -rf run
cp -r template run
touch run/model/* run/config.resolved.yaml
replaced "a copied run"

# Pruning while a run goes on.
fresh
rm -r run/model
sed -i 's/"status": "done"/"status": "interrupted"/' run/run.json
rm -r run/checkpoints/step-3
plant run/checkpoints/best/model.safetensors
plant run/checkpoints/step-1/DONE
plant run/checkpoints/step-1/model.safetensors
plant run/checkpoints/step-0.bak
plant run/checkpoints/step-2/notes.txt
plant run/checkpoints/.step-2.tmp.mine/x
"${train[@]}" --output run --resume --set train.keep=1 >/dev/null 2>warned
planted_stays "pruning"
expect "the older checkpoint is pruned" test ! -e run/checkpoints/step-2/model.safetensors
expect "the run ends as ever" cmp template/model/model.safetensors run/model/model.safetensors
expect "what is left is named" grep -q "best, step-0.bak, step-1" warned

# Folders of models.
quantise=("$unlearn" quantise --model "$tiny" --bits 8 --log-level warning)
plant home/thesis.tex
plant home/config.json
plant home/model.safetensors
expect_error 2 "no model that this program wrote" "${quantise[@]}" --output home --overwrite
planted_stays "a home directory with a model"
"${quantise[@]}" --output rounded >/dev/null
plant rounded/README.md
plant rounded/figures/loss.png
"${quantise[@]}" --output rounded --overwrite >/dev/null 2>warned
planted_stays "beside a quantised model"
expect "what stays is named" grep -q "README.md: was not written" warned
echo changed >>rounded/config.json
sha256sum rounded/* >before 2>/dev/null || true
expect_error 2 "config.json: was changed since" "${quantise[@]}" --output rounded --overwrite
sha256sum rounded/* >after 2>/dev/null || true
expect "a changed model is not replaced" cmp before after
"$unlearn" task-vector --model "$tiny" --finetuned template/model --output vector >/dev/null
ln -s vector link
plant vector/notes.txt
"$unlearn" task-vector --model "$tiny" --finetuned template/model --alpha 2 --output link \
  --overwrite >/dev/null 2>&1
planted_stays "behind a link to a model"
expect "the link stays" test -L link
expect "no temporary folder is left" test -z "$(find . -maxdepth 1 -name '.*.tmp.*')"

# No output is an input.
cp -r "$tiny" model
echo '{"text": "one two three"}' >rows.jsonl
ln -s rows.jsonl rows.link
ln rows.jsonl rows.hard
cp -r model model.before
cp rows.jsonl rows.before
for output in rows.jsonl rows.link rows.hard ./model/../rows.jsonl; do
  expect_error 2 "is the input of --input" "$unlearn" score --model model --input rows.jsonl --output "$output"
done
for output in model/config.json model/model.safetensors model/scores.jsonl; do
  expect_error 2 "lies in --model" "$unlearn" score --model model --input rows.jsonl --output "$output"
done
onto_input() { "$@" 1<>rows.jsonl; }
expect_error 2 "stdout: is the input of --input" onto_input "$unlearn" score --model model --input rows.jsonl
echo '{"prompt": "one two"}' >prompts.jsonl
cp prompts.jsonl prompts.before
expect_error 2 "is the input of --input" "$unlearn" generate --model model --input prompts.jsonl \
  --output prompts.jsonl
expect_error 2 "lies in --whp-reinforced" "$unlearn" generate --model "$tiny" --prompt a \
  --whp-reinforced model --output model/config.json
echo '"text"' >text.jsonl
cp text.jsonl text.before
# shellcheck disable=SC2094
itself() { "$unlearn" tokenize --model "$tiny" <text.jsonl 1<>text.jsonl; }
code=0
itself 2>warned || code=$?
expect "tokenize does not write into its input" test "$code" -eq 2
expect "the inputs are as they were" diff -r model model.before
for name in rows prompts text; do expect "$name too" cmp "$name.jsonl" "$name.before"; done

# Results beside others' files.
plant report/report.md
expect_error 2 "report.md: is there and was not written by this program" "$unlearn" report template
planted_stays "a report by hand"
"$unlearn" report template --output page >/dev/null 2>&1
"$unlearn" report template --output page >/dev/null 2>&1
expect "own reports are replaced" test -e page/report.html
plant study/summary.json
expect_error 2 "summary.json: is there" "$unlearn" markov --output study
planted_stays "a summary by hand"
evaluate=("$unlearn" eval template/model --benchmark tofu --data "$fiction" --set data.forget=forget05
  --set 'eval.metrics=[probability]' --set eval.rows=2 --log-level warning)
plant evaluated/eval/TOFU_EVAL.json
plant evaluated/eval/notes.txt
expect_error 2 "TOFU_EVAL.json: is there" "${evaluate[@]}" --output evaluated
planted_stays "an evaluation by hand"
"${evaluate[@]}" --output own >/dev/null 2>&1
plant own/eval/notes.txt
"${evaluate[@]}" --output own >/dev/null 2>&1
planted_stays "beside an evaluation"
expect_error 2 "eval.retain_log: .* lies where the results are written" "${evaluate[@]}" --output own \
  --retain-log own/eval/TOFU_EVAL.json
cp own/eval/TOFU_EVAL.json log.before
expect_error 2 "is the input of --log" "$unlearn" metrics tofu --log own/eval/TOFU_EVAL.json \
  --output own/eval
expect "the log is as it was" cmp own/eval/TOFU_EVAL.json log.before
plant recomputed/aggregate_stat.csv
expect_error 2 "aggregate_stat.csv: is there" "$unlearn" metrics tofu --log own/eval/TOFU_EVAL.json \
  --output recomputed
planted_stays "a table by hand"

# A run that ends when it is stopped.
endless=("${train[@]}" --set train.max_steps=100000 --epochs 100000)
wait_for() { # wait_for WHAT COMMAND…: until the command succeeds, a minute at most
  local what=$1
  shift
  for _ in $(seq 3000); do
    if "$@" 2>/dev/null; then return; fi
    sleep 0.02
  done
  die "waited a minute for $what"
}

# Two processes, one output: the second is told of the first.
"${endless[@]}" --output shared >/dev/null 2>&1 &
pid=$!
has_checkpoint() { compgen -G "$1/checkpoints/step-*/DONE" >/dev/null; }
wait_for "a checkpoint" has_checkpoint shared
for how in --resume --overwrite; do
  expect_error 2 "another process is at work in it (process $pid on " "${endless[@]}" --output shared "$how"
done
kill -9 "$pid"
wait "$pid" 2>/dev/null || true
before=$(wc -l <shared/metrics.jsonl)
"${endless[@]}" --output shared --resume >/dev/null 2>&1 &
pid=$!
wait_for "a dead owner's lock to be taken" grep -q "\"process\":$pid" shared/unlearn.lock
checks=$((checks + 1))

# SIGUSR1 saves and goes on; SIGHUP saves and ends.
has_lines() { [ "$(wc -l <"$1" 2>/dev/null || echo 0)" -gt "$2" ]; }
wait_for "some steps" has_lines shared/metrics.jsonl "$before"
kill -USR1 "$pid"
sleep 0.2
expect "SIGUSR1 does not end a run" kill -0 "$pid"
kill -HUP "$pid"
code=0
wait "$pid" || code=$?
expect "SIGHUP ends it with 129, not $code" test "$code" -eq 129
expect "with a checkpoint of its last step" \
  test -e "shared/checkpoints/step-$(wc -l <shared/metrics.jsonl)/DONE"
expect "and says so" test "$(status shared)" = '"status": "interrupted"'
"${endless[@]}" --output saved --set train.save_every=never >/dev/null 2>&1 &
pid=$!
wait_for "some steps" test -s saved/metrics.jsonl
kill -USR1 "$pid"
wait_for "the checkpoint that SIGUSR1 asked for" has_checkpoint saved
checks=$((checks + 1))
kill -INT "$pid"
wait "$pid" || true

# Damage of a checkpoint: the run goes on from the older one, and ends in the same bytes.
flip() { # flip FILE: one bit in its middle
  python3 - "$1" <<'END'
import os, sys
with open(sys.argv[1], "r+b") as file:
    middle = os.path.getsize(sys.argv[1]) // 2
    file.seek(middle)
    byte = file.read(1)[0]
    file.seek(middle)
    file.write(bytes([byte ^ 1]))
END
}
damaged() { # damaged WHAT COMMAND…: a run that was killed after step 3, damaged by the command
  local what=$1
  shift
  fresh
  rm -r run/model
  sed -i 's/"status": "done"/"status": "running"/' run/run.json
  "$@"
  "${train[@]}" --output run --resume >/dev/null 2>warned || die "$what: $(cat warned)"
  expect "$what is said" grep -q "step-3: not whole: .*going on from the older one of step 2" warned
  expect "$what changes nothing" cmp template/model/model.safetensors run/model/model.safetensors
  expect "$what: all steps are recorded" test "$(wc -l <run/metrics.jsonl)" -eq 3
}
damaged "a bit of the weights" flip run/checkpoints/step-3/model.safetensors
damaged "a bit of the moments" flip run/checkpoints/step-3/optimizer.safetensors
damaged "another step" sed -i 's/"step": 3/"step": 1000000000/' run/checkpoints/step-3/state.json
damaged "another place in the data" sed -i -E 's/"stream_position": [0-9]+/"stream_position": 0/' \
  run/checkpoints/step-3/state.json
damaged "a cut file" truncate -s -1 run/checkpoints/step-3/optimizer.safetensors
damaged "a missing file" rm run/checkpoints/step-3/model.safetensors
damaged "a damaged list" truncate -s 100 run/checkpoints/step-3/unlearn_manifest.json
# shellcheck disable=SC2016
damaged "a lost line of metrics.jsonl" sed -i '$d' run/metrics.jsonl
damaged "a line of another type" sed -i '3s/"step":3/"step":"three"/' run/metrics.jsonl
damaged "a changed line" sed -i -E '3s/"loss":/"loss":1/' run/metrics.jsonl
fresh
sed -i 's/"status": "done"/"status": "running"/' run/run.json
rm run/metrics.jsonl
expect_error 2 "metrics.jsonl is missing; no older checkpoint is whole either" "${train[@]}" --output run --resume

# A run that is done and has lost its model makes it again.
fresh
rm -r run/model
"${train[@]}" --output run --resume >/dev/null 2>warned
expect "the lost model is made again" cmp template/model/model.safetensors run/model/model.safetensors
expect "and that is said" grep -q "model/.* is missing; what the run saved is recomputed" warned
fresh
expect "nothing to resume" "${train[@]}" --output run --resume

# Killed at its very beginning.
mkdir young
echo '{"program": "unlearn", "status": "running"}' >young/run.json
"${train[@]}" --output young --resume >/dev/null 2>&1
expect "a run without its settings file goes on" cmp template/model/model.safetensors young/model/model.safetensors
finetune=("$unlearn" finetune --model "$tiny" --data "$fiction" --set data.train=retain95 --set train.max_steps=1
  --set train.warmup_epochs=0 --log-level warning --resume)
mkdir younger
echo '{"program": "unlearn", "status": "running"}' >younger/run.json
"${finetune[@]}" --output younger >/dev/null 2>&1
expect "also one that was started by flags alone" test -s younger/model/model.safetensors
rm younger/config.resolved.yaml
expect_error 2 "no younger/config.resolved.yaml; give the run's --config or flags again" \
  "$unlearn" finetune --output younger --resume

# The model's folder may go while a run goes on.
cp -r "$tiny" moved
"${train[@]}" --model moved --set train.save_every=never --set train.max_steps=16 --epochs 1000 \
  --output lonely >/dev/null 2>&1 &
pid=$!
wait_for "three steps" has_lines lonely/metrics.jsonl 2
rm -r moved
wait "$pid" || die "a run without its model's folder: $(cat lonely/run.json)"
expect "its tokenizer is saved all the same" cmp "$tiny/tokenizer.json" lonely/model/tokenizer.json

# What is not finite is never saved.
expect_error 3 "holds NaN or infinities; it is not saved" "${train[@]}" --set train.weight_decay=1e300 \
  --set train.warmup_epochs=0 --output decayed
expect "no poisoned checkpoint" test -z "$(find decayed -name DONE)"
expect "no poisoned model" test ! -e decayed/model
expect "the run has failed" test "$(status decayed)" = '"status": "failed"'
cp -r "$tiny" wide
python3 - wide/model.safetensors <<'END'
import json, struct, sys
with open(sys.argv[1], "r+b") as file:
    size = struct.unpack("<Q", file.read(8))[0]
    entry = json.loads(file.read(size))["model.norm.weight"]
    file.seek(8 + size + entry["data_offsets"][1] - 2)
    file.write(bytes.fromhex("0048"))  # 131072, as bfloat16 or the upper half of float32
END
code=0 # (a warning comes first: this model knows nothing any more)
"${train[@]}" --model wide --set model.save_dtype=float16 --output narrow >/dev/null 2>narrow.log || code=$?
expect "numbers too large for float16 are no result" test "$code" -eq 3
expect "the tensor is named" grep -q "error: .*'model.norm.weight' holds numbers too large for F16" narrow.log
expect "no model with infinities" test ! -e narrow/model

# Closed descriptors: no log line ends up in a file of the run.
without_stderr() { "${train[@]}" --log-level debug --output closed 2>&- >/dev/null; }
without_stderr
expect "metrics.jsonl holds its lines alone" test "$(grep -vc '^{.*}$' closed/metrics.jsonl)" -eq 0
without_any() { "${train[@]}" --log-level debug --output shut 0>&- 1>&- 2>&-; }
without_any || true
expect "nor without any" test "$(grep -vc '^{.*}$' shut/metrics.jsonl)" -eq 0
expect "and the run is the same" cmp template/model/model.safetensors shut/model/model.safetensors
lists_nowhere() { "$unlearn" list methods 1>&-; }
expect_error 2 "stdout: cannot write" lists_nowhere

# Reads are checked: /proc/self/mem opens and gives an input error.
expect_error 2 "/proc/self/mem: cannot be read at byte 0: Input/output error" "$unlearn" score \
  --model "$tiny" --input /proc/self/mem
mkfifo silent
expect_error 2 "is a named pipe, and nobody has written to it" "$unlearn" score --model "$tiny" --input silent
expect "a pipe that is written to is read" "$unlearn" score --model "$tiny" \
  --input <(sleep 0.5; cat rows.jsonl) --output piped.jsonl

echo "reliability: $checks checks"
