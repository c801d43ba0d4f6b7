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
expect_error 2 "epochs" "$unlearn" "${run[@]}" --epochs many
expect_error 2 "must be > 0" "$unlearn" "${run[@]}" --epochs 0
expect_error 2 "exclude each other" "$unlearn" "${run[@]}" --resume --overwrite
expect_error 2 "unknown level" "$unlearn" "${run[@]}" --log-level loud
expect_error 2 "no model" "$unlearn" train --output "$work/run"
expect_error 2 "no run folder" "$unlearn" train --model "$tiny"
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
"$unlearn" "${run[@]}" --set train.max_steps=1 --set train.warmup_epochs=0 --quiet >/dev/null
expect_error 2 "lies in the folder" "$unlearn" "${run[@]}" --overwrite --model "$work/run/model"
expect_error 2 "absent" "$unlearn" "${run[@]}" --overwrite --method npo --ref-model "$work/absent"
expect "the earlier run is still there" test -e "$work/run/model/model.safetensors"
expect_error 2 "exists and is not empty" "$unlearn" "${run[@]}" --dry-run
echo '[]' >"$work/run/run.json"
expect_error 2 "no record of a run" "$unlearn" "${run[@]}" --resume
rm -r "$work/run"

# Methods, keys, types, ranges
expect_error 2 "did you mean 'simnpo'" "$unlearn" "${run[@]}" --method simnp
expect_error 2 "did you mean 'train.epochs'" "$unlearn" "${run[@]}" --set train.epoch=3
expect_error 2 "dotted.key=value" "$unlearn" "${run[@]}" --set train.epochs
expect_error 2 "a whole number" "$unlearn" "${run[@]}" --set train.batch_size=2.5
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
nothing_written data

# An existing run is not touched.
mkdir run && echo keep >run/notes.txt
expect_error 2 "is not empty" "$unlearn" "${run[@]}"
expect_error 2 "is no run folder" "$unlearn" "${run[@]}" --overwrite
expect "the stranger's file is still there" grep -q keep run/notes.txt

# Other commands
expect_error 2 "unknown list 'method' (did you mean 'methods'?)" "$unlearn" list method
printf '{"text": 3}\n' >bad_text.jsonl
tokenize_file() { "$unlearn" tokenize --model "$tiny" "${@:2}" <"$1"; }
expect_error 2 "stdin: row 0" tokenize_file bad_text.jsonl
printf '{"ids":[999999]}\n' >bad_ids.jsonl
expect_error 2 "from 0 to" tokenize_file bad_ids.jsonl --decode
echo "bad input: $checks checks passed"
