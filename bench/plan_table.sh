#!/usr/bin/env bash
# What full-size models take on a GPU by memory mode, as --dry-run plans it (no GPU, no weights):
#   bench/plan_table.sh UNLEARN_PROGRAM
# NPO (SimNPO under LoRA, rank 16) on 8+8 sequences of TOFU's lengths unless it says 32+32.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
[ $# -ge 1 ] || { echo "error: give the program (see --help)" >&2; exit 2; }
source_dir=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=models.sh
. "$source_dir/bench/models.sh"
unlearn=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make_data "$work/tofu" 32 0.7

peak() { # peak MODEL METHOD SETTING…: planned GiB
  local model=$1 method=$2 settings=()
  shift 2
  for setting in "$@"; do settings+=(--set "$setting"); done
  if [ ! -d "$work/$model" ]; then
    model_folder "$model" "$work/$model" "$source_dir"
    python3 "$source_dir/bench/random_weights.py" --hollow "$work/$model"
  fi
  "$unlearn" --model "$work/$model" --data "$work/tofu" --output "$work/never" --method "$method" \
    --device cuda --dry-run --quiet --set model.template=none \
    --set data.forget=forget05 --set train.batch_size=8 --set train.memory_gib=1000 \
    "${settings[@]}" | sed -n 's/^memory *peak \([0-9.]*\) GiB.*/\1/p'
}

plain=(train.recompute=none)
large=(train.state_bits=8 train.batch_size=32)
light=(train.master=sr train.state_bits=8 train.free_gradients=true train.max_grad_norm=0
  train.recompute=full)
lora=(train.lora.rank=16 train.recompute=full)
echo "| model | 32-bit state | 8-bit state | 8-bit state, 32+32 | the same, selective recomputation |" \
  "stochastic rounding, freed gradients, full recomputation | LoRA, full recomputation |" \
  "LoRA over 4 bits, full recomputation |"
echo "|---|---|---|---|---|---|---|---|"
for model in 1b 3b 7b 8b; do
  echo "| $model | $(peak "$model" npo "${plain[@]}" train.state_bits=32) |" \
    "$(peak "$model" npo "${plain[@]}" train.state_bits=8) |" \
    "$(peak "$model" npo "${plain[@]}" "${large[@]}") |" \
    "$(peak "$model" npo train.recompute=selective "${large[@]}") |" \
    "$(peak "$model" npo "${light[@]}") | $(peak "$model" simnpo "${lora[@]}") |" \
    "$(peak "$model" simnpo "${lora[@]}" train.lora.base_bits=4) |"
done
