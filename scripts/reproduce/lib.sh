# Shared by the scripts of this folder: options, the bundled models, numbers out of evaluations.
# shellcheck shell=bash
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
unlearn=${UNLEARN:-$here/build/unlearn}

fail() {
  echo "error: $1" >&2
  exit 2
}

[ -x "$unlearn" ] || fail "$unlearn is not built (scripts/build.sh), or set UNLEARN to the program"

# Options that all of them take.
names=()  # what the models are called in the table …
models=() # … and their folders
data=$here/data/fiction
split=forget10
retain_log=
output=

common_option() { # common_option OPTION VALUE: false when it is none of these
  case "$1" in
    --model)
      [[ $2 == *=* ]] || fail "--model takes NAME=DIR, not '$2'"
      [ -f "${2#*=}/config.json" ] || fail "${2#*=}: no model folder (no config.json)"
      names+=("${2%%=*}")
      models+=("${2#*=}")
      ;;
    --data) data=$2 ;;
    --split) split=$2 ;;
    --retain-log) retain_log=$2 ;;
    --output) output=$2 ;;
    *) return 1 ;;
  esac
}

# The bundled model forgets two people with NPO and with SimNPO, for as many epochs as bring both to
# about the same forget probability; a third model never saw them.
make_bundled_models() {
  local method folder=$output/models
  [[ $split =~ ^forget(05|10)$ ]] || fail "the bundled data has the splits forget05 and forget10, not '$split'"
  local quiet=(--log-level warning)
  if [ ! -f "$folder/retain/model/config.json" ]; then
    echo "training the model that never saw $split" >&2
    (cd "$here" && "$unlearn" finetune --config configs/finetune-tiny.yaml --set data.train="train_retain$((100 - 10#${split#forget}))" \
      --output "$folder/retain" --overwrite "${quiet[@]}" >/dev/null)
  fi
  evaluate "$folder/retain/model" "$folder/retain" # kept results make this quick the second time
  retain_log=$folder/retain
  for method in npo simnpo; do
    local settings=(--beta 2.5 --epochs 40)
    [ $method = simnpo ] || settings=(--beta 0.1 --epochs 10)
    if [ ! -f "$folder/$method/model/config.json" ]; then
      echo "unlearning $split with $method" >&2
      (cd "$here" && "$unlearn" train --config configs/quickstart.yaml --method $method "${settings[@]}" \
        --set data.forget="$split" --output "$folder/$method" --overwrite "${quiet[@]}" >/dev/null)
    fi
    names+=("$method")
    models+=("$folder/$method/model")
  done
}

# The forget set's metrics of a model folder into FOLDER/eval.
evaluate() { # evaluate MODEL FOLDER
  "$unlearn" eval --model "$1" --benchmark tofu --data "$data" --set data.forget="$split" \
    --set "eval.splits=${3:-forget}" ${retain_log:+--retain-log "$retain_log"} --output "$2" \
    --log-level error >/dev/null
}

# A number of a TOFU_SUMMARY.json ("null" when it has none).
metric() { # metric FILE NAME
  [ -f "$1" ] || fail "$1: the evaluation left no summary"
  sed -nE "s/.*\"$2\": ?([^,} ]+).*/\1/p" "$1" | head -n 1
}

# Numbers on stdin, one a line, as "mean" or "mean ± sd".
mean_sd() {
  awk '$1 == "null" || $1 == "" { bad = 1 } { value[++n] = $1; s += $1 }
    END {
      if (bad || !n) { print "n/a"; exit }
      m = s / n
      for (i = 1; i <= n; i++) q += (value[i] - m) ^ 2
      # Below what addition rounds: the numbers are the same.
      if (q < (1e-12 * m) ^ 2) q = 0
      if (n == 1) printf "%.3g\n", m
      else printf "%.3g ± %.2g\n", m, sqrt(q / (n - 1))
    }'
}
