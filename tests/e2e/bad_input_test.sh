#!/usr/bin/env bash
# Every mistake at the door: one line, exit code 2, nothing half-written.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
tiny=$source_dir/data/tiny
fiction=$source_dir/data/fiction
run=(train --config "$source_dir/configs/quickstart.yaml" --model "$tiny" --data "$fiction" --output "$work/run")

nothing_written() { expect "no run folder after: $1" test ! -e "$work/run"; }

# Flags
expect_error 2 "unknown command 'trian' (did you mean 'train'?)" "$unlearn" trian
expect_error 2 "unknown flag '--epoch' (did you mean '--epochs'?)" "$unlearn" "${run[@]}" --epoch 3
expect_error 2 "unknown flag '--x'; see" "$unlearn" "${run[@]}" --x 3
expect_error 2 "unknown command 'versions' (did you mean 'version'?)" "$unlearn" versions
expect_error 2 "unknown command 'nonsense'; see" "$unlearn" nonsense
expect_error 2 "did you mean '--lr'?" "$unlearn" "${run[@]}" --learning-rate 1
expect_error 2 "did you mean '--epochs'?" "$unlearn" "${run[@]}" --num_train_epochs=1
expect_error 2 "did you mean '--batch-size'? it counts" "$unlearn" "${run[@]}" --per_device_train_batch_size 1
expect_error 2 "did you mean '--batch-size'? it counts" "$unlearn" "${run[@]}" --gradient_accumulation_steps 1
expect_error 2 "did you mean '--set train.weight_decay'?" "$unlearn" "${run[@]}" --weight-decay 0
expect_error 2 "unknown key 'lr' (did you mean 'train.lr'?)" "$unlearn" "${run[@]}" --set lr=1
expect_error 2 "did you mean 'train.epochs'?" "$unlearn" "${run[@]}" --set train.num_train_epochs=1
expect_error 2 "unknown key 'train.nonsense'$" "$unlearn" "${run[@]}" --set train.nonsense=1
expect_error 2 "there is no 'trian' (did you mean 'train'?)" "$unlearn" list settings trian
expect_error 2 "there is no 'simpno' (did you mean 'simnpo'?)" "$unlearn" list methods simpno
expect_error 2 "must be one of\|not in" "$unlearn" completion csh
expect_error 2 "--batch-size: must be a whole number" "$unlearn" "${run[@]}" --batch-size 2.5
expect_error 2 "epochs" "$unlearn" "${run[@]}" --epochs many
expect_error 2 "must be > 0" "$unlearn" "${run[@]}" --epochs 0
expect_error 2 "exclude each other" "$unlearn" "${run[@]}" --resume --overwrite
expect_error 2 "unknown level" "$unlearn" "${run[@]}" --log-level loud
expect_error 2 "no model" "$unlearn" train --output "$work/run"
expect_error 2 "no run folder" "$unlearn" train --model "$tiny"
expect_error 2 "--seed: must be a whole number" "$unlearn" "${run[@]}" --seed 99999999999999999999
expect_error 2 "--seed: must not be empty" "$unlearn" "${run[@]}" --seed ""
expect_error 2 "--output: must not be empty" "$unlearn" "${run[@]}" --output ""
expect_error 2 "--lr: must be a finite number" "$unlearn" "${run[@]}" --lr nan
expect_error 2 "argument 2: not valid UTF-8" "$unlearn" train $'--output=\xff'
into_full_disk() { "$@" >/dev/full; }
expect_error 2 "stdout: cannot write" into_full_disk "$unlearn" list methods
expect "every command tells its version" test "$("$unlearn" score --version)" = "$("$unlearn" --version)"
"$unlearn" train --help >help.txt
expect "the usage can be typed" grep -q "^Usage: unlearn train" help.txt
nothing_written flags

# A plan checks every input that the run will read.
for checked in --dry-run --quiet; do
  expect_error 2 "absent" "$unlearn" "${run[@]}" $checked --method npo --ref-model "$work/absent"
  expect_error 2 "no adapter_config.json" "$unlearn" "${run[@]}" $checked \
    --set "model.adapter=$work/absent"
  expect_error 2 "absent" "$unlearn" "${run[@]}" $checked --set eval.at_end=true \
    --set "eval.retain_log=$work/absent"
  expect_error 2 "blocks 0 to 3" "$unlearn" --model "$tiny" --data "$fiction" --output "$work/run" \
    $checked --method rmu --set data.forget=forget05 --set method.layer=99
  expect_error 2 "cannot be added to" "$unlearn" "${run[@]}" $checked \
    --set train.free_gradients=true --set train.max_grad_norm=0 --set train.batch_tokens=80
done
nothing_written "inputs of a plan"

