#!/usr/bin/env bash
# Random removals on the bundled data: each must have the bits of a training without the rows.
#   scripts/check_removal.sh [--program FILE] [--times N] [--seed N]
# N rounds (3) of each mode: full, LoRA, 8-bit state, two processes. Prints a line for each removal;
# exit code 1 when one differs.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=$root/build/unlearn
times=3
seed=1
while [ $# -gt 0 ]; do
  case $1 in
    --program) program=$2 ;;
    --times) times=$2 ;;
    --seed) seed=$2 ;;
    *)
      sed -n '2,5s/^# \{0,1\}//p' "$0"
      [ "$1" = --help ] && exit 0
      exit 2
      ;;
  esac
  shift 2
done
program=$(realpath "$program")
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
RANDOM=$seed
rows=40
head -n "$rows" "$root/data/fiction/retain95.json" >rows.jsonl

saved() { sha256sum "$1"/{model,adapter}/*.safetensors 2>/dev/null | sed 's/ .*//'; }
tune() {
  "$program" finetune --model "$root/data/tiny" --quiet --lr 1e-3 --set data.benchmark=qa \
    --set data.train=rows.jsonl --set data.max_length=48 --set train.save_every=first_use \
    --set train.keep=all --set train.warmup_epochs=0.5 "$@" >/dev/null
}
failed=0
removal() { # removal NAME FLAGS…
  local name=$1 batch=$((2 + RANDOM % 4)) epochs=$((1 + RANDOM % 3)) count=$((1 + RANDOM % 3)) ids verdict
  shift
  ids=$(for ((k = 0; k < count; ++k)); do echo $((RANDOM % rows)); done | sort -nu | paste -sd ,)
  local flags=("$@" --seed "$RANDOM" --epochs "$epochs" --set "train.batch_size=$batch")
  rm -rf run run.removed run.retrained
  tune "${flags[@]}" --output run
  if ! "$program" remove --run run --rows "$ids" --output run.removed --quiet >plan 2>said; then
    # An incomplete last batch is used by no step of a single epoch.
    if grep -q 'ended before it used any' said; then
      echo "$name  rows $ids  never used"
      return
    fi
    cat said >&2
    failed=1
    return
  fi
  tune "${flags[@]}" --output run.retrained --set "data.exclude=[$ids]"
  verdict=equal
  [ "$(saved run.removed)" = "$(saved run.retrained)" ] || verdict=DIFFERS
  [ "$(saved run.removed)" != "$(saved run)" ] || verdict="UNCHANGED"
  "$program" verify run.removed >/dev/null || verdict="NOT VERIFIED"
  [ "$verdict" = equal ] || failed=1
  echo "$name  batch $batch  epochs $epochs  rows $ids  $(sed -n 's/^replay  *//p' plan)  $verdict" \
    "$(saved run.removed | head -n 1 | cut -c 1-16)"
}
for ((i = 0; i < times; ++i)); do
  removal full
  removal lora --set train.lora.rank=4 --set train.lora.dropout=0.1
  removal bits8 --set model.dtype=bfloat16 --set train.state_bits=8
  removal nproc2 --nproc 2
done
exit "$failed"
