#!/usr/bin/env bash
# TOFU's experiment from end to end on the bundled set: the full model (data/tiny knows all people), a
# retain model trained from scratch without the last two people (forget10), unlearning with each
# method, evaluation of all, and the table with forget quality against the retain model.
#   scripts/reproduce/fiction.sh [OUTPUT_DIR] [METHOD…]     (default: runs/fiction; minutes on a CPU)
# SEED (default 1) seeds every run; UNLEARN names the program.
# shellcheck source-path=SCRIPTDIR source=lib.sh
case "${1:-}" in -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
. "$(dirname "$0")/lib.sh"
cd "$here"
output=${1:-runs/fiction}
shift $(($# > 0 ? 1 : 0))
methods=("$@")
[ ${#methods[@]} -gt 0 ] || methods=(ga grad_diff npo simnpo)
seed=${SEED:-1}
quiet=(--log-level error)
mkdir -p "$output"

evaluated() { [ -f "$1/eval/TOFU_SUMMARY.json" ]; }
evaluate() { # evaluate FOLDER MODEL [FLAGS…]
  evaluated "$1" || "$unlearn" eval --benchmark tofu --model "$2" --data data/fiction --set data.forget=forget10 \
    --output "$1" "${@:3}" "${quiet[@]}" >/dev/null
}

retain=$output/retain
done_already "$retain" || "$unlearn" finetune --config finetune-tiny.yaml --set data.train=train_retain90 \
  --epochs "${RETAIN_EPOCHS:-60}" --seed "$((seed + 41))" --output "$retain" --overwrite "${quiet[@]}" >/dev/null
evaluate "$retain" "$retain/model"
evaluate "$retain" "$retain/model" --retain-log "$retain"
evaluate "$output/full" data/tiny --retain-log "$retain"
runs=("$output/full" "$retain") # the page shows them as what the others are compared with
for method in "${methods[@]}"; do
  run=$output/$method
  bundled_settings "$method"
  done_already "$run" || "$unlearn" --method "$method" --config fiction.yaml \
    "${settings[@]}" --seed "$seed" --output "$run" --overwrite "${quiet[@]}" >/dev/null
  evaluate "$run" "$run/model" --retain-log "$retain"
  runs+=("$run")
done
"$unlearn" report "${runs[@]}" --original "$output/full" --retain-model "$retain" --output "$output"
