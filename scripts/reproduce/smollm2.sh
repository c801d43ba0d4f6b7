#!/usr/bin/env bash
# A real model forgets real data on the CPU: SmolLM2-135M-Instruct (scripts/fetch_smollm2.sh) unlearns
# TOFU's forget01 with each method, and the mean probability exp(mean log-probability) of the true
# answers is measured before and after on forget01 and on the first 200 rows of retain99.
#   scripts/reproduce/smollm2.sh MODEL_DIR TOFU_DIR OUTPUT_DIR [METHOD…]
# LR (default 1e-5, the paper's) sets the learning rate; UNLEARN the program.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
model=$1 data=$2 output=$3
shift 3
methods=("$@")
[ ${#methods[@]} -gt 0 ] || methods=(simnpo npo ga grad_diff)
here=$(cd "$(dirname "$0")/../.." && pwd)
unlearn=${UNLEARN:-$here/build/unlearn}
mkdir -p "$output"

probability() { # probability MODEL SPLIT ROWS
  head -n "$3" "$data/$2.json" | sed 's/"question":/"prompt":/' >"$output/rows.jsonl"
  "$unlearn" score --model "$1" --input "$output/rows.jsonl" --quiet |
    sed -E 's/.*"mean_logprob":([^,]+),.*/\1/' | awk '{ sum += exp($1) } END { printf "%.4f", sum / NR }'
}

table=$output/table.md
{
  echo "| model | forget01 (40 rows) | retain99 (200 rows) | steps | minutes |"
  echo "|---|---|---|---|---|"
  echo "| original | $(probability "$model" forget01 40) | $(probability "$model" retain99 200) | | |"
} >"$table"
for method in "${methods[@]}"; do
  run=$output/$method
  start=$SECONDS
  "$unlearn" --method "$method" --config "$here/configs/tofu.yaml" --model "$model" --data "$data" \
    --set data.forget=forget01 --set train.save_every=never --lr "${LR:-1e-5}" \
    --output "$run" --overwrite >/dev/null
  minutes=$(((SECONDS - start + 30) / 60))
  echo "| $method | $(probability "$run/model" forget01 40) | $(probability "$run/model" retain99 200) | $(wc -l <"$run/metrics.jsonl") | $minutes |" >>"$table"
done
cat "$table"
