#!/usr/bin/env bash
# Relearning attack (arXiv 2410.07163, section 6.2, Fig. 6): an unlearned model is fine-tuned on a part
# of the forget set, its shortest answers or random rows (several draws), and evaluated on all of it
# after every epoch.
#   scripts/reproduce/relearn.sh [--model NAME=DIR]… [--data DIR] [--split forget05] [--retain-log F]
#       [--fraction 0.2] [--draws 5] [--epochs 3] [--lr 1e-5] [--batch 4] [--output runs/relearn]
# Without --model it runs on the bundled data: data/tiny unlearned with NPO and with SimNPO, at a
# learning rate for its size. --retain-log is the evaluation (or run folder) of the retrained model.
case "${1:-}" in -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
fraction=0.2
draws=5
epochs=3
lr=
batch=
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || fail "unknown option or no value: '$1'"
  case "$1" in
    --fraction) fraction=$2 ;;
    --draws) draws=$2 ;;
    --epochs) epochs=$2 ;;
    --lr) lr=$2 ;;
    --batch) batch=$2 ;;
    *) common_option "$1" "$2" || fail "unknown option '$1'" ;;
  esac
  shift 2
done
output=${output:-$here/runs/relearn}
mkdir -p "$output"
output=$(cd "$output" && pwd)
if [ ${#models[@]} -eq 0 ]; then
  make_bundled_models
  lr=${lr:-5e-4}
  batch=${batch:-2}
fi
lr=${lr:-1e-5}
batch=${batch:-4}

rows=$data/$split.json
[ -f "$rows" ] || fail "$rows: no such split"
total=$(grep -c . "$rows")
chosen=$(awk -v n="$total" -v f="$fraction" 'BEGIN { k = int(n * f + 0.5); print k < 1 ? 1 : k }')
[ "$chosen" -ge "$batch" ] || fail "$chosen rows do not fill a batch of $batch; lower --batch"
steps=$((chosen / batch)) # optimizer steps of an epoch

# The rows whose 0-based numbers are on stdin, in the file's order.
pick() { awk 'NR == FNR { wanted[$1] = 1; next } (FNR - 1) in wanted' - <(grep . "$rows"); }

# The rows with the fewest answer tokens of this model's tokenizer, ties by row.
shortest_rows() { # shortest_rows MODEL
  grep . "$rows" | sed 's/"question":/"prompt":/' >"$output/rows.jsonl"
  "$unlearn" score --model "$1" --input "$output/rows.jsonl" --quiet |
    sed -E 's/.*"index":([0-9]+).*"num_labels":([0-9]+).*/\2 \1/' |
    sort -n -k1,1 -k2,2 | awk -v k="$chosen" 'NR <= k { print $2 }' | pick
}

# A draw of rows: Park and Miller's generator gives every row a key, the smallest keys are taken.
random_rows() { # random_rows DRAW
  awk -v n="$total" -v draw="$1" 'BEGIN {
    s = 7919 * draw + 1
    for (i = 0; i < 10; i++) s = (s * 16807) % 2147483647
    for (row = 0; row < n; row++) { s = (s * 16807) % 2147483647; print s, row }
  }' | sort -n | awk -v k="$chosen" 'NR <= k { print $2 }' | pick
}

relearn() { # relearn MODEL ROWS FOLDER
  [ -f "$3/eval/step-$((steps * epochs))/TOFU_SUMMARY.json" ] && return 0
  "$unlearn" finetune --model "$1" --data "$data" --output "$3" --overwrite --log-level error \
    --lr "$lr" --epochs "$epochs" --set data.benchmark=tofu --set "data.train=$2" \
    --set "data.forget=$split" --set "train.batch_size=$batch" --set train.schedule=constant \
    --set train.warmup_epochs=0 --set train.weight_decay=0.01 --set train.save_every=never \
    --set eval.every=epoch --set eval.splits=forget \
    ${retain_log:+--set "eval.retain_log=$retain_log"} >/dev/null
  rm -rf "$3/model" # only the numbers are wanted
}

summary_of() { # summary_of MODEL_NAME SELECTION EPOCH
  if [ "$3" -eq 0 ]; then
    echo "$output/$1/start/eval/TOFU_SUMMARY.json"
  else
    echo "$output/$1/$2/eval/step-$((steps * $3))/TOFU_SUMMARY.json"
  fi
}

table_row() { # table_row MODEL_NAME LABEL METRIC SELECTION…
  local name=$1 label=$2 what=$3 epoch selection
  shift 3
  printf '| %s | %s | %s |' "$name" "$label" "$what"
  for ((epoch = 0; epoch <= epochs; epoch++)); do
    printf ' %s |' "$(for selection in "$@"; do metric "$(summary_of "$name" "$selection" "$epoch")" "$what"; done | mean_sd)"
  done
  echo
}

for i in "${!models[@]}"; do
  name=${names[$i]}
  folder=$output/$name
  mkdir -p "$folder"
  echo "relearning from $name: $chosen of $total rows, $steps steps an epoch" >&2
  [ -f "$(summary_of "$name" - 0)" ] || evaluate "${models[$i]}" "$folder/start"
  shortest_rows "${models[$i]}" >"$folder/shortest.jsonl"
  relearn "${models[$i]}" "$folder/shortest.jsonl" "$folder/shortest"
  for ((draw = 1; draw <= draws; draw++)); do
    random_rows "$draw" >"$folder/random-$draw.jsonl"
    relearn "${models[$i]}" "$folder/random-$draw.jsonl" "$folder/random-$draw"
  done
done

{
  printf '| model | relearned rows | metric |'
  for ((epoch = 0; epoch <= epochs; epoch++)); do printf ' epoch %d |' "$epoch"; done
  printf '\n|---|---|---|'
  for ((epoch = 0; epoch <= epochs; epoch++)); do printf -- '---|'; done
  echo
  random=()
  for ((draw = 1; draw <= draws; draw++)); do random+=("random-$draw"); done
  for name in "${names[@]}"; do
    for what in forget_Q_A_Prob forget_quality; do
      table_row "$name" "shortest $chosen" $what shortest
      table_row "$name" "random $chosen, $draws draws" $what "${random[@]}"
    done
  done
} | tee "$output/table.md"
