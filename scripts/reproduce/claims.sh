#!/usr/bin/env bash
# The paper's claims (arXiv 2410.07163) at the size of the bundled model: every run that
# claims.py needs, then its table (also OUTPUT/table.md). docs/reproduction.md explains both.
#   scripts/reproduce/claims.sh [OUTPUT (default runs/claims)] [SEED…]     (default: 1 2 3)
# OUTPUT/seed-N/fiction is what `SEED=N fiction.sh` makes. Two runs at a time, one thread each;
# finished ones are kept: repeat the command to go on. UNLEARN names the program.
# shellcheck source-path=SCRIPTDIR source=lib.sh
case "${1:-}" in -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
. "$(dirname "$0")/lib.sh"
output=${1:-$here/runs/claims}
shift $(($# > 0 ? 1 : 0))
seeds=("$@")
[ ${#seeds[@]} -gt 0 ] || seeds=(1 2 3)
mkdir -p "$output"
output=$(cd "$output" && pwd)
export OMP_NUM_THREADS=1 UNLEARN=$unlearn
cd "$here"

running=0
start() { # start COMMAND…: in the background, two at a time; a failed one ends the script
  if [ $running -ge 2 ]; then
    wait -n
    running=$((running - 1))
  fi
  "$@" &
  running=$((running + 1))
}
finish() {
  while [ $running -gt 0 ]; do
    wait -n
    running=$((running - 1))
  done
}

# A run of the bundled experiment's settings that forgets forget10; what it needs to be evaluated
# (eval.every, eval.at_end) is in FLAGs.
forget() { # forget SEED NAME METHOD FLAG…
  local seed=$1 folder=$output/seed-$1
  local run=$folder/$2
  done_already "$run" || "$unlearn" --method "$3" --config fiction.yaml --seed "$seed" --output "$run" --overwrite \
    --set "eval.retain_log=$folder/fiction/retain" --set "eval.metrics=[model_utility,forget_quality,probability]" \
    "${@:4}" --log-level error >/dev/null
}

# C4. The original model learns half of forget10 (D_f1) and never sees the other half (D_f2). D_f1
# holds the even questions of one person and the odd ones of the other: the halves ask the same things.
memorised_half() { # memorised_half SEED
  local folder=$output/seed-$1/half
  if ! done_already "$folder/original"; then
    mkdir -p "$folder"
    awk 1 data/fiction/train_retain90.json \
      <(awk '(NR <= 10 && NR % 2 == 1) || (NR > 10 && NR % 2 == 0)' data/fiction/forget10.json) >"$folder/train.jsonl"
    "$unlearn" finetune --config finetune-tiny.yaml --set "data.train=$folder/train.jsonl" --seed "$(($1 + 41))" \
      --output "$folder/original" --overwrite --log-level error >/dev/null
  fi
  local epochs=(--model "$folder/original/model" --set eval.every=epoch --set eval.splits=forget
    --set "eval.metrics=[forget_quality,probability]")
  forget "$1" half/npo npo --beta 0.1 "${epochs[@]}"
  forget "$1" half/simnpo simnpo --beta 0.5 --set method.forget_weight=0.25 "${epochs[@]}"
}

# C12. Both methods where their forget probabilities are near each other; a fifth of the forget set is
# relearned, the shortest answers and five random draws.
relearning() { # relearning SEED
  local folder=$output/seed-$1/relearn
  forget "$1" relearn/from-npo npo --beta 0.1 --epochs 10 --set method.forget_weight=0.5
  forget "$1" relearn/from-simnpo simnpo --beta 2.5 --epochs 40 --set method.forget_weight=0.5
  local method
  for method in npo simnpo; do
    audit_into "$folder/$method.json" "$folder/cells" "$folder/from-$method" --original data/tiny \
      --retain-model "$output/seed-$1/fiction/retain/model" --attacks relearn --set audit.relearn.batch_size=2 \
      --set "audit.relearn.sets=[shortest,forget]" --set "audit.relearn.forms=[full]" --set audit.relearn.seeds=5
  done
}

# C5. SimNPO has no use for a reference: what the program says to one.
refused_reference() { # refused_reference SEED
  local folder=$output/seed-$1/perturbed
  mkdir -p "$folder"
  if "$unlearn" --method simnpo --config fiction.yaml --ref-perturb 0.5 --dry-run >/dev/null \
    2>"$folder/simnpo.txt"; then echo accepted >"$folder/simnpo.txt"; fi
}

# C16. Four people are asked to be forgotten, one after the other; all have the files of an evaluation.
make_folds() {
  local folds=$output/folds k rows
  mkdir -p "$folds"
  rows=("$(tail -n 10 data/fiction/forget10_perturbed.json)" "$(head -n 10 data/fiction/forget10_perturbed.json)"
    "$(tail -n 10 data/fiction/retain_perturbed.json)" "$(sed -n '21,30p' data/fiction/retain_perturbed.json)")
  : >"$folds/asked0_perturbed.json"
  for k in 1 2 3 4; do
    echo "${rows[k - 1]}" >"$folds/fold$k.json"
    cat "$folds/asked$((k - 1))_perturbed.json" "$folds/fold$k.json" >"$folds/asked${k}_perturbed.json"
  done
  sed '181,200d;21,40d' data/fiction/full.json >"$folds/retain.json"
  head -n 20 data/fiction/retain_perturbed.json >"$folds/retain_perturbed.json"
}
sequential() { # sequential SEED METHOD FLAG…
  local folder=$output/seed-$1/sequence/$2 from=data/tiny k
  for k in 1 2 3 4; do
    forget "$1" "sequence/$2/$k" "$2" --model "$from" --data "$output/folds" \
      --set "data.forget=$output/folds/fold$k.json" --set "data.retain=$output/folds/retain.json" "${@:3}"
    [ -f "$folder/$k/eval/TOFU_SUMMARY.json" ] || "$unlearn" eval --benchmark tofu --model "$folder/$k/model" \
      --data "$output/folds" --set "data.forget=asked$k" --set "eval.metrics=[rouge,probability]" \
      --output "$folder/$k" --log-level error >/dev/null
    from=$folder/$k/model
  done
}

make_folds
for seed in "${seeds[@]}"; do
  SEED=$seed start scripts/reproduce/fiction.sh "$output/seed-$seed/fiction" >/dev/null
done
finish
quarters=(--set eval.every=20)
long=(--epochs 60 --set eval.at_end=true)
weight=(--set method.forget_weight=0.25)
constant=(--set train.schedule=constant --set train.warmup_epochs=0 --set eval.every=epoch --set eval.splits=forget
  --set "eval.metrics=[kl_divergence]" --set eval.original_model=data/tiny)
for seed in "${seeds[@]}"; do
  echo "the runs of seed $seed" >&2
  # C10, C11: both methods over β and epochs. C17: the two of the bundled experiment every epoch.
  start forget "$seed" beta/npo-0.1 npo --beta 0.1 --set eval.every=epoch
  start forget "$seed" beta/simnpo-0.5 simnpo --beta 0.5 "${weight[@]}" --set eval.every=epoch
  for beta in 0.02 0.05 0.2 0.5 1; do start forget "$seed" "beta/npo-$beta" npo --beta $beta "${quarters[@]}"; done
  for beta in 0.1 1.5 2.5 3.5 4.5; do
    start forget "$seed" "beta/simnpo-$beta" simnpo --beta $beta "${weight[@]}" "${quarters[@]}"
  done
  for beta in 0.02 0.05 0.1 0.2 0.5 1; do start forget "$seed" "long/npo-$beta" npo --beta $beta "${long[@]}"; done
  for beta in 0.1 0.5 1.5 2.5 3.5 4.5; do
    start forget "$seed" "long/simnpo-$beta" simnpo --beta $beta "${weight[@]}" "${long[@]}"
  done
  # C9: the margin.
  for beta in 0.5 2.5; do
    for gamma in 0 0.5 1 2; do
      start forget "$seed" "gamma/$beta-$gamma" simnpo --beta $beta --gamma $gamma "${weight[@]}" --set eval.at_end=true
    done
  done
  # C1, C2: one forget row a step, so that the logged weight is one row's.
  start forget "$seed" weights/npo npo --beta 0.1 --lr 1e-4 --set train.batch_size=1
  start forget "$seed" weights/simnpo simnpo --beta 0.5 "${weight[@]}" --lr 1e-4 --set train.batch_size=1
  # C5: half of the reference is random weights.
  start forget "$seed" perturbed/npo npo --beta 0.1 --ref-perturb 0.5 --set eval.at_end=true
  start refused_reference "$seed"
  # C6: ascent for as many steps as the bounded methods.
  start forget "$seed" ascent/ga ga --set eval.at_end=true
  start forget "$seed" ascent/grad_diff grad_diff --set eval.at_end=true
  # C7: the distance from the original model, at a constant rate (a falling one bends every curve).
  start forget "$seed" distance/ga ga "${constant[@]}"
  start forget "$seed" distance/npo npo --beta 0.1 "${constant[@]}"
  start forget "$seed" distance/simnpo simnpo --beta 0.5 "${weight[@]}" "${constant[@]}"
  # C8: the settings of the bundled experiment's grad_diff.
  short=(--epochs 10 --set method.forget_weight=0.2 --set model.save_dtype=float32)
  start forget "$seed" length/grad_diff grad_diff "${short[@]}" --set eval.at_end=true
  start forget "$seed" length/wgraddiff wgraddiff "${short[@]}" --set eval.at_end=true
  start forget "$seed" length/simnpo simnpo --beta 1e-6 "${short[@]}"
  start memorised_half "$seed"
  start relearning "$seed"
  start sequential "$seed" npo --beta 0.1
  start sequential "$seed" simnpo --beta 0.5 "${weight[@]}"
done
finish
python3 scripts/reproduce/claims.py "$output" | tee "$output/table.md"
