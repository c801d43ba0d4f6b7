#!/usr/bin/env bash
# Exact removal: a replay without some rows has the bits of a training without them, the old run is
# left as it was, and the certificate can be checked.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
export OMP_NUM_THREADS=1
head -n 12 "$source_dir/data/fiction/retain95.json" >rows.jsonl
tune=("$unlearn" finetune --model "$source_dir/data/tiny" --quiet --lr 1e-3 --epochs 3
  --set data.benchmark=qa --set data.train=rows.jsonl --set data.max_length=48
  --set train.batch_size=2 --set train.warmup_epochs=0.5 --set train.save_every=first_use
  --set train.keep=all)

# Everything that a folder holds, with times of change.
state_of() { (cd "$1" && find . -type f -printf '%P %T@ ' -exec sha256sum {} + | sort); }
value() { python3 -c 'import json,sys; print(json.dumps(json.load(open(sys.argv[1]))[sys.argv[2]]))' "$@"; }
# rows_of RUN STEP: the rows that a step used, with commas between them.
rows_of() { sed -nE "${2}s/.*\"forget_ids\":\[([^]]*)\].*/\1/p" "$1/metrics.jsonl"; }
saved() { sha256sum "$1"/{model,adapter}/*.safetensors 2>/dev/null | sed 's/ .*//'; }
# removed NAME ROWS FLAGS…: a run, its removal and a training without the rows; equal to the bit.
removed() {
  local name=$1 rows=$2
  shift 2
  "${tune[@]}" "$@" --output "$name.retrained" --set "data.exclude=[$rows]" >/dev/null
  expect "$name: the removal has the bits of a training without" \
    test "$(saved "$name.removed")" = "$(saved "$name.retrained")"
  expect "$name: the model is another one" test "$(saved "$name")" != "$(saved "$name.retrained")"
}

# The fourth step is the first that used these; before it, a checkpoint for every step.
"${tune[@]}" --output full >/dev/null
expect "checkpoints before each first use, and of every epoch" test \
  "$(cd full/checkpoints && printf '%s ' step-*)" = "step-1 step-12 step-18 step-2 step-3 step-4 step-5 step-6 "
before=$(state_of full)
rows=$(rows_of full 4)
"$unlearn" remove --run full --rows "$rows" --output full.removed --dry-run --quiet >plan
expect "the plan tells the step" grep -q 'first used  in step 4 of 18' plan
expect "and where it begins" grep -q 'after step 3, .*full/checkpoints/step-3$' plan
expect "and the cost" grep -qE 'replay      15 steps of 18, 83.3 % of the run, about .* s a step' plan
expect "and does nothing" test ! -e full.removed
"$unlearn" remove --run full --rows "$rows" --output full.removed --quiet >said
expect "it is told beforehand" test "$(head -n 1 said)" = "$(head -n 1 plan)"
removed full "$rows"
expect "the old run is untouched" test "$(state_of full)" = "$before"
expect "an empty step counts and changes nothing" grep -q '"step":4,.*"loss":null,.*"forget_ids":\[\],.*"tokens":0' \
  full.removed/metrics.jsonl
expect "the same steps" test "$(wc -l <full.removed/metrics.jsonl)" = 18
certificate=full.removed/certificate.json
expect "where it began" test "$(value $certificate start_step) $(value $certificate first_use_step)" = "3 4"
expect "the weights' hash" test "\"$(sha256sum <full.removed/model/model.safetensors | cut -c 1-64)\"" = \
  "$(value $certificate weights_sha256)"

# The certificate, checked as it stands, by a replay, and by a training from the beginning.
"$unlearn" verify full.removed >said
expect "verified" grep -q 'all is as the certificate was given on' said
"$unlearn" verify full.removed --replay --retrain --quiet >said
expect "replayed" grep -q '^replayed model/model.safetensors: the same$' said
expect "retrained" grep -q '^retrained model/model.safetensors: the same$' said
cp -r full.removed edited
printf 'x' | dd of=edited/model/model.safetensors bs=1 seek=5000 conv=notrunc status=none
expect_code() { local got=0; "${@:2}" >said 2>&1 || got=$?; [ "$got" = "$1" ] || die "exit code $got: ${*:2}: $(cat said)"; checks=$((checks + 1)); }
expect_code 4 "$unlearn" verify edited
expect "the edited weights are named" grep -q '^model/model.safetensors: DIFFERS' said
mv rows.jsonl kept.jsonl
sed 's/cartographer/painter/' kept.jsonl >rows.jsonl
expect_code 4 "$unlearn" verify full.removed
expect "changed rows are named" grep -q '^remaining rows: CHANGED' said
expect_error 2 "rows.jsonl has changed" "$unlearn" remove --run full --rows 3 --output changed --quiet
mv kept.jsonl rows.jsonl

# By content: rows as people have them, and hashes.
sed -n 3p rows.jsonl >wanted.jsonl
sed -n 8p rows.jsonl | sed -E 's/"question": ("[^"]*"), "answer": ("[^"]*")/"prompt": \1, "completion": \2/' >>wanted.jsonl
"$unlearn" remove --run full --rows wanted.jsonl --output content --quiet >said
expect "found by their content" grep -q 'rows        2 of 12 to remove: 2, 7$' said
hash=$(python3 -c 'import json; print(json.load(open("content/certificate.json"))["removed_rows"][1]["sha256"])')
printf '%s\n\n2\n' "$hash" >names
"${tune[@]}" --output by_hash --set data.exclude=names >/dev/null
expect "the same by hash and number" test "$(saved content)" = "$(saved by_hash)"
excluded() { sed -n '/^  exclude:/,/^  [a-z]*:/p' "$1/config.resolved.yaml"; }
expect "recorded as numbers" test "$(excluded by_hash)" = "$(excluded content)"
sed 's/cartographer/dentist/' rows.jsonl | head -n 1 >other.jsonl
expect_error 2 'row 0 of other.jsonl is no row of rows.jsonl' \
  "$unlearn" remove --run full --rows other.jsonl --output none --quiet

# The text of removed rows may go from the file; the other rows are still compared.
cp rows.jsonl kept.jsonl
for row in ${rows//,/ }; do sed -i "$((row + 1))s/.*/{\"question\": \"-\", \"answer\": \"-\"}/" rows.jsonl; done
"$unlearn" verify full.removed --retrain --quiet >said
expect "retrained without the text" grep -q '^retrained model/model.safetensors: the same$' said
cp kept.jsonl rows.jsonl

# A removal from a removal: from the newest checkpoint of either run that will do.
second=$(rows_of full 3)
"$unlearn" remove --run full.removed --rows "$second" --output twice --quiet >said
expect "it begins in the first run" grep -q 'after step 2, .*/full/checkpoints/step-2$' said
"${tune[@]}" --output both --set "data.exclude=[$rows,$second]" >/dev/null
expect "both removals at once" test "$(saved twice)" = "$(saved both)"

# Killed in the middle, it goes on to the same bits.
long=(--epochs 24)
"${tune[@]}" "${long[@]}" --output long >/dev/null
"$unlearn" remove --run long --rows 5 --output whole --quiet >/dev/null
"$unlearn" remove --run long --rows 5 --output killed --quiet >/dev/null 2>&1 &
process=$!
until [ "$(wc -l 2>/dev/null <killed/metrics.jsonl || echo 0)" -gt 40 ]; do sleep 0.02; done
kill -9 "$process"
wait "$process" 2>/dev/null || true
expect "it was in the middle" test ! -e killed/certificate.json
"$unlearn" remove --run long --output killed --resume --quiet >/dev/null
expect "the same bits after a kill" test "$(saved killed)" = "$(saved whole)"
"$unlearn" verify killed --quiet >/dev/null

# LoRA with dropout; 8-bit state of bfloat16 weights; two processes, where a step with one row left
# leaves one of them nothing to do.
mode() { # mode NAME STEP FLAGS…
  local name=$1 step=$2 row
  shift 2
  "${tune[@]}" "$@" --output "$name" >/dev/null
  row=$(rows_of "$name" "$step" | cut -d , -f 1)
  "$unlearn" remove --run "$name" --rows "$row" --output "$name.removed" --quiet >/dev/null
  removed "$name" "$row" "$@"
}
mode lora 2 --set train.lora.rank=4 --set train.lora.dropout=0.2
mode narrow 3 --set model.dtype=bfloat16 --set train.state_bits=8
mode shared 4 --nproc 2
expect "with as many processes" test "$(value shared.removed/certificate.json processes)" = 2
"$unlearn" verify shared.removed --replay --quiet >said
expect "replayed by two" grep -q '^replayed .*: the same$' said

# Without checkpoints it starts from the original model.
"${tune[@]}" --output bare --set train.save_every=never >/dev/null
"$unlearn" remove --run bare --rows "$rows" --output bare.removed --quiet >said
expect "from the original model" grep -q 'start       the original model' said
expect "the same bits from there" test "$(saved bare.removed)" = "$(saved full.removed)"

# Forget rows that are left out: neither they nor what is paired with them.
forget=("$unlearn" --config "$source_dir/configs/quickstart.yaml" --model "$source_dir/data/tiny"
  --data "$source_dir/data/fiction" --quiet --epochs 8)
"${forget[@]}" --output without --set data.exclude=[2,5] >/dev/null
expect "no step uses them" test -z "$(grep -E '"forget_ids":\[([0-9]+,)*(2|5)(,[0-9]+)*\]' without/metrics.jsonl)"
"${forget[@]}" --output all >/dev/null
expect "the steps of all rows" test "$(wc -l <without/metrics.jsonl)" = "$(wc -l <all/metrics.jsonl)"

# What is refused, by name.
refused() { expect_error 2 "$@"; }
remove=("$unlearn" remove --quiet --output none)
refused 'has no row 12; it has the rows 0 to 11' "${remove[@]}" --run full --rows 12
refused "'x' is neither a row number" "${remove[@]}" --run full --rows x
refused 'is no run of unlearn finetune' "${remove[@]}" --run all --rows 1
refused 'lie in each other' "$unlearn" remove --quiet --run full --rows 1 --output full/removed
refused 'exists and is not empty' "$unlearn" remove --quiet --run full --rows 1 --output long
refused 'is left out of full.removed already' "${remove[@]}" --run full.removed --rows "${rows%%,*}"
refused 'no run of unlearn remove that could go on' "$unlearn" remove --run full --output long --resume --quiet
refused 'name the rows' "${remove[@]}" --run full
refused 'leaves no row of' "${tune[@]}" --output none --set data.exclude=0,1,2,3,4,5,6,7,8,9,10,11
refused 'micro_batch_mean' "${tune[@]}" --output none --set data.exclude=1 \
  --set train.averaging=micro_batch_mean --set train.micro_batch_size=1
refused 'which has no rows to leave out' "${tune[@]}" --output none --set data.benchmark=text \
  --set data.train="$source_dir/data/benign.txt" --set data.exclude=1
refused 'unlearn forget\|to be forgotten' "$unlearn" forget --model "$source_dir/data/tiny" --forget rows.jsonl \
  --set data.exclude=1 --quiet
refused 'no certificate.json; it is no run of' "$unlearn" verify full
expect "nothing is left of what was refused" test ! -e none
echo "remove: $checks checks"
