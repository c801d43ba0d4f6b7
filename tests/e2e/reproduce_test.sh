#!/usr/bin/env bash
# The scripts whose tables stand in docs/audit.md: the tables are what their committed JSON gives, and both
# scripts work from end to end (one seed, few models and epochs: their figures mean nothing).
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$source_dir"
scripts=scripts/reproduce

# has_table DOC COMMAND…: every table that the command draws stands in the page as it is.
has_table() {
  local doc=$1
  shift
  "$@" >"$work/drawn"
  python3 - "$work/drawn" "$doc" <<'PYTHON' || die "$doc does not have what '$*' draws"
import itertools, pathlib, sys
drawn, page = (pathlib.Path(name).read_text() for name in sys.argv[1:])
tables = ["\n".join(lines) + "\n" for is_table, lines in
          itertools.groupby(drawn.splitlines(), key=lambda line: line.startswith("|")) if is_table]
sys.exit(not tables or any(table.count("\n") < 5 or table not in page for table in tables))
PYTHON
  checks=$((checks + 1))
}
has_table docs/audit.md $scripts/audit_table.py draw docs/data/audit-bundled.json
has_table docs/data/audit-bundled.md $scripts/audit_table.py full docs/data/audit-bundled.json
has_table docs/audit.md $scripts/meta.py draw docs/data/meta-bundled.json

# --- the scripts themselves, on models of a few steps ------------------------------------------------
export UNLEARN=$unlearn
METHODS="ga" FLAGS="--quick --attacks quantise,prompt --set eval.rows=4" RETAIN_EPOCHS=2 \
  $scripts/audit.sh "$work/audit" 5 >"$work/audit.md" 2>"$work/last.log"
expect "an audit's row" grep -q '^| quantise-nf4 | probability | ' "$work/audit.md"
expect "and another" grep -q '^| prompt-prefill-3 | rouge | ' "$work/audit.md"
before=$(stat -c %Y.%s "$work/audit/audits/ga-5.json")
METHODS="ga" FLAGS="--quick --attacks quantise,prompt --set eval.rows=4" RETAIN_EPOCHS=2 \
  $scripts/audit.sh "$work/audit" 5 >"$work/again.md" 2>"$work/last.log"
cmp "$work/audit.md" "$work/again.md" || die "a repeated script says something else"
expect "a finished audit is kept" test "$(stat -c %Y.%s "$work/audit/audits/ga-5.json")" = "$before"

METHODS="ga" SHARES=1 RATES=1e-3 EPOCHS=2 BASE_EPOCHS=2 $scripts/meta.sh "$work/meta" 5 >"$work/meta.md" 2>"$work/last.log"
expect "3 models of each pool" grep -q '^3 models know, 3 do not; 1 unlearned' "$work/meta.md"
expect "metrics have rows" grep -q '^| probability | [01]\.[0-9]* | ' "$work/meta.md"
expect "those of hidden states, too" test "$(grep -cE '^\| (depth score|logit lens) \| [01]\.[0-9]' "$work/meta.md")" = 2

# --- the arithmetic: the goldens of scikit-learn and NumPy that the program's own is tested with ------
python3 - "$source_dir" <<'PYTHON'
import json, math, pathlib, sys
root = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(root / "scripts/reproduce"))
import meta
golden = json.loads((root / "tests/golden/metrics/audit.json").read_text())
checked = 0
for case in golden["separation"]:
    assert math.isclose(meta.faithfulness(case["knows"], case["does_not"]), case["auc"], abs_tol=1e-12), case
    found = meta.threshold(case["knows"], case["does_not"])
    assert (found is None) == (case["threshold"] is None) and (found is None or math.isclose(found, case["threshold"])), case
    checked += 1
for case in golden["moves"]:
    before, after, retain_before, retain_after = case["values"]
    model = {"before": {"m": before}, "relearned": {"m": after}, "rounded": {"m": after},
             "retain_before": {"m": retain_before}, "retain_relearned": {"m": retain_after}}
    found = meta.stability(model, "m")
    assert all(math.isclose(a, b, abs_tol=1e-12) for a, b in zip(found, case["symmetric"] + case["one_sided"])), case
    checked += 1
assert checked >= 20
PYTHON
checks=$((checks + 1))
echo "reproduce: $checks checks passed"
