#!/usr/bin/env bash
# Is it really forgotten? The models of fiction.sh (GA, GradDiff, NPO, SimNPO, RMU) under the whole battery
# of `unlearn audit`, beside the model before unlearning and the seed's retain model; then the table of
# docs/audit.md (also OUTPUT/table.md) from what OUTPUT/audit.json keeps of all audits.
#   scripts/reproduce/audit.sh [OUTPUT (default runs/audit)] [SEED…]     (default: 1 2 3)
# METHODS (names), FLAGS (more flags of unlearn audit, e.g. --quick) and UNLEARN (the program) may be set.
# Finished audits are kept: repeat the command to go on. All audits share one folder of cells, so that the
# original is attacked once and a retain model once a seed.
# shellcheck source-path=SCRIPTDIR source=lib.sh
case "${1:-}" in -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
. "$(dirname "$0")/lib.sh"
output=${1:-$here/runs/audit}
shift $(($# > 0 ? 1 : 0))
seeds=("$@")
[ ${#seeds[@]} -gt 0 ] || seeds=(1 2 3)
read -r -a methods <<<"${METHODS:-ga grad_diff npo simnpo rmu}"
read -r -a flags <<<"${FLAGS:-}"
# The paper relearns its shortest answers, too. A fifth of 20 rows, two a step, three times: 6 steps.
relearn=(--set "audit.relearn.sets=[forget,shortest,graded,retain]" --set audit.relearn.batch_size=2)
mkdir -p "$output"
output=$(cd "$output" && pwd)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} UNLEARN=$unlearn
cd "$here"

for seed in "${seeds[@]}"; do
  folder=$output/seed-$seed
  SEED=$seed scripts/reproduce/fiction.sh "$folder" "${methods[@]}" >/dev/null
  mkdir -p "$output/audits"
  for method in "${methods[@]}"; do
    echo "auditing $method, seed $seed" >&2
    audit_into "$output/audits/$method-$seed.json" "$output/cells" "$folder/$method" --original data/tiny \
      --retain-model "$folder/retain/model" "${relearn[@]}" "${flags[@]}"
  done
done
python3 scripts/reproduce/audit_table.py collect "$output/audits" >"$output/audit.json"
python3 scripts/reproduce/audit_table.py draw "$output/audit.json" | tee "$output/table.md"
