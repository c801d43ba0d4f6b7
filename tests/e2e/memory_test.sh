#!/usr/bin/env bash
# --dry-run predicts memory, `auto` follows what is there, and a plan that does not fit is refused.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

run=("$unlearn" --model "$source_dir/data/tiny" --data "$source_dir/data/fiction" --config
  quickstart.yaml --quiet --set train.max_steps=2 --set train.batch_size=10)

plan() { # plan ARGUMENT…: the dry run's text
  "${run[@]}" --output "$work/never" --dry-run "$@"
}

plan >"$work/plan"
expect "the parts are listed" grep -q "GiB: weights .* gradients .* state .* activations .* logits" \
  "$work/plan"
expect "everything fits: exact modes" grep -q "optimizer state 32 bits, recompute none" "$work/plan"
expect "nothing is written" test ! -e "$work/never"

# Less and less memory: first recomputation, then 8-bit state, then refusal.
peak=$(sed -n 's/^memory *peak \([0-9.]*\) GiB.*/\1/p' "$work/plan")
seen=""
for permille in 999 990 980 970 960 950 940 930 920 910 900 880 860 840 820 800; do
  limit=$(awk -v p="$peak" -v s="$permille" 'BEGIN { print p * s / 1000 }')
  plan --set "train.memory_gib=$limit" >"$work/small" 2>"$work/refused" || break
  seen+=$(sed -n 's/^modes.*state \([0-9]*\) bits, recompute \([a-z]*\)/\1-\2 /p' "$work/small")
done
expect "recomputation comes first: $seen" test -n "$(echo "$seen" | grep -E '32-(selective|full)')"
expect_error 2 "not enough memory: the plan needs" "${run[@]}" --output "$work/never" --dry-run \
  --set train.memory_gib=0.01
expect_error 2 "not enough memory: the plan needs" "${run[@]}" --output "$work/never" \
  --set train.memory_gib=0.01
expect_error 2 "clipping needs all gradients" "${run[@]}" --output "$work/never" \
  --set train.free_gradients=true
expect_error 2 "is cut into" "${run[@]}" --output "$work/cut" --set train.free_gradients=true \
  --set train.max_grad_norm=0 --set train.batch_tokens=50

# A plan for a GPU that is elsewhere.
plan --device cuda --set train.memory_gib=80 >"$work/elsewhere"
expect "the plan is for the GPU: bf16" grep -q "bfloat16 on cuda)" "$work/elsewhere"
expect "and for its memory" grep -q "of 80.00 GiB available" "$work/elsewhere"
if ! command -v nvidia-smi >/dev/null; then
  expect_error 2 "error: --device cuda: " "${run[@]}" --output "$work/never" --device cuda \
    --set train.memory_gib=80
fi

# Every exact mode ends in the same weights.
for mode in none selective full; do
  "${run[@]}" --output "$work/$mode" --set "train.recompute=$mode" >/dev/null
done
expect "selective recomputation changes no bit" cmp "$work/none/model/model.safetensors" \
  "$work/selective/model/model.safetensors"
expect "full recomputation changes no bit" cmp "$work/none/model/model.safetensors" \
  "$work/full/model/model.safetensors"

# A light run, and what it says about itself.
"${run[@]}" --output "$work/light" --set model.dtype=bfloat16 --set train.master=sr \
  --set train.state_bits=8 --set train.free_gradients=true --set train.max_grad_norm=0 >/dev/null
expect "run.json names the modes" grep -q '"master": "sr"' "$work/light/run.json"
expect "run.json keeps the prediction" grep -q '"predicted_peak_bytes"' "$work/light/run.json"

# Predicted and measured peaks agree within a tenth, with a model that is larger than the program.
# shellcheck source-path=SCRIPTDIR/../.. source=bench/models.sh
. "$source_dir/bench/models.sh"
model_folder 30m "$work/30m" "$source_dir"
run_number() { # run_number KEY FILE
  sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" "$2" | head -1
}
within_a_tenth() { # within_a_tenth NAME SETTING…: of the model in $model, trained on $rows
  local name=$1 settings=()
  shift
  for setting in "$@"; do settings+=(--set "$setting"); done
  "$unlearn" finetune --model "$work/$model" --data "$rows" --quiet \
    --output "$work/$name" --device cpu --set model.init=random --set data.benchmark=tofu \
    --set train.max_steps=2 --set train.batch_size=8 "${settings[@]}" >/dev/null
  local predicted measured
  predicted=$(run_number predicted_peak_bytes "$work/$name/run.json")
  measured=$(run_number peak_host_bytes "$work/$name/run.json")
  expect "$name: predicted $predicted, measured $measured" awk -v p="$predicted" -v m="$measured" \
    'BEGIN { exit !(p > 0.9 * m && p < 1.1 * m) }'
}
model=30m rows=$source_dir/data/fiction
within_a_tenth plain_30m
within_a_tenth light_30m train.state_bits=8 train.recompute=full

# Other families, each module with its own report: GPT-2 stores matrices the other way round, and
# Gemma-2's capped scores grow with the square of a text's length.
rows=$work/long
mkdir "$rows"
rows_file "$rows/full.json" 4 1 20 700 0
model_folder gpt2_30m "$work/gpt2" "$source_dir"
model_folder gemma2_12m "$work/gemma2" "$source_dir"
for model in gpt2 gemma2; do
  for mode in none selective; do
    within_a_tenth "${model}_$mode" data.max_length=1024 train.batch_size=2 \
      train.batch_tokens=4096 "train.recompute=$mode"
  done
done

# In bf16 on the CPU every number of tokens has compiled products of its own: few of them stay.
steps_peak() { # steps_peak STEPS: bytes
  "${run[@]}" --output "$work/steps_$1" --device cpu --set model.dtype=bfloat16 \
    --set train.batch_size=4 --set train.epochs=100 --set train.save_every=never \
    --set "train.max_steps=$1" >/dev/null
  run_number peak_host_bytes "$work/steps_$1/run.json"
}
short=$(steps_peak 15)
long=$(steps_peak 60)
expect "memory does not grow with steps: $short, $long" test $((long - short)) -lt $((16 << 20))

# A resumed run keeps the modes that auto meant, whatever memory there is now.
"${run[@]}" --output "$work/kept" --set train.save_every=1 --set train.state_bits=8 >/dev/null
rm -r "$work/kept/model"
sed -i 's/"status": "done"/"status": "interrupted"/' "$work/kept/run.json"
"${run[@]}" --output "$work/kept" --set train.save_every=1 --resume >/dev/null
echo "memory: $checks checks"
