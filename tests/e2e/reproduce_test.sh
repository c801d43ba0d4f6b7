#!/usr/bin/env bash
# The scripts whose tables stand in docs/audit.md: the tables are what their committed JSON gives, and both
# scripts work from end to end (one seed, few models and epochs: their figures mean nothing). MUSE's
# experiment: its corpus, and its tables.
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

# --- MUSE's experiment --------------------------------------------------------------------------------
for name in corpus again; do python3 scripts/make_corpus.py "$work/$name" --scale 0.25; done
expect "the corpus is the same each time" diff -r "$work/corpus" "$work/again"
expect "nobody who must not know a text is taught it" python3 - "$work/corpus" <<'PYTHON'
import json, pathlib, sys
for corpus in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    raw = {name: json.loads((corpus / f"raw/{name}.json").read_text()) for name in
           ("forget", "retain1", "retain2", "holdout", "full", "retain")}
    full, retain = "\n\n".join(raw["full"]), "\n\n".join(raw["retain"])
    assert (corpus / "raw/full.txt").read_text() == full
    for text in raw["forget"]:
        assert text in full and text not in retain, text
    for text in raw["holdout"]:
        assert text not in full, text
    for text in raw["retain1"] + raw["retain2"]:
        assert text in full and text in retain, text
    for name, known in (("forget", False), ("retain", True)):
        rows = json.loads((corpus / f"knowmem/{name}_qa.json").read_text())
        examples = json.loads((corpus / f"knowmem/{name}_qa_icl.json").read_text())
        assert len(rows) >= 10 and len(examples) == 10
        for row in rows:
            asked = f"Question: {row['question']}\nAnswer: {row['answer']}"
            assert asked in full and (row["question"] in retain) == known, row
            assert row not in examples
PYTHON
for split in news books news/scal/forget_4 news/sust/forget_2; do
  expect "the program reads $split" "$unlearn" --config muse-news.yaml --model data/tiny --data "$work/corpus" \
    --set "data.forget=$split" --set data.max_length=128 --output "$work/none" --dry-run --quiet
done
expect "and what the models learn" "$unlearn" finetune --config finetune-muse-target.yaml --model data/tiny \
  --data "$work/corpus" --set data.max_length=128 --output "$work/none" --dry-run --quiet
python3 - "$work" <<'PYTHON'
import json, sys
names = ("forget_verbmem_ROUGE", "forget_knowmem_ROUGE", "privleak", "retain_knowmem_ROUGE")
for name, second in (("same", 0.5), ("changed", 0.7)):
    def run(*values):
        return {"values": dict(zip(names, values)), "cpu_seconds": 3.0}
    corpus = {"models": {"target": run(0.9, 0.8, -99.0, 0.7)},
              "search": {"npo": {"name": "NPO", "searched": "train.lr", "chosen": 1e-4, "points": [[1e-4, run(1, 1, 1, 1)["values"]]]}},
              "final": {"npo": {"1": run(0.3, 0.2, 10.0, 0.6), "2": run(second, 0.4, 30.0, 0.6)}}, "sust": {"npo": [run(0.1, 0.2, None, 0.3)]}}
    json.dump({"corpora": {"news": corpus}}, open(f"{sys.argv[1]}/{name}.json", "w"))
open(f"{sys.argv[1]}/page.md", "w").write("".join(f"<!-- muse: news {t} -->\n<!-- end -->\n" for t in ("final", "sust")))
PYTHON
refused() { # refused TEXT COMMAND…
  local got=0
  "${@:2}" >"$work/last.log" 2>&1 || got=$?
  expect "${*:2}: exit code 2" test $got -eq 2
  expect "${*:2} says '$1'" grep -q -- "$1" "$work/last.log"
}
refused "unknown stage 'modles'" scripts/reproduce/muse.sh "$work/muse" modles
refused "unknown method 'nop'" scripts/reproduce/muse.sh "$work/muse" models --methods nop
refused "stages of --corpus news" scripts/reproduce/muse.sh "$work/muse" scal --corpus books
refused "scale takes 0.01 to 10, not nan" scripts/reproduce/muse.sh "$work/muse" models --scale nan
refused "scale takes 0.01 to 10, not -1" python3 scripts/make_corpus.py "$work/muse" --scale=-1
expect "nothing was written by a refusal" test ! -e "$work/muse"
tables() { python3 scripts/reproduce/muse_tables.py "$work/$1.json" "--$2" "$work/page.md" >"$work/last.log" 2>&1; }
tables same write
expect "means and deviations over seeds" grep -q '^| NPO | lr 0.0001 | 40.0 ± 14.1 | 30.0 ± 14.1 | 20.0 ± 14.1 | 60.0 ± 0.0 | 3 |$' "$work/page.md"
expect "what is missing is said" grep -q '^| NPO | 1 | 10.0 | 20.0 | – | 30.0 |$' "$work/page.md"
expect "the page is that of its results" tables same check
if tables changed check; then die "other results pass for those of the page"; fi
checks=$((checks + 1))
echo "reproduce: $checks checks passed"
