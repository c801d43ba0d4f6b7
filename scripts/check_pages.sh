#!/usr/bin/env bash
# Makes every kind of page from the bundled data and opens each in headless Chromium (scripts/check_pages.py):
# a run that measured before and after, a sweep of two seeds, a run on own data, an audit, and a page of 1,000 rows.
#   scripts/check_pages.sh [--shots DIR] [--keep DIR]   pictures of the pages; where the runs and pages stay
# UNLEARN names the program, CHROMIUM the browser. Exit code 77: there is no Chromium.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
cd "$(dirname "$0")/.."
unlearn=${UNLEARN:-build/unlearn}
shots=() keep=
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || { echo "error: $1 needs a folder" >&2; exit 2; }
  case "$1" in
    --shots) shots=(--shots "$2") ;;
    --keep) keep=$2 ;;
    *) echo "error: unknown option '$1'; known: --shots DIR, --keep DIR" >&2 && exit 2 ;;
  esac
  shift 2
done
if [ -z "${CHROMIUM:-}" ] && ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null; then
  echo "check_pages: skipped: no Chromium (Debian: chromium)"
  exit 77
fi
work=$keep
if [ -z "$work" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
quiet=(--log-level error)
few=(--set eval.rows=4 --set eval.max_new_tokens=24)

# A model that never saw the rows would take minutes: another run's evaluation stands in for it, as all that is
# looked at here is the page.
for seed in 1 2; do
  for beta in 1 2.5; do
    "$unlearn" train --config quickstart.yaml --beta $beta --seed $seed --epochs 4 --output "$work/beta=$beta,seed=$seed" \
      --set eval.at_start=true --set eval.at_end=true "${few[@]}" "${quiet[@]}" --overwrite >/dev/null
  done
done
run="$work/beta=1,seed=1"
pages=()
"$unlearn" report "$work"/beta=* --retain-model "$run" --output "$work/sweep" >/dev/null 2>&1
"$unlearn" report "$run" --output "$work/one" >/dev/null 2>&1
# Few steps: the target is not reached (exit code 4), and the page says so.
code=0
"$unlearn" forget --model data/tiny --forget data/fiction/forget05.json --retain data/fiction/retain95.json --lr 3e-4 \
  --set train.max_steps=8 --set eval.own_data.samples=1 --set eval.own_data.retain_rows=8 --output "$work/forget" \
  "${quiet[@]}" --overwrite >/dev/null || code=$?
[ $code -eq 4 ] || [ $code -eq 0 ] || { echo "error: unlearn forget: exit code $code" >&2; exit 1; }
"$unlearn" report "$work/forget" --output "$work/own" >/dev/null 2>&1
"$unlearn" audit "$run" --attacks relearn,quantise,sample --quick "${few[@]}" --output "$work/audit" "${quiet[@]}" >/dev/null

# The run's 10 rows 100 times.
mkdir -p "$work/large"
cp "$work/forget/run.json" "$work/large"
python3 - "$work/forget/verdict.json" "$work/large/verdict.json" <<'END'
import json, sys
verdict = json.load(open(sys.argv[1]))
verdict["rows"] = [dict(row, row=10 * i + row["row"]) for i in range(100) for row in verdict["rows"]]
json.dump(verdict, open(sys.argv[2], "w"))
END
"$unlearn" report "$work/large" --output "$work/thousand" >/dev/null 2>&1

mkdir -p "$work/pages"
for name in sweep one own thousand; do cp "$work/$name/report.html" "$work/pages/$name.html"; done
cp "$work/forget/report.html" "$work/pages/verdict.html"
cp "$work/audit/audit.html" "$work/pages/audit.html"
for page in "$work"/pages/*.html; do pages+=("$page"); done
python3 scripts/check_pages.py "${shots[@]}" "${pages[@]}"
