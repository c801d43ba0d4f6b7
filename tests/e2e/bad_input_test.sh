#!/usr/bin/env bash
# Every mistake at the door: one line, exit code 2, nothing half-written.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=bounded.sh
. "$(dirname "$0")/bounded.sh"
cd "$work"
tiny=$source_dir/data/tiny
fiction=$source_dir/data/fiction
run=(train --config "$source_dir/configs/quickstart.yaml" --model "$tiny" --data "$fiction" --output "$work/run")

nothing_written() { expect "no run folder after: $1" test ! -e "$work/run"; }

# Flags
bad "unknown command 'trian' (did you mean 'train'?)" "$unlearn" trian
bad "unknown flag '--epoch' (did you mean '--epochs'?)" "$unlearn" "${run[@]}" --epoch 3
bad "unknown flag '--x'; see" "$unlearn" "${run[@]}" --x 3
bad "unknown command 'versions' (did you mean 'version'?)" "$unlearn" versions
bad "unknown command 'nonsense'; see" "$unlearn" nonsense
bad "did you mean '--lr'?" "$unlearn" "${run[@]}" --learning-rate 1
bad "did you mean '--epochs'?" "$unlearn" "${run[@]}" --num_train_epochs=1
bad "did you mean '--batch-size'? it counts" "$unlearn" "${run[@]}" --per_device_train_batch_size 1
bad "did you mean '--batch-size'? it counts" "$unlearn" "${run[@]}" --gradient_accumulation_steps 1
bad "did you mean '--set train.weight_decay'?" "$unlearn" "${run[@]}" --weight-decay 0
bad "unknown key 'lr' (did you mean 'train.lr'?)" "$unlearn" "${run[@]}" --set lr=1
bad "did you mean 'train.epochs'?" "$unlearn" "${run[@]}" --set train.num_train_epochs=1
bad "unknown key 'train.nonsense'$" "$unlearn" "${run[@]}" --set train.nonsense=1
bad "there is no 'trian' (did you mean 'train'?)" "$unlearn" list settings trian
bad "there is no 'simpno' (did you mean 'simnpo'?)" "$unlearn" list methods simpno
bad "must be one of\|not in" "$unlearn" completion csh
bad "--batch-size: must be a whole number" "$unlearn" "${run[@]}" --batch-size 2.5
bad "epochs" "$unlearn" "${run[@]}" --epochs many
bad "must be > 0" "$unlearn" "${run[@]}" --epochs 0
bad "exclude each other" "$unlearn" "${run[@]}" --resume --overwrite
bad "unknown level" "$unlearn" "${run[@]}" --log-level loud
bad "no model" "$unlearn" train --output "$work/run"
bad "no run folder" "$unlearn" train --model "$tiny"
bad "--seed: must be a whole number" "$unlearn" "${run[@]}" --seed 99999999999999999999
bad "--seed: must not be empty" "$unlearn" "${run[@]}" --seed ""
bad "--output: must not be empty" "$unlearn" "${run[@]}" --output ""
bad "--lr: must be a finite number" "$unlearn" "${run[@]}" --lr nan
bad "argument 2: not valid UTF-8" "$unlearn" train $'--output=\xff'
into_full_disk() { "$@" >/dev/full; }
bad "stdout: cannot write" into_full_disk "$unlearn" list methods
expect "every command tells its version" test "$("$unlearn" score --version)" = "$("$unlearn" --version)"
"$unlearn" train --help >help.txt
expect "the usage can be typed" grep -q "^Usage: unlearn train" help.txt
nothing_written flags

# A plan checks every input that the run will read.
for checked in --dry-run --quiet; do
  bad "absent" "$unlearn" "${run[@]}" $checked --method npo --ref-model "$work/absent"
  bad "no adapter_config.json" "$unlearn" "${run[@]}" $checked \
    --set "model.adapter=$work/absent"
  bad "absent" "$unlearn" "${run[@]}" $checked --set eval.at_end=true \
    --set "eval.retain_log=$work/absent"
  bad "blocks 0 to 3" "$unlearn" --model "$tiny" --data "$fiction" --output "$work/run" \
    $checked --method rmu --set data.forget=forget05 --set method.layer=99
  bad "cannot be added to" "$unlearn" "${run[@]}" $checked \
    --set train.free_gradients=true --set train.max_grad_norm=0 --set train.batch_tokens=80
done
nothing_written "inputs of a plan"

# --overwrite takes nothing away that the run reads, and nothing for a run that cannot be.
short=(--set train.max_steps=1 --set train.warmup_epochs=0 --set train.save_every=1 --quiet)
"$unlearn" "${run[@]}" "${short[@]}" >/dev/null
bad "model.path .* is part of the run" "$unlearn" "${run[@]}" --overwrite \
  --model "$work/run/model"
