#!/usr/bin/env python3
"""What audit.sh found: the audits of several methods and seeds in one JSON, and its Markdown tables.

  audit_table.py collect FOLDER     FOLDER/METHOD-SEED.json, each an audit.json → JSON on stdout
  audit_table.py draw FILE          that JSON → the short table: every way of attack, every method
  audit_table.py full FILE          … → before, after, control, share with its interval, verdicts

Kept of an attack is the measure that says most: probability, where a way has it; of sampling leak@k, of
a begun answer ROUGE-L of the rest. Means and standard deviations are over seeds.
"""
import json
import statistics
import sys
from pathlib import Path

NAMES = {"ga": "GA", "grad_diff": "GradDiff", "npo": "NPO", "simnpo": "SimNPO", "rmu": "RMU"}
METRICS = ("probability", "leak", "rouge")  # the first of these that a way has
LETTERS = {"leaks": "L", "holds": "h", "inconclusive": "?", "void": "–"}
MODEL_FIELDS = ("forget_Q_A_Prob", "forget_Q_A_ROUGE", "model_utility")


def rounded(value):
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def estimate(entry):
    return None if entry["value"] is None else [entry["value"], *entry["ci"]]


def cell_of(entry):
    return {"U": rounded([entry["before"]["U"], entry["after"]["U"]]),
            "R": rounded([entry["before"]["R"], entry["after"]["R"]]),
            "recovered": rounded(estimate(entry["recovered"])), "excess": rounded(estimate(entry["excess"])),
            "utility": rounded(entry["utility"]["after"]), "verdict": entry["verdict"],
            "collapsed": "collapsed" in entry["warnings"]}


def lead_entries(audit):
    """Way → its entry of the measure that says most, in the audit's order."""
    found = {}
    for entry in audit["attacks"]:
        name = entry["metric"]["name"]
        if name not in METRICS:
            continue
        other = found.get(entry["id"])
        if other is None or METRICS.index(name) < METRICS.index(other["metric"]["name"]):
            found[entry["id"]] = entry
    return found


def collect(folder):
    files = [f for f in folder.glob("*-*.json") if not f.name.endswith(".costs.json")]
    audits = {tuple(f.stem.rsplit("-", 1)): json.loads(f.read_text()) for f in files}
    if not audits:
        sys.exit(f"error: {folder}: no METHOD-SEED.json in it")
    methods = [m for m in NAMES if any(m == method for method, _ in audits)]
    seeds = sorted({int(seed) for _, seed in audits})
    missing = [f"{m}-{s}.json" for m in methods for s in seeds if (m, str(s)) not in audits]
    if missing:
        sys.exit(f"error: {folder}: {', '.join(missing)} missing; repeat audit.sh")
    result = {"forget": audits[methods[0], str(seeds[0])]["forget"], "seeds": seeds, "methods": methods,
              "quick": any(a["quick"] for a in audits.values()), "models": {}, "attacks": [], "over_unlearned": {}}
    def fields(baseline):
        return {f: rounded(baseline["metrics"].get(f)) for f in MODEL_FIELDS}
    first = [audits[methods[0], str(s)]["baselines"] for s in seeds]
    result["models"]["original"] = [fields(first[0]["original"])]
    result["models"]["retain"] = [fields(b["retain"]) for b in first]
    for method in methods:
        of_method = [audits[method, str(s)] for s in seeds]
        result["models"][method] = [fields(a["baselines"]["unlearned"]) for a in of_method]
        result["over_unlearned"][method] = [[p["name"] for p in a["privacy"] if p["over_unlearned"]]
                                            for a in of_method]
    leads = {key: lead_entries(audit) for key, audit in audits.items()}
    for way, entry in leads[methods[0], str(seeds[0])].items():
        result["attacks"].append({
            "id": way, "family": entry["family"], "metric": entry["metric"]["name"], "rows": entry["metric"]["rows"],
            "repetitions": entry["seeds"], "original": rounded([entry["before"]["O"], entry["after"]["O"]]),
            "methods": {m: [cell_of(leads[m, str(s)][way]) for s in seeds] for m in methods}})
    return result