# --overwrite takes nothing away that the run reads, and nothing for a run that cannot be.
short=(--set train.max_steps=1 --set train.warmup_epochs=0 --set train.save_every=1 --quiet)
"$unlearn" "${run[@]}" "${short[@]}" >/dev/null
expect_error 2 "model.path .* is part of the run" "$unlearn" "${run[@]}" --overwrite \
  --model "$work/run/model"
mkdir "$work/run/eval"
cp "$fiction/forget05.json" "$work/run/eval/forget.json"
expect_error 2 "data.forget .* is part of the run" "$unlearn" "${run[@]}" --overwrite \
  --set data.benchmark=qa --set "data.forget=$work/run/eval/forget.json" \
  --set "data.retain=$fiction/retain95.json"
expect_error 2 "absent" "$unlearn" "${run[@]}" --overwrite --method npo --ref-model "$work/absent"
expect "the earlier run is still there" test -e "$work/run/model/model.safetensors"
"$unlearn" "${run[@]}" --dry-run --quiet >plan 2>warned
expect "a plan beside a finished run is printed" grep -q "^steps" plan
expect "with a warning" grep -q "exists and is not empty" warned
state=$(ls "$work"/run/checkpoints/*/state.json)
sed -i.before -E 's/"stream_position": *[0-9]+/"stream_position": -7/' "$state"
sed -i 's/"status": "done"/"status": "failed"/' "$work/run/run.json"
expect_error 2 "not whole: state.json" "$unlearn" "${run[@]}" "${short[@]}" --resume
echo '[]' >"$work/run/run.json"
expect_error 2 "no record of a run" "$unlearn" "${run[@]}" --resume
expect_error 2 "no record of a run" "$unlearn" "${run[@]}" --resume --dry-run
rm -r "$work/run"

# Methods, keys, types, ranges
expect_error 2 "did you mean 'simnpo'" "$unlearn" "${run[@]}" --method simnp
expect_error 2 "did you mean 'train.epochs'" "$unlearn" "${run[@]}" --set train.epoch=3
expect_error 2 "dotted.key=value" "$unlearn" "${run[@]}" --set train.epochs
expect_error 2 "a whole number" "$unlearn" "${run[@]}" --set train.batch_size=2.5
expect_error 2 "did you mean 'sam'" "$unlearn" "${run[@]}" --set train.update.name=sem
expect_error 2 "did you mean 'train.update.rho'" "$unlearn" "${run[@]}" --set 'train.update={name: sam, roh: 1}'
expect_error 2 "unknown key 'train.update.rho'" "$unlearn" "${run[@]}" --set train.update.rho=1
expect_error 2 "train.update: is a section" "$unlearn" "${run[@]}" --set train.update=sam
expect_error 2 "method: is a section" "$unlearn" "${run[@]}" --set method=npo
expect_error 2 "train.update: gru needs a retain term" "$unlearn" "${run[@]}" --set train.update.name=gru \
  --set method.retain_loss=none
expect_error 2 "train.update: sam makes.*train.free_gradients" "$unlearn" "${run[@]}" \
  --set train.update.name=sam --set train.free_gradients=true --set train.max_grad_norm=0
expect_error 2 "must be one of linear" "$unlearn" "${run[@]}" --set train.schedule=sine
expect_error 2 "must be > 0" "$unlearn" "${run[@]}" --beta 0
expect_error 2 "give one" "$unlearn" "${run[@]}" --gamma 0.5 --set method.delta=0.2
expect_error 2 "unknown quirk" "$unlearn" "${run[@]}" --set 'train.compat=[nonsense]'
expect_error 2 "unknown template" "$unlearn" "${run[@]}" --set model.template=lama2
expect_error 2 "micro_batch_size" "$unlearn" "${run[@]}" --set train.averaging=micro_batch_mean
expect_error 2 "no CUDA device\|cannot be loaded\|there are devices" "$unlearn" "${run[@]}" --device cuda:99
expect_error 2 "must be auto, cpu" "$unlearn" "${run[@]}" --device tpu
expect_error 2 "hold no full batch" "$unlearn" "${run[@]}" --set train.batch_size=100000
printf 'train:\n  epochz: 3\n' >typo.yaml
expect_error 2 "typo.yaml:2: unknown key 'train.epochz'" "$unlearn" train --config typo.yaml --model "$tiny" --output "$work/run"
printf 'train: [1\n' >broken.yaml
expect_error 2 "broken.yaml:.*not valid YAML" "$unlearn" train --config broken.yaml
printf 'train: &x {lr: *x}\n' >circle.yaml
expect_error 2 "circle.yaml:1: 'train': maps go in a circle" "$unlearn" train --config circle.yaml
expect_error 2 "config 'absent' not found" "$unlearn" train --config absent
nothing_written config

# Model folders
expect_error 2 "absent-model" "$unlearn" "${run[@]}" --model absent-model
mkdir empty-model && expect_error 2 "config.json" "$unlearn" "${run[@]}" --model empty-model
cp -r "$tiny" broken-model
head -c 100 "$tiny/model.safetensors" >broken-model/model.safetensors
expect_error 2 "model.safetensors" "$unlearn" "${run[@]}" --model broken-model
cp -r "$tiny" no-tokenizer && rm no-tokenizer/tokenizer.json
expect_error 2 "tokenizer" "$unlearn" "${run[@]}" --model no-tokenizer
cp -r "$tiny" alien && sed -i 's/"model_type": "llama"/"model_type": "mamba"/' alien/config.json
expect_error 2 "mamba" "$unlearn" "${run[@]}" --model alien
nothing_written model

# Data
expect_error 2 "did you mean 'forget05'" "$unlearn" "${run[@]}" --set data.forget=forget5
expect_error 2 "absent-data" "$unlearn" "${run[@]}" --data absent-data
bad_rows() { # bad_rows PATTERN CONTENT
  printf '%b' "$2" >rows.jsonl
  expect_error 2 "$1" "$unlearn" "${run[@]}" --set data.benchmark=qa --set data.forget=rows.jsonl \
    --set data.retain=rows.jsonl
}
bad_rows "rows.jsonl: row 1: no field 'answer'" '{"question":"a?","answer":"b"}\n{"question":"a?"}\n'
bad_rows "row 0: field 'answer' is empty" '{"question":"a?","answer":""}\n'
bad_rows "row 0: field 'question' must be text" '{"question":3,"answer":"b"}\n'
bad_rows "row 1: not valid JSON" '{"question":"a?","answer":"b"}\n{"question\n'
bad_rows "holds no row" '\n'
bad_rows "row 0: " '{"question":"a?","answer":"\\ud800"}\n'
# Bytes that are no text of ours, other formats and shapes, each with a way out.
row='{"question":"a?","answer":"b"}'
bad_rows "row 1: not valid JSON: a NUL byte at byte 31" "$row\\n$row\\0$row\\n"
bad_rows "rows.jsonl: the gzip file ends early" '\x1f\x8b\b'
bad_rows "is a Parquet file; .*read_parquet('rows.jsonl')" 'PAR1'
bad_rows "is UTF-16 text; .*iconv -f UTF-16 -t UTF-8 rows.jsonl" '\xff\xfea\0'
bad_rows "looks like CSV .*csv.DictReader" 'question,answer\na?,b\n'
bad_rows "is one object of lists (columns question, answer)" '{"question":["a?"],"answer":["b"]}'
bad_rows "is one JSON object over several lines" '{\n "question":"a?",\n "answer":"b"\n}\n'
bad_rows "row 0: field 'answer' must be text" '{"question":"a?","answer":NaN}\n'
text=(--set data.benchmark=text --set data.forget=mine.txt --set data.retain=keep.txt)
echo 'Something that may well be kept.' >keep.txt
echo '{"text":"A JSON row."}' >mine.txt
expect_error 2 "mine.txt: holds JSON rows, no plain text; name it mine.jsonl" "$unlearn" "${run[@]}" "${text[@]}"
# What is to be forgotten is not to be kept.
bad_rows "is also to be kept: of rows.jsonl and rows.jsonl row 0 = row 0 (1 in all); take them out" \
  "{\"question\":\"a?\",\"answer\":\"b\",\"weight\":NaN}\\n"
printf 'One.\nSomething that  MAY well be kept.\n' >mine.txt
expect_error 2 "mine.txt and keep.txt line 2 = line 1 (1 in all)" "$unlearn" "${run[@]}" "${text[@]}"
expect_error 2 "row 0 = row 190, " "$unlearn" "${run[@]}" --set data.retain=full
expect_error 2 "data.alternate: the method needs refusal lines; name a file (idontknow.jsonl" \
  "$unlearn" train --method idk --model "$tiny" --output "$work/run" --set data.benchmark=qa \
  --set data.forget="$fiction/forget05.json" --set data.retain="$fiction/retain95.json"
expect_error 2 "data.forget: .*forget01_perturbed.json not found; .*data.forget=forget05 or forget10" \
  "$unlearn" eval --model "$tiny" --data "$fiction" --output "$work/run"
nothing_written data

# An existing run is not touched.
mkdir run && echo keep >run/notes.txt
expect_error 2 "is not empty" "$unlearn" "${run[@]}"
expect_error 2 "is no run folder" "$unlearn" "${run[@]}" --overwrite
expect "the stranger's file is still there" grep -q keep run/notes.txt

# Only models are replaced, and never what they are made from.
expect_error 2 "holds no model" "$unlearn" quantise --model "$tiny" --bits 8 --output run --overwrite
expect "the stranger's file is still there" grep -q keep run/notes.txt
cp -r "$tiny" model
expect_error 2 "the input model lies in it" "$unlearn" quantise --model model --bits 8 --output model/ --overwrite
expect_error 2 "the input model lies in it" "$unlearn" task-vector --model "$tiny" --finetuned model \
  --output model --overwrite
"$unlearn" quantise --model model --bits 4 --output rounded >/dev/null
"$unlearn" quantise --model model --bits 8 --output rounded --overwrite >/dev/null
expect_error 2 "'model.embed_tokens.weight' would not be finite" "$unlearn" task-vector \
  --model model --finetuned rounded --alpha 1e300 --output vector
expect "nothing of it is left" test ! -e vector

# score and generate
printf '{"prompt": "Who?", "answer": "Me."}\n' >pair.jsonl
score=("$unlearn" score --model "$tiny" --input pair.jsonl --quiet)
for flag in --temperature --top-p --whp-alpha; do
  expect_error 2 "$flag: must be a finite number" "$unlearn" generate --model "$tiny" --prompt a $flag nan
done
expect_error 2 "no model: give --model" "$unlearn" score --input pair.jsonl
parts='{question_start: "Q: ", question_end: "; ", answer_tag: "A: "}'
printf 'model: {path: %s, template: %s}\n' "$tiny" "$parts" >templates.yaml
"${score[@]}" --template "$parts" >inline.txt
"$unlearn" score --config templates.yaml --input pair.jsonl --quiet >config.txt
expect "the config's model and template" cmp inline.txt config.txt
"${score[@]}" >family.txt
expect "are not the family's" test "$(cmp -s inline.txt family.txt && echo same)" = ""
ln -s target.txt link.txt
"${score[@]}" --output link.txt
expect "a link stays" test -L link.txt
expect "and its target is written" cmp target.txt family.txt
# One weight is NaN: the model is damaged. One is so large that what it says is not finite.
last_norm() { # last_norm FOLDER BYTES: of the final norm's last weight, in hexadecimal
  cp -r "$tiny" "$1"
  python3 - "$1/model.safetensors" "$2" <<'END'
import json, struct, sys
with open(sys.argv[1], "r+b") as file:
    size = struct.unpack("<Q", file.read(8))[0]
    entry = json.loads(file.read(size))["model.norm.weight"]
    file.seek(8 + size + entry["data_offsets"][1] - 2)
    file.write(bytes.fromhex(sys.argv[2]))
END
}
last_norm damaged c07f
for given in "score --input pair.jsonl" "generate --prompt a" "generate --prompt a --whp-reinforced $tiny"; do
  # shellcheck disable=SC2086
  expect_error 2 "damaged: tensor 'model.norm.weight' holds NaN or infinities" "$unlearn" $given --model damaged
done
expect_error 2 "damaged: tensor 'model.norm.weight' holds NaN" "$unlearn" generate --prompt a \
  --model "$tiny" --whp-reinforced damaged
last_norm diverged 7f7f
"$unlearn" score --model diverged --input pair.jsonl >nan.jsonl 2>nan.log
expect "NaN is null in JSON" grep -q '"sum_logprob":null' nan.jsonl
expect "and said aloud once" test "$(grep -c 'not finite' nan.log)" -eq 1
"$unlearn" eval --model diverged --data "$fiction" --set data.forget=forget05 --set eval.rows=2 \
  --output diverged-log --quiet >/dev/null 2>&1
for log in TOFU_EVAL.json eval_log_aggregated.json; do
  "$unlearn" metrics tofu --log "diverged-log/eval/$log" >aggregates.txt 2>warnings.txt
  expect "$log: null" grep -q "^forget_Q_A_Prob *null" aggregates.txt
  expect "$log: a warning" grep -q "forget_truth_ratio is null: its value is not finite" warnings.txt
done

# Other commands
expect_error 2 "must be one of length" "$unlearn" markov --output markov --set experiment=5
expect_error 2 "unknown list 'method' (did you mean 'methods'?)" "$unlearn" list method
printf '{"text": 3}\n' >bad_text.jsonl
tokenize_file() { "$unlearn" tokenize --model "$tiny" "${@:2}" <"$1"; }
expect_error 2 "stdin: row 0" tokenize_file bad_text.jsonl
printf '{"ids":[999999]}\n' >bad_ids.jsonl
expect_error 2 "from 0 to" tokenize_file bad_ids.jsonl --decode
echo "bad input: $checks checks passed"
