#!/usr/bin/env bash
# MUSE News, scalability and sustainability (arXiv 2407.06460, sections on both):
#   scal: the target model forgets news (fold 1), then, each time from the target again, forget sets
#         two, three and four times as large (news/scal/forget_2 … forget_4)
#   sust: the model that forgot fold 1 goes on to forget news/sust/forget_2, then forget_3, forget_4
# Every model is evaluated; a table ends the run. Runs that are done are not repeated.
#   scripts/reproduce/muse_sustain.sh MODEL_DIR MUSE_DIR OUTPUT_DIR METHOD [FLAG…]
# EPOCHS (default: the published ga 1, npo 1, ga with retain NLL 7, others 10) and UNLEARN (the
# program) may be set; FLAGs go to `unlearn train`.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
[ $# -ge 4 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
model=$1 data=$2 output=$3 method=$4
shift 4
here=$(cd "$(dirname "$0")/../.." && pwd)
unlearn=${UNLEARN:-$here/build/unlearn}
case $method in
  ga | npo) epochs=1 ;;
  ga_gdr | grad_diff) epochs=7 ;;
  *) epochs=10 ;;
esac
epochs=${EPOCHS:-$epochs}
mkdir -p "$output"

forget() { # forget FROM_MODEL SPLIT NAME FLAG…: one run and its evaluation
  local from=$1 split=$2 run=$output/$3
  shift 3
  if [ ! -e "$run/model/config.json" ]; then
    echo "$method: $split from $from"
    "$unlearn" train --method "$method" --config "$here/configs/muse-news.yaml" --model "$from" \
      --data "$data" --epochs "$epochs" --set "data.forget=$split" --set train.save_every=never \
      --output "$run" --overwrite --quiet "$@" >/dev/null
  fi
  if [ ! -e "$run/eval/MUSE_SUMMARY.json" ]; then
    "$unlearn" eval --benchmark muse --model "$run/model" --data "$data" \
      --set data.forget=news --output "$run" --quiet >/dev/null
  fi
}

value() { # value RUN METRIC
  sed -n "s/.*\"$2\": *\([^,}]*\).*/\1/p" "$output/$1/eval/MUSE_SUMMARY.json" | head -n 1
}

row() { # row LABEL RUN
  local cells="" metric
  for metric in forget_verbmem_ROUGE forget_knowmem_ROUGE retain_knowmem_ROUGE privleak; do
    cells="$cells $(value "$2" "$metric") |"
  done
  echo "| $1 |$cells"
}

forget "$model" news fold-1 "$@"
for k in 2 3 4; do forget "$model" "news/scal/forget_$k" "scal-$k" "$@"; done
previous=$output/fold-1/model
for k in 2 3 4; do
  forget "$previous" "news/sust/forget_$k" "sust-$k" "$@"
  previous=$output/sust-$k/model
done
{
  echo "| $method | VerbMem forget | KnowMem forget | KnowMem retain | PrivLeak |"
  echo "|---|---|---|---|---|"
  row "fold 1" fold-1
  for k in 2 3 4; do row "size $k" "scal-$k"; done
  for k in 2 3 4; do row "request $k" "sust-$k"; done
} >"$output/table.md"
cat "$output/table.md"