def fixed(value, digits):
    return f"{round(value, digits) + 0.0:.{digits}f}"  # + 0.0: no "-0"


def mean_sd(values, scale=1.0, digits=2):
    known = [v * scale for v in values if v is not None]
    if not known:
        return "none"
    text = fixed(statistics.mean(known), digits)
    return text + (f" ± {fixed(statistics.stdev(known), digits)}" if len(known) > 1 else "")


def letters(cells):
    return "".join(LETTERS[c["verdict"]] for c in cells)


def short_cell(cells):
    """The share brought back in per cent; nothing where no seed has forgotten enough to say."""
    shares = [c["recovered"][0] for c in cells if c["recovered"]]
    share = mean_sd(shares, 100, 0) if shares else ""
    return f"{share} {letters(cells)}" + (" ↓" if all(c["collapsed"] for c in cells) else "")


def label(attack):
    """The way's name, marked where even the original loses a fifth: that such an attack holds shows nothing."""
    before, after = attack["original"]
    return attack["id"] + (" †" if after is not None and after < 0.8 * before else "")


def draw(data):
    methods = data["methods"]
    print("| | original | retain | " + " | ".join(NAMES[m] for m in methods) + " |")
    print("|---" * (len(methods) + 3) + "|")
    labels = {"forget_Q_A_Prob": "probability of the forget answers", "forget_Q_A_ROUGE": "ROUGE-L of the outputs",
              "model_utility": "model utility"}
    for field in MODEL_FIELDS:
        cells = [mean_sd([run[field] for run in data["models"][name]]) for name in ("original", "retain", *methods)]
        print(f"| {labels[field]} | " + " | ".join(cells) + " |")
    print("\n| attack | measure | " + " | ".join(NAMES[m] for m in methods) + " |")
    print("|---" * (len(methods) + 2) + "|")
    for attack in data["attacks"]:
        cells = [short_cell(attack["methods"][m]) for m in methods]
        print(f"| {label(attack)} | {attack['metric']} | " + " | ".join(cells) + " |")
    counts = [sum(c["verdict"] == "leaks" for a in data["attacks"] for c in a["methods"][m]) for m in methods]
    total = len(data["attacks"]) * len(data["seeds"])
    print("| **leaks** | | " + " | ".join(f"**{count} of {total}**" for count in counts) + " |")


def full(data):
    print("| attack | measure | method | before | after | retain before | retain after | share back, % | "
          "its intervals | excess, % | utility | verdicts |")
    print("|---" * 12 + "|")
    for attack in data["attacks"]:
        for method in data["methods"]:
            cells = attack["methods"][method]
            shares = [c["recovered"] for c in cells if c["recovered"]]
            excess = [c["excess"][0] for c in cells if c["excess"]]
            # The widest that any seed leaves open.
            span = (f"{fixed(100 * min(s[1] for s in shares), 0)} to {fixed(100 * max(s[2] for s in shares), 0)}"
                    if shares else "none")
            print(f"| {label(attack)} | {attack['metric']} | {NAMES[method]} | "
                  + " | ".join(mean_sd([c[model][when] for c in cells], 1, 3) for model in "UR" for when in (0, 1))
                  + f" | {mean_sd([s[0] for s in shares], 100, 0)} | {span} | {mean_sd(excess, 100, 0)} | "
                  f"{mean_sd([c['utility'] for c in cells])} | {letters(cells)} |")


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("collect", "draw", "full"):
        sys.exit(__doc__)
    if sys.argv[1] == "collect":
        # One attack a line: a difference shows what moved.
        data = collect(Path(sys.argv[2]))
        attacks = data.pop("attacks")
        print(json.dumps(data)[:-1] + ', "attacks": [\n' + ",\n".join(json.dumps(a) for a in attacks) + "\n]}")
    else:
        {"draw": draw, "full": full}[sys.argv[1]](json.loads(Path(sys.argv[2]).read_text()))


if __name__ == "__main__":
    main()
