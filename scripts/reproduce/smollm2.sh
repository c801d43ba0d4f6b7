#!/usr/bin/env bash
# A real model forgets real data on the CPU. SmolLM2-135M-Instruct (scripts/fetch_smollm2.sh) first
# learns TOFU's forget01 and 80 rows of retain99 (a model that never knew them has nothing to forget),
# then unlearns forget01 with each method. Measured before and after: the mean over rows of
# exp(mean log-probability of the true answer).
#   scripts/reproduce/smollm2.sh MODEL_DIR TOFU_DIR OUTPUT_DIR [METHOD[:EPOCHS[:LR]]…]
# LR (1e-4) and EPOCHS (6 passes over forget01) count where a method has none of its own, DTYPE
# (bfloat16) is the training precision, LEARN_LR and LEARN_EPOCHS are those of the first part, SETTINGS
# more flags of unlearn, UNLEARN the program. A finished part is not done again. Retain rows are taken
# in turn (data.pairing=cyclic): TOFU's own fixed pairs would show a method only 32 of the 80. TEMPLATE
# (llama2) is the template: the paper's plain tags, not the ChatML that the model was tuned on.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
[ $# -ge 3 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
model=$1 data=$2 output=$3
shift 3
methods=("$@")
[ ${#methods[@]} -gt 0 ] || methods=(simnpo npo ga:2:5e-5 grad_diff:3:5e-5)
read -r -a settings <<<"${SETTINGS:-}"
here=$(cd "$(dirname "$0")/../.." && pwd)
unlearn=${UNLEARN:-$here/build/unlearn}
mkdir -p "$output"
head -n 80 "$data/retain99.json" >"$output/retain.jsonl"
awk 1 "$data/forget01.json" "$output/retain.jsonl" >"$output/known.jsonl" # awk ends every line
common=(--set train.batch_size=8 --set train.save_every=never --set "model.dtype=${DTYPE:-bfloat16}"
  --set model.save_dtype=float32 --set "model.template=${TEMPLATE:-llama2}" --overwrite)

done_already() { grep -qs '"status": "done"' "$1/run.json"; }

probability() { # probability MODEL FILE
  sed 's/"question":/"prompt":/' "$2" >"$output/rows.jsonl"
  "$unlearn" score --model "$1" --input "$output/rows.jsonl" --quiet |
    sed -E 's/.*"mean_logprob":([^,]+),.*/\1/' | awk '{ sum += exp($1) } END { printf "%.4f", sum / NR }'
}

row() { # row NAME MODEL STEPS
  echo "| $1 | $(probability "$2" "$data/forget01.json") | $(probability "$2" "$output/retain.jsonl") | $3 |"
}

full=$output/full
done_already "$full" || "$unlearn" finetune --config finetune-tofu.yaml --model "$model" \
  --set "data.train=$output/known.jsonl" --epochs "${LEARN_EPOCHS:-8}" --lr "${LEARN_LR:-1e-4}" "${common[@]}" --output "$full" >/dev/null
table=$output/table.md
{
  echo "| model | forget01 (40 rows) | retain (80 rows) | steps |"
  echo "|---|---|---|---|"
  row "SmolLM2-135M" "$model" ""
  row "after learning both" "$full/model" "$(wc -l <"$full/metrics.jsonl")"
} >"$table"
for entry in "${methods[@]}"; do
  IFS=: read -r method epochs rate <<<"$entry"
  run=$output/${entry//:/-}
  done_already "$run" || "$unlearn" --method "$method" --config tofu.yaml --model "$full/model" --data "$data" \
    --set data.forget=forget01 --set "data.retain=$output/retain.jsonl" --set data.pairing=cyclic --lr "${rate:-${LR:-1e-4}}" \
    --epochs "${epochs:-${EPOCHS:-6}}" "${settings[@]}" "${common[@]}" --output "$run" >/dev/null
  row "$method" "$run/model" "$(wc -l <"$run/metrics.jsonl")" >>"$table"
done
cat "$table"
