#!/usr/bin/env bash
# scripts/reproduce/tofu.sh without its hours: the committed results give the tables and figures of the
# documents, the rule that chooses points, and what is kept and what is run again.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$source_dir"
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 0; }
tables=scripts/reproduce/tofu_tables.py

# The documents show what the committed results give.
for results in docs/figures/tofu-*.json; do
  expect "README, docs and figures are those of $results" python3 $tables "$results" --check README.md docs/reproduction.md docs/figures
done
# No text of TOFU's in them: no string but names and settings.
expect "results hold no sentences" python3 - docs/figures/tofu-*.json <<'PYTHON'
import json, sys
def strings(value):
    if isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)
    elif isinstance(value, str):
        yield value
long = [text for name in sys.argv[1:] for text in strings(json.load(open(name))) if len(text.split()) > 3]
sys.exit(f"sentences: {long[:3]}" if long else 0)
PYTHON

# A number that changes must be seen, in a table and in a drawing. The drawings are of final runs; where
# the committed results have none, their quick runs stand in as two seeds.
cp -r README.md docs/reproduction.md "$work"
mkdir "$work/figures"
python3 - docs/figures/tofu-micro.json "$work" <<'PYTHON'
import copy, json, sys
results = json.load(open(sys.argv[1]))
for factor, name in ((1, "same"), (0.97, "changed")):
    changed = copy.deepcopy(results)
    for split in changed["splits"].values():
        split["final"] = split["final"] or {
            method: {seed: copy.deepcopy(run) for seed in "12"} for method, run in split["quick"].items()}
        for run in [split["models"]["full"], *(run for seeds in split["final"].values() for run in seeds.values())]:
            for value in ("model_utility", "quick_utility"):
                if value in run["values"]:
                    run["values"][value] *= factor
            run["values"].setdefault("model_utility", run["values"]["quick_utility"])
            for value in ("forget_Q_A_ROUGE", "retain_Q_A_ROUGE"):
                run["values"].setdefault(value, 0.5)
            for value in ("distinct_2", "repeated_4"):
                run.setdefault(value, 0.5)
    json.dump(changed, open(f"{sys.argv[2]}/{name}.json", "w"))
PYTHON
write() { python3 $tables "$work/$1.json" --write "$work/reproduction.md" "$work/figures" >"$work/written"; }
check() { python3 $tables "$work/$1.json" --check "$work/$2" 2>"$work/last.log"; }
write same
expect "figures were drawn" test -s "$work/figures/tofu-trade-off.svg"
for where in reproduction.md figures; do
  expect "the same results are those of $where" check same $where
  if check changed $where; then die "other results pass for those of $where"; fi
done
write changed
expect "--write follows the results" check changed reproduction.md

# The rule, and runs that are kept, with a program that only counts how often it is called.
cat >"$work/program" <<'PROGRAM'
#!/usr/bin/env bash
case "$1" in --version) echo "unlearn ${VERSION:-1} (fake)" && exit 0 ;; esac
echo call >>"$CALLS"
while [ $# -gt 0 ]; do
  case "$1" in --output) output=$2 && shift ;; esac
  shift
done
[ ! -e "$CALLS.fail" ] || { echo "error: no" >&2; exit 2; }
mkdir -p "$output/eval" "$output/model"
echo '{"forget_quality": 0.5}' >"$output/eval/TOFU_SUMMARY.json"
echo '{"eval_log_forget.json": {"avg_gt_loss": [1.0], "num_token_gt": [3]}}' >"$output/eval/eval_log_aggregated.json"
PROGRAM
chmod +x "$work/program"
export CALLS=$work/calls
expect "rule and kept runs" python3 - "$work" 2>"$work/last.log" <<'PYTHON'
import os, sys
from pathlib import Path
sys.path.insert(0, "scripts/reproduce")
import tofu_plan as plan
from tofu_runs import Failed, Input, Runs

work = Path(sys.argv[1])
def summary(quality, utility):
    return {"forget_quality": quality, **{name: utility for name in (
        "retain_Q_A_Prob", "retain_Truth_Ratio", "ra_Q_A_Prob_normalised", "ra_Truth_Ratio", "wf_Q_A_Prob_normalised",
        "wf_Truth_Ratio")}}
original = summary(1e-20, 0.8)
seen = []
def run(point, seed):  # forgets more with the rate; from 1e-3 on at the price of utility
    seen.append((point["train.lr"], point.get("method.forget_weight"), seed))
    return summary(min(1, point["train.lr"] ** 2), 0.8 if point["train.lr"] < 1e-3 else 0.5)