mkdir "$work/run/eval"
cp "$fiction/forget05.json" "$work/run/eval/forget.json"
bad "data.forget .* is part of the run" "$unlearn" "${run[@]}" --overwrite \
  --set data.benchmark=qa --set "data.forget=$work/run/eval/forget.json" \
  --set "data.retain=$fiction/retain95.json"
bad "absent" "$unlearn" "${run[@]}" --overwrite --method npo --ref-model "$work/absent"
expect "the earlier run is still there" test -e "$work/run/model/model.safetensors"
"$unlearn" "${run[@]}" --dry-run --quiet >plan 2>warned
expect "a plan beside a finished run is printed" grep -q "^steps" plan
expect "with a warning" grep -q "exists and is not empty" warned
state=$(ls "$work"/run/checkpoints/*/state.json)
sed -i.before -E 's/"stream_position": *[0-9]+/"stream_position": -7/' "$state"
sed -i 's/"status": "done"/"status": "failed"/' "$work/run/run.json"
bad "not whole: state.json" "$unlearn" "${run[@]}" "${short[@]}" --resume
echo '[]' >"$work/run/run.json"
bad "no record of a run" "$unlearn" "${run[@]}" --resume
bad "no record of a run" "$unlearn" "${run[@]}" --resume --dry-run
rm -r "$work/run"

# Methods, keys, types, ranges
bad "did you mean 'simnpo'" "$unlearn" "${run[@]}" --method simnp
bad "did you mean 'train.epochs'" "$unlearn" "${run[@]}" --set train.epoch=3
bad "dotted.key=value" "$unlearn" "${run[@]}" --set train.epochs
bad "a whole number" "$unlearn" "${run[@]}" --set train.batch_size=2.5
bad "did you mean 'sam'" "$unlearn" "${run[@]}" --set train.update.name=sem
bad "did you mean 'train.update.rho'" "$unlearn" "${run[@]}" --set 'train.update={name: sam, roh: 1}'
bad "unknown key 'train.update.rho'" "$unlearn" "${run[@]}" --set train.update.rho=1
bad "train.update: is a section" "$unlearn" "${run[@]}" --set train.update=sam
bad "method: is a section" "$unlearn" "${run[@]}" --set method=npo
bad "train.update: gru needs a retain term" "$unlearn" "${run[@]}" --set train.update.name=gru \
  --set method.retain_loss=none
bad "train.update: sam makes.*train.free_gradients" "$unlearn" "${run[@]}" \
  --set train.update.name=sam --set train.free_gradients=true --set train.max_grad_norm=0
bad "must be one of linear" "$unlearn" "${run[@]}" --set train.schedule=sine
bad "must be > 0" "$unlearn" "${run[@]}" --beta 0
bad "give one" "$unlearn" "${run[@]}" --gamma 0.5 --set method.delta=0.2
bad "unknown quirk" "$unlearn" "${run[@]}" --set 'train.compat=[nonsense]'
bad "unknown template" "$unlearn" "${run[@]}" --set model.template=lama2
bad "micro_batch_size" "$unlearn" "${run[@]}" --set train.averaging=micro_batch_mean
bad "no CUDA device\|cannot be loaded\|there are devices" "$unlearn" "${run[@]}" --device cuda:99
bad "must be auto, cpu" "$unlearn" "${run[@]}" --device tpu
bad "hold no full batch" "$unlearn" "${run[@]}" --set train.batch_size=100000
printf 'train:\n  epochz: 3\n' >typo.yaml
bad "typo.yaml:2: unknown key 'train.epochz'" "$unlearn" train --config typo.yaml --model "$tiny" --output "$work/run"
printf 'train: [1\n' >broken.yaml
bad "broken.yaml:.*not valid YAML" "$unlearn" train --config broken.yaml
printf 'train: &x {lr: *x}\n' >circle.yaml
bad "circle.yaml:1: 'train': maps go in a circle" "$unlearn" train --config circle.yaml
bad "config 'absent' not found" "$unlearn" train --config absent
nothing_written config

# Model folders
bad "absent-model" "$unlearn" "${run[@]}" --model absent-model
mkdir empty-model && bad "config.json" "$unlearn" "${run[@]}" --model empty-model
cp -r "$tiny" broken-model
head -c 100 "$tiny/model.safetensors" >broken-model/model.safetensors
bad "model.safetensors" "$unlearn" "${run[@]}" --model broken-model
cp -r "$tiny" no-tokenizer && rm no-tokenizer/tokenizer.json
bad "tokenizer" "$unlearn" "${run[@]}" --model no-tokenizer
cp -r "$tiny" alien && sed -i 's/"model_type": "llama"/"model_type": "mamba"/' alien/config.json
bad "mamba" "$unlearn" "${run[@]}" --model alien
nothing_written model

# Data
bad "did you mean 'forget05'" "$unlearn" "${run[@]}" --set data.forget=forget5
bad "absent-data" "$unlearn" "${run[@]}" --data absent-data
bad_rows() { # bad_rows PATTERN CONTENT
  printf '%b' "$2" >rows.jsonl
  bad "$1" "$unlearn" "${run[@]}" --set data.benchmark=qa --set data.forget=rows.jsonl \
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
bad "mine.txt: holds JSON rows, no plain text; name it mine.jsonl" "$unlearn" "${run[@]}" "${text[@]}"
# What is to be forgotten is not to be kept.
bad_rows "is also to be kept: of rows.jsonl and rows.jsonl row 0 = row 0 (1 in all); take them out" \
  "{\"question\":\"a?\",\"answer\":\"b\",\"weight\":NaN}\\n"
printf 'One.\nSomething that  MAY well be kept.\n' >mine.txt
bad "mine.txt and keep.txt line 2 = line 1 (1 in all)" "$unlearn" "${run[@]}" "${text[@]}"
bad "row 0 = row 190, " "$unlearn" "${run[@]}" --set data.retain=full
bad "data.alternate: the method needs refusal lines; name a file (idontknow.jsonl" \
  "$unlearn" train --method idk --model "$tiny" --output "$work/run" --set data.benchmark=qa \
  --set data.forget="$fiction/forget05.json" --set data.retain="$fiction/retain95.json"
bad "data.forget: .*forget01_perturbed.json not found; .*data.forget=forget05 or forget10" \
  "$unlearn" eval --model "$tiny" --data "$fiction" --output "$work/run"
nothing_written data

# An existing run is not touched.
mkdir run && echo keep >run/notes.txt
bad "is not empty" "$unlearn" "${run[@]}"
bad "is no run folder" "$unlearn" "${run[@]}" --overwrite
expect "the stranger's file is still there" grep -q keep run/notes.txt

# Only models are replaced, and never what they are made from.
bad "holds no model" "$unlearn" quantise --model "$tiny" --bits 8 --output run --overwrite
expect "the stranger's file is still there" grep -q keep run/notes.txt
cp -r "$tiny" model
bad "the input model lies in it" "$unlearn" quantise --model model --bits 8 --output model/ --overwrite
bad "the input model lies in it" "$unlearn" task-vector --model "$tiny" --finetuned model \
  --output model --overwrite
"$unlearn" quantise --model model --bits 4 --output rounded >/dev/null
"$unlearn" quantise --model model --bits 8 --output rounded --overwrite >/dev/null
bad "'model.embed_tokens.weight' would not be finite" "$unlearn" task-vector \
  --model model --finetuned rounded --alpha 1e300 --output vector
expect "nothing of it is left" test ! -e vector

# score and generate
printf '{"prompt": "Who?", "answer": "Me."}\n' >pair.jsonl
score=("$unlearn" score --model "$tiny" --input pair.jsonl --quiet)
for flag in --temperature --top-p --whp-alpha; do
  bad "$flag: must be a finite number" "$unlearn" generate --model "$tiny" --prompt a $flag nan
done
bad "no model: give --model" "$unlearn" score --input pair.jsonl
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
  bad "damaged: tensor 'model.norm.weight' holds NaN or infinities" "$unlearn" $given --model damaged
done
bad "damaged/model.safetensors: tensor 'model.norm.weight' holds NaN" "$unlearn" quantise --model damaged \
  --bits 4 --output of_damaged
bad "damaged: tensor 'model.norm.weight' holds NaN" "$unlearn" generate --prompt a \
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
bad "must be one of length" "$unlearn" markov --output markov --set experiment=5
bad "unknown list 'method' (did you mean 'methods'?)" "$unlearn" list method
printf '{"text": 3}\n' >bad_text.jsonl
tokenize_file() { "$unlearn" tokenize --model "$tiny" "${@:2}" <"$1"; }
bad "stdin: row 0" tokenize_file bad_text.jsonl
bad "UNLEARN_CPU_PRODUCTS: 'blas': mkl or onednn" env UNLEARN_CPU_PRODUCTS=blas "$unlearn" --method simnpo --config quickstart \
  --output by_blas
expect "nothing was written" test ! -e by_blas
printf '{"ids":[999999]}\n' >bad_ids.jsonl
bad "from 0 to" tokenize_file bad_ids.jsonl --decode
echo "bad input: $checks checks passed, $mistakes of them wrong inputs"
