#!/usr/bin/env bash
# Predicted against measured peak memory on the CPU, as a Markdown table:
#   bench/memory_plan.sh UNLEARN_PROGRAM [MODEL_FOLDER …]
# Every model is trained for a few steps in each memory mode. Without folders: a 30M model with
# random weights, made here.
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

models=("$@")
if [ ${#models[@]} -eq 0 ]; then
  model_folder 30m "$work/30m" "$source_dir"
  "$unlearn" finetune --model "$work/30m" --data "$source_dir/data/fiction" --output "$work/made" \
    --quiet --lr 0 --set model.init=random --set train.max_steps=1 --set data.benchmark=tofu \
    --set train.batch_size=1 --set train.save_every=never --device cpu >/dev/null
  models=("$work/made/model")
fi

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
  "$unlearn" --model "$model" --data "$source_dir/data/fiction" --output "$work/run" --quiet \
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