entries, chosen = plan.search("simnpo", run, original)
assert chosen["train.lr"] == 2.5e-4 * 2, chosen            # 1e-3 and above lose utility; 5e-4 is best: an edge,
assert any(lr == 2.5e-4 for lr, _, _ in seen), seen        # so half of it was tried too, and is worse
assert len(entries) == 7 and len(seen) == 9, (len(entries), len(seen))
entries, chosen = plan.search("ga", lambda point, seed: summary(0.5, 0.1 / point["train.lr"] / 1e6), original)
assert chosen["train.lr"] == 5e-6, chosen                  # nothing keeps utility: most utility, two halvings beyond
assert plan.search("ga", lambda point, seed: None, original)[1] is None

def count():
    return len((work / "calls").read_text().splitlines()) if (work / "calls").exists() else 0
runs = Runs(work / "out", str(work / "program"))
data = Input(work, "data")
first = runs.run("a", "train", {"train.lr": 1}, {"data.root": data})
assert first.summary == {"forget_quality": 0.5} and count() == 1
assert not (first.path / "model").exists()                 # weights that nothing needs
runs.run("a", "train", {"train.lr": 1}, {"data.root": data})
assert count() == 1                                        # kept
runs.run("a", "train", {"train.lr": 2}, {"data.root": data})
runs.run("a", "train", {"train.lr": 1}, {"data.root": Input(work, "other")})
assert count() == 3                                        # other settings, other data
os.environ["VERSION"] = "2"
runs = Runs(work / "out", str(work / "program"))
runs.run("a", "train", {"train.lr": 1}, {"data.root": data}, keep_model=True)
assert count() == 4                                        # another program
(work / "calls.fail").touch()
try:
    runs.run("a", "train", {"train.lr": 3}, {"data.root": data})
    raise SystemExit("a failed run counts as finished")
except Failed as problem:
    assert "exit code 2: error: no" in str(problem), problem
assert Runs(work / "out", str(work / "program"), offline=True).run("a", "train", {"train.lr": 3}, {"data.root": data}) is None
PYTHON

# The program itself, on the bundled people: models, one method's first run; a second time all is kept.
reproduce() { UNLEARN=$unlearn scripts/reproduce/tofu.sh data/fiction "$work/fiction" --model data/tiny "$@"; }
reproduce models 2>"$work/first"
expect "four runs" test "$(wc -l <"$work/first")" -eq 4
reproduce models tables 2>"$work/second"
expect "nothing is run twice" test ! -s "$work/second"
expect "a table of them" grep -q '^| full | 1 |' <(python3 $tables "$work/fiction/results.json")
# Numbers of another folder's results stand for runs that are missing here; those of another model are refused.
python3 - "$work/fiction/results.json" "$work/known.json" <<'PYTHON'
import json, sys
known = json.load(open(sys.argv[1]))
split = known["splits"]["forget05"]
run = {**split["models"]["full"], "cpu_seconds": 7}
point = {"train.lr": 1e-4}
split["search"]["ga"] = {"chosen": point, "points": [{"point": point, "seeds": {"11": run, "12": run}}]}
split["final"]["ga"] = {"1": run}
json.dump(known, open(sys.argv[2], "w"))
PYTHON
reproduce final tables --methods ga --seeds 1 --known "$work/known.json" 2>"$work/third"
expect "known runs are not run" test ! -s "$work/third"
expect "and stand in the results" python3 - "$work/known.json" "$work/fiction/results.json" <<'PYTHON'
import json, sys
known, own = (json.load(open(name))["splits"]["forget05"] for name in sys.argv[1:])
sys.exit(own["final"]["ga"] != known["final"]["ga"] or own["search"]["ga"] != known["search"]["ga"])
PYTHON
echo '{' >"$work/cut.json"
expect_error 2 "^error: --known: .*cut.json: Expecting" reproduce models --known "$work/cut.json"
expect_error 2 "^error: --known: .*none.json: .*No such file" reproduce models --known "$work/none.json"
expect_error 2 "known.json has authors 200, this run 40" reproduce models --authors 40 --known "$work/known.json"
expect_error 2 "unknown method 'simpno'; known: ga" reproduce --methods simpno search
expect_error 2 "unknown stage 'serach'; known: models" reproduce serach
expect_error 2 'no TOFU data' env "UNLEARN=$unlearn" scripts/reproduce/tofu.sh "$work" "$work/none" models
echo "tofu: $checks checks"
