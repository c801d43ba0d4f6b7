#!/usr/bin/env bash
# Pages as a browser shows them: no message, nothing cut off, wide and narrow, light and dark.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || { echo "skipped: no python3" && exit 77; }
code=0
UNLEARN=$unlearn "$source_dir/scripts/check_pages.sh" --keep "$work" || code=$?
[ $code -ne 77 ] || exit 77
expect "every page works" test $code -eq 0

# What was asked for is in the pages, whether scripts run or not.
expect "seeds are averaged" grep -q 'simnpo · 2 seeds' "$work/sweep/report.html"
expect "the run measured before" grep -q '<h2>Answers, row by row</h2>' "$work/one/report.html"
expect "and does not say it is missing" test "$(grep -c 'Nothing was measured before training' "$work/one/report.html")" -eq 0
expect "before has its own folder" test -s "$work/beta=1,seed=1/eval/before/TOFU_SUMMARY.json"
"$unlearn" train --config "$source_dir/configs/quickstart.yaml" --set model.path="$source_dir/data/tiny" \
  --set data.root="$source_dir/data/fiction" --beta 1 --seed 1 --epochs 4 --output "$work/plain" --quiet >/dev/null 2>&1
expect "measuring before changes no weight" test "$(weights "$work/plain")" = "$(weights "$work/beta=1,seed=1")"
expect "1,000 rows are cut, and the page says so" grep -q 'The first 200 of 1000 rows are shown' "$work/thousand/report.html"
echo "pages: $checks checks passed"
