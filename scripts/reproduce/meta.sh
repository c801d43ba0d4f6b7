#!/usr/bin/env bash
# Which metrics can be trusted (spec of arXiv 2506.12618 and 2605.24614), on small models trained here:
#   faithfulness  does a metric tell models that know forget10 (trained on it, on paraphrased answers, on
#                 biographies of its people) from models that do not (without it, with wrong answers, with
#                 other people)?
#   robustness    does it stay right when unlearned models are relearned and rounded to 4 bits?
# Then the table of docs/audit.md (also OUTPUT/table.md) from what OUTPUT/meta.json keeps.
#   scripts/reproduce/meta.sh [OUTPUT (default runs/meta)] [SEED…]     (default: 1 2 3)
# A seed makes two pools of 3 kinds × RATES (5e-4 1e-3) × EPOCHS (5 10) models and METHODS (ga grad_diff npo
# simnpo rmu) × SHARES (1 0.5, of the methods' epochs) unlearned ones; BASE_EPOCHS (60) are those of the model
# that they start from. UNLEARN names the program. Finished models are kept: repeat the command to go on.
# shellcheck source-path=SCRIPTDIR source=lib.sh
case "${1:-}" in -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
. "$(dirname "$0")/lib.sh"
output=${1:-$here/runs/meta}
shift $(($# > 0 ? 1 : 0))
seeds=("$@")
[ ${#seeds[@]} -gt 0 ] || seeds=(1 2 3)
read -r -a rates <<<"${RATES:-5e-4 1e-3}"
read -r -a lengths <<<"${EPOCHS:-5 10}"
read -r -a methods <<<"${METHODS:-ga grad_diff npo simnpo rmu}"
read -r -a shares <<<"${SHARES:-1 0.5}"
kinds=(full paraphrased biography retain perturbed others)
mkdir -p "$output"
output=$(cd "$output" && pwd)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
cd "$here"
python3 scripts/reproduce/meta.py data "$output/data"

learn() { # learn RUN SEED TRAIN_FILE EPOCHS FLAG…
  done_already "$1" || "$unlearn" finetune --config finetune-tiny.yaml --set "data.train=$3" --seed "$2" \
    --epochs "$4" --output "$1" --overwrite --log-level error "${@:5}" >/dev/null
}

# The people of holdout05 are in no model; those of the rest of holdout10 are the "others".
measure() { # measure FOLDER MODEL SPLITS
  [ -f "$1/eval/TOFU_EVAL.json" ] || "$unlearn" eval --benchmark tofu --model "$2" --data data/fiction \
    --set data.forget=forget10 --set eval.holdout=data/fiction/holdout05.json --set "eval.splits=$3" \
    --set eval.cache=false --output "$1" --log-level error >/dev/null
}

# Block by block, told by the seed's models of the strongest setting that know and that do not. The audits
# of a seed share a folder: those two are measured once.
look_inside() { # look_inside FOLDER MODEL
  audit_into "$1/white_box.json" "$folder/white_box" --model "$2" --original "$knowing" --retain-model "$unknowing" \
    --benchmark tofu --data data/fiction --set data.forget=forget10 --set "eval.splits=[forget]" --attacks none
}

# All forget rows once, in small steps; and 4-bit weights.
attack() { # attack FOLDER MODEL SEED
  if [ ! -f "$1/relearned/white_box.json" ]; then
    learn "$1/relearned" "$3" data/fiction/forget10.json 1 --model "$2" --set model.init=pretrained --lr 5e-4 \
      --set train.batch_size=4 --set train.schedule=linear --set train.warmup_epochs=0 --set train.weight_decay=0
    measure "$1/relearned" "$1/relearned/model" forget
    look_inside "$1/relearned" "$1/relearned/model"
    rm -rf "$1/relearned/model" # only the numbers are wanted
  fi
  if [ ! -f "$1/rounded/white_box.json" ]; then
    "$unlearn" quantise --model "$2" --bits 4 --output "$1/rounded/model" --overwrite --quiet >/dev/null
    measure "$1/rounded" "$1/rounded/model" forget
    look_inside "$1/rounded" "$1/rounded/model"
    rm -rf "$1/rounded/model"
  fi
}

strongest=${rates[${#rates[@]} - 1]}-${lengths[${#lengths[@]} - 1]}
for seed in "${seeds[@]}"; do
  folder=$output/seed-$seed
  knowing=$folder/pools/full-$strongest/model unknowing=$folder/pools/retain-$strongest/model
  echo "seed $seed: a model without forget10, and what is made of it" >&2
  learn "$folder/base" $((seed + 41)) train_retain90 "${BASE_EPOCHS:-60}" # the retain model of fiction.sh
  for kind in "${kinds[@]}"; do
    for rate in "${rates[@]}"; do
      for epochs in "${lengths[@]}"; do
        run=$folder/pools/$kind-$rate-$epochs
        learn "$run" "$seed" "$output/data/$kind.json" "$epochs" --model "$folder/base/model" \
          --set model.init=pretrained --lr "$rate" --set data.max_length=400
        splits=forget
        [ "$kind-$rate-$epochs" != "full-$strongest" ] || splits=all # its utility is the measure
        measure "$run" "$run/model" $splits
      done
    done
  done
  for run in "$folder"/pools/*; do
    case "$run/model" in "$knowing" | "$unknowing") ;; *) look_inside "$run" "$run/model" ;; esac
  done
  echo "seed $seed: unlearning, relearning, rounding" >&2
  attack "$folder/retain" "$unknowing" "$seed"
  for method in "${methods[@]}"; do
    for share in "${shares[@]}"; do
      run=$folder/unlearned/$method-$share
      bundled_settings "$method" "$share"
      done_already "$run" || "$unlearn" --method "$method" --config fiction.yaml "${settings[@]}" --seed "$seed" \
        --model "$knowing" --output "$run" --overwrite --log-level error >/dev/null
      measure "$run" "$run/model" all
      look_inside "$run" "$run/model"
      attack "$run" "$run/model" "$seed"
    done
  done
done
python3 scripts/reproduce/meta.py collect "$output" "$strongest" >"$output/meta.json"
python3 scripts/reproduce/meta.py draw "$output/meta.json" | tee "$output/table.md"
