#!/usr/bin/env bash
# The paper's synthetic experiment (arXiv 2410.07163, section 5, Fig. 5) at full size: both settings,
# NPO and SimNPO, five seeds; then the table of docs/markov.md and the figure.
#   scripts/reproduce/markov.sh [OUTPUT (default runs/markov)] [SEED…]
# Two seeds run at a time, one thread each. Finished runs are kept: repeat the command to go on.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
here=$(cd "$(dirname "$0")/../.." && pwd)
unlearn=${UNLEARN:-$here/build/unlearn}
[ -x "$unlearn" ] || { echo "error: $unlearn is not built (scripts/build.sh), or set UNLEARN" >&2; exit 2; }
output=${1:-$here/runs/markov}
shift $(($# > 0 ? 1 : 0))
seeds=("$@")
[ ${#seeds[@]} -gt 0 ] || seeds=(42 43 44 45 46)

export OMP_NUM_THREADS=1
running=()
for seed in "${seeds[@]}"; do
  if [ ${#running[@]} -ge 2 ]; then
    wait "${running[0]}"
    running=("${running[@]:1}")
  fi
  "$unlearn" markov --output "$output" --seeds "$seed" >/dev/null &
  running+=($!)
done
for process in "${running[@]}"; do wait "$process"; done

# Every record is there: only the table and the figure are made.
"$unlearn" markov --output "$output" --seeds "$(IFS=,; echo "${seeds[*]}")" --log-level warning
echo "markov: records, summary.json and figure.svg are in $output" >&2
