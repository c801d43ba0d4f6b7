#!/usr/bin/env bash
# Does quantising bring back what was unlearned? Every model is evaluated as it is and with simulated
# 8-bit (int8 by rows) and 4-bit (NF4) weights.
#   scripts/reproduce/quantise.sh [--model NAME=DIR]… [--data DIR] [--split forget05] [--retain-log F]
#       [--output runs/quantise]
# Without --model it runs on the bundled data: data/tiny before unlearning, and unlearned with NPO and
# with SimNPO.
case "${1:-}" in -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || fail "unknown option or no value: '$1'"
  common_option "$1" "$2" || fail "unknown option '$1'"
  shift 2
done
output=${output:-$here/runs/quantise}
mkdir -p "$output"
output=$(cd "$output" && pwd)
if [ ${#models[@]} -eq 0 ]; then
  names=(original)
  models=("$here/data/tiny")
  make_bundled_models
fi

{
  echo '| model | weights | forget_Q_A_Prob | forget_quality | model_utility |'
  echo '|---|---|---|---|---|'
  for i in "${!models[@]}"; do
    for bits in full 8 4; do
      folder=$output/${names[$i]}-$bits
      model=${models[$i]}
      if [ $bits != full ]; then
        "$unlearn" quantise --model "$model" --bits $bits --output "$folder/model" --overwrite --quiet >/dev/null
        model=$folder/model
      fi
      echo "evaluating ${names[$i]}, $bits" >&2
      evaluate "$model" "$folder" all
      printf '| %s | %s |' "${names[$i]}" "$([ $bits = full ] && echo 'as saved' || echo "$bits bits")"
      for what in forget_Q_A_Prob forget_quality model_utility; do
        printf ' %s |' "$(metric "$folder/eval/TOFU_SUMMARY.json" $what | mean_sd)"
      done
      echo
    done
  done
} | tee "$output/table.md"
