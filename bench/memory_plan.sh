#!/usr/bin/env bash
# Predicted against measured peak memory on the CPU, as a Markdown table:
#   bench/memory_plan.sh UNLEARN_PROGRAM [MODEL_FOLDER …]
# Every model is trained for a few steps in each memory mode. Without folders: a 30M model with
# random weights, made here, and a GPT-2 and a Gemma-2 with longer texts.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
[ $# -ge 1 ] || { echo "error: give the program (see --help)" >&2; exit 2; }
source_dir=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=models.sh
. "$source_dir/bench/models.sh"
unlearn=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make_model() { # make_model NAME: random weights in $work/NAME/model
  model_folder "$1" "$work/folder_$1" "$source_dir"
  "$unlearn" finetune --model "$work/folder_$1" --data "$source_dir/data/fiction" \
    --output "$work/run_$1" --quiet --lr 1e-30 --set train.warmup_epochs=0 \
    --set model.init=random --set train.max_steps=1 --set data.benchmark=tofu \
    --set train.batch_size=1 --set train.save_every=never --device cpu >/dev/null
  mv "$work/run_$1/model" "$work/$1"
}
models=("$@")
if [ ${#models[@]} -eq 0 ]; then
  make_model 30m
  models=("$work/30m")
fi
data=$source_dir/data/fiction

json_number() { # json_number FILE KEY
  sed -n "s/.*\"$2\": \([0-9]*\).*/\1/p" "$1" | head -1
}

echo "| model | batch | settings | predicted GiB | measured GiB | error |"
echo "|---|---|---|---|---|---|"
measure() { # measure MODEL BATCH SETTING…
  local model=$1 batch=$2
  shift 2
  local settings=()
  for setting in "$@"; do settings+=(--set "$setting"); done
  rm -rf "$work/run"
  "$unlearn" --model "$model" --data "$data" --output "$work/run" --quiet \
    --config "$source_dir/configs/quickstart.yaml" --device cpu --set train.max_steps=4 \
    --set "train.batch_size=$batch" "${settings[@]}" >/dev/null
  awk -v p="$(json_number "$work/run/run.json" predicted_peak_bytes)" \
    -v m="$(json_number "$work/run/run.json" peak_host_bytes)" -v model="$(basename "$model")" \
    -v batch="$batch" -v settings="${*:--}" 'BEGIN {
      gib = 1024 ^ 3
      printf "| %s | %s | %s | %.2f | %.2f | %+.1f %% |\n", model, batch, settings, p / gib, m / gib,
        100 * (p / m - 1)
    }'
}

for model in "${models[@]}"; do
  measure "$model" 4
  measure "$model" 4 train.state_bits=8
  measure "$model" 10 train.recompute=none
  measure "$model" 10 train.recompute=selective
  measure "$model" 10 train.recompute=full
  measure "$model" 10 train.batch_tokens=400
  measure "$model" 4 method.retain_loss=kl
  measure "$model" 10 train.lora.rank=16
  measure "$model" 10 train.lora.rank=16 train.lora.base_bits=8
  measure "$model" 10 train.lora.rank=16 train.lora.base_bits=4
  measure "$model" 4 model.dtype=bfloat16 train.master=split
  measure "$model" 4 model.dtype=bfloat16 train.master=sr train.state_bits=8 \
    train.free_gradients=true train.max_grad_norm=0
done
[ $# -eq 0 ] || exit 0

data=$work/long
make_data "$data" 1000 0
for name in gpt2_30m gemma2_12m; do
  make_model "$name"
  for mode in none selective full; do
    measure "$work/$name" 1 data.max_length=1024 train.batch_tokens=4096 "train.recompute=$mode"
  done
done
