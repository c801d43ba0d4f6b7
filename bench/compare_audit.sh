#!/usr/bin/env bash
# What an audit costs beside a plain evaluation of the same model: CPU seconds of both, in turn, each from
# nothing, and how much of what the audit asked its cache answered.
#   bench/compare_audit.sh RUN ORIGINAL RETAIN_MODEL [PAIRS (default 3)] [FLAG of unlearn audit…]
# RUN is a run folder. One thread; UNLEARN names the program.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
[ $# -ge 3 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")/.." && pwd)
unlearn=${UNLEARN:-$here/build/unlearn}
run=$1 original=$2 retain=$3 pairs=${4:-3}
shift $(($# > 3 ? 4 : 3))
export OMP_NUM_THREADS=1 TIMEFORMAT='%U %S'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cpu_seconds() { # cpu_seconds COMMAND…
  { time "$@" >/dev/null 2>"$work/log" || { cat "$work/log" >&2 && exit 1; }; } 2>&1 | awk '{ print $1 + $2 }'
}
number_of() { sed -nE "s/^ *\"$2\": *([0-9.]+),?$/\1/p" "$1"; }

echo '| pair | evaluation, CPU s | audit, CPU s | times | cells | requests asked | answered by the model |'
echo '|---|---|---|---|---|---|---|'
for ((pair = 1; pair <= pairs; pair++)); do
  rm -rf "$work/eval" "$work/audit"
  plain=$(cpu_seconds "$unlearn" eval "$run" --output "$work/eval" --quiet)
  whole=$(cpu_seconds "$unlearn" audit "$run" --original "$original" --retain-model "$retain" --output "$work/audit" --quiet "$@")
  costs=$work/audit/costs.json
  awk -v pair=$pair -v plain="$plain" -v whole="$whole" -v cells="$(number_of "$costs" cells_measured)" \
    -v asked="$(number_of "$costs" requests_asked)" -v run="$(number_of "$costs" requests_run)" 'BEGIN {
      printf "| %d | %.1f | %.1f | %.1f | %d | %d | %d |\n", pair, plain, whole, whole / plain, cells, asked, run }'
done
