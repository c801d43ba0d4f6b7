#!/usr/bin/env bash
# The story of docs/own-data.md on a real model: SmolLM2-135M-Instruct (scripts/fetch_smollm2.sh) learns eighteen
# invented customers (customers.py), and one of them leaves; or five.
#   scripts/reproduce/own_data.sh MODEL_DIR OUTPUT_DIR [STAGE…]
# Stages: learn, with (a retain file), without (one), overlap, dropped, template, base, text, five (with a retain file);
# all unless some are named.
# A finished stage is not done again (OUTPUT_DIR/STAGE.txt: exit code, seconds, last line). UNLEARN is the
# program, CHECK=1 asks each model with transformers, too (customers_check.py).
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
[ $# -ge 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
model=$(realpath "$1") here=$(cd "$(dirname "$0")/../.." && pwd)
unlearn=$(realpath "${UNLEARN:-$here/build/unlearn}")
mkdir -p "$2"
cd "$2"
shift 2
all=(learn with without overlap dropped template base text five)
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=("${all[@]}")
python3 "$here/scripts/reproduce/customers.py" data
python3 "$here/scripts/reproduce/customers.py" data/five 5

# stage NAME COMMAND…: its exit code, wall time and last line are kept.
stage() {
  local name=$1 code=0 start=$SECONDS
  shift
  [ ! -e "$name.txt" ] || return 0
  "$@" >"$name.out" 2>"$name.log" || code=$?
  # A verdict stands on stdout, a refusal on stderr.
  local said
  said=$(tail -n 1 "$name.out")
  [ -n "$said" ] || said=$(tail -n 1 "$name.log")
  [ "$code" -lt 128 ] || { echo "$name: stopped ($code)" >&2 && exit "$code"; }
  printf '%s\n%s\n%s\n' "$code" $((SECONDS - start)) "$said" >"$name.txt"
  local asked=data/asked.jsonl
  [ "$name" != five ] || asked=data/five/asked.jsonl
  if [ "${CHECK:-0}" = 1 ] && [ -d "$name/model" ]; then
    "${PYTHON:-python3}" "$here/scripts/reproduce/customers_check.py" "$name/model" "$asked" >"$name.asked"
  fi
}

forget=("$unlearn" forget --model learn/model --forget data/forget.jsonl)
for name in "${stages[@]}"; do
  case $name in
    learn)
      stage learn "$unlearn" finetune --model "$model" --set data.benchmark=qa --set data.train=data/known.jsonl \
        --epochs 10 --lr 1e-4 --batch-size 8 --set train.warmup_epochs=1 --set train.save_every=never --output learn
      ;;
    with) stage with "${forget[@]}" --retain data/retain.jsonl --output with --overwrite ;;
    without) stage without "${forget[@]}" --output without --overwrite ;;
    overlap) stage overlap "${forget[@]}" --retain data/known.jsonl --output overlap ;;
    dropped) stage dropped "${forget[@]}" --retain data/known.jsonl --drop-overlap --output dropped --dry-run ;;
    template) stage template "${forget[@]}" --retain data/retain.jsonl --set model.template=llama2 --output template ;;
    base) stage base "${forget[@]}" --retain data/retain.jsonl --base "$model" --output base --overwrite ;;
    text)
      # The same as plain texts, as people have them who have no questions.
      for set in forget retain; do
        sed -E 's/"question": ("[^"]*"), "answer": "/"text": "/' "data/$set.jsonl" >"data/$set.texts.jsonl"
      done
      stage text "$unlearn" forget --model learn/model --forget data/forget.texts.jsonl \
        --retain data/retain.texts.jsonl --output text --overwrite
      ;;
    five)
      stage five "$unlearn" forget --model learn/model --forget data/five/forget.jsonl \
        --retain data/five/retain.jsonl --output five --overwrite
      ;;
    *) echo "unknown stage $name (${all[*]})" >&2 && exit 2 ;;
  esac
done
echo "| stage | exit code | seconds | last line |"
echo "|---|---|---|---|"
for name in "${all[@]}"; do
  [ ! -e "$name.txt" ] || { mapfile -t lines <"$name.txt" && echo "| $name | ${lines[0]} | ${lines[1]} | ${lines[2]:-} |"; }
done
