#!/usr/bin/env bash
# The whole experiment on the bundled set stays where it was when it was recorded: bounds around the
# figures of several seeds (docs/reproduction.md). A retain model trained for fewer epochs is enough.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$source_dir"
UNLEARN=$unlearn scripts/reproduce/fiction.sh "$work/fiction" npo simnpo >"$work/table.md"

# within RUN METRIC LOW HIGH: the run's metric lies in the recorded range.
within() {
  local value
  value=$(sed -nE "s/^ *\"$2\": *([-0-9.e+]+),?\$/\1/p" "$work/fiction/$1/eval/TOFU_SUMMARY.json")
  [ -n "$value" ] || die "$1: $2 has no number"
  awk -v v="$value" -v low="$3" -v high="$4" 'BEGIN { exit !(v >= low && v <= high) }' ||
    die "$1: $2 = $value, recorded between $3 and $4"
  checks=$((checks + 1))
}
within full forget_Q_A_Prob 0.98 1
within full model_utility 0.9 1
within full forget_quality 0 0.001
within retain forget_Q_A_Prob 0 0.1
within retain model_utility 0.9 1
for method in npo simnpo; do
  within $method forget_Q_A_Prob 0 0.15
  within $method retain_Q_A_Prob 0.9 1
  within $method model_utility 0.85 1
  within $method forget_quality 0.005 1
done
echo "bundled experiment: $checks checks passed"
