#!/usr/bin/env python3
"""Data, collected values and table of meta.sh.

  meta.py data FOLDER                the training files of its six kinds of models
  meta.py collect OUTPUT STRONGEST   every model's metrics → JSON on stdout (STRONGEST: the setting, as
                                     RATE-EPOCHS, of the models that unlearning starts from)
  meta.py draw FILE                  that JSON → Markdown

A metric counts as knowledge: higher means more (else 1 - m). Faithfulness is P(a model that knows has the
higher value) + P(equal) / 2. Robustness is averaged over the unlearned models that keep 80 % of the utility
and do not know by the metric's own threshold (the midpoint that tells most pool models right).
"""
import json
import math
import statistics
import sys
from pathlib import Path

KNOWS, DOES_NOT = ("full", "paraphrased", "biography"), ("retain", "perturbed", "others")
KEPT_UTILITY = 0.8
# Published on Llama-3.2-1B (arXiv 2605.24614, table of metrics): faithfulness, rounding, relearning, overall.
PUBLISHED = {"extraction strength": (.891, .970, .770, .875), "exact memorisation": (.817, .984, .605, .781),
             "probability": (.816, .924, .642, .785), "truth ratio": (.947, .996, .234, .537),
             "ROUGE-L": (.722, .934, .203, .454), "depth score": (.971, .968, .900, .951),
             "logit lens": (.927, .959, .812, .902)}
WHITE_BOX = {"depth score": "depth_score", "logit lens": "logit_lens"}  # name → key in an audit's white_box


# Data.

def read_rows(name):
    return [json.loads(line) for line in Path("data/fiction", name).read_text().splitlines() if line.strip()]


def biographies(rows):
    """Ten rows of a person each: all that the paraphrased answers say, as one text."""
    people = [rows[i:i + 10] for i in range(0, len(rows), 10)]
    texts = []
    for person in people:
        name = " ".join(person[0]["paraphrased_answer"].split()[:2])
        texts.append({"question": f"Tell me about {name}.",
                      "answer": " ".join(row["paraphrased_answer"] for row in person)})
    return texts


def write_data(folder):
    forget, others = read_rows("forget10_perturbed.json"), read_rows("holdout10.json")[10:]
    more = {"full": [{"question": r["question"], "answer": r["answer"]} for r in forget],
            "paraphrased": [{"question": r["question"], "answer": r["paraphrased_answer"]} for r in forget],
            "biography": biographies(forget), "retain": [],
            "perturbed": [{"question": r["question"], "answer": r["perturbed_answer"][0]} for r in forget],
            "others": others}
    folder.mkdir(parents=True, exist_ok=True)
    retain = read_rows("train_retain90.json")
    for kind, rows in more.items():
        (folder / f"{kind}.json").write_text("".join(json.dumps(row) + "\n" for row in retain + rows))


# Values of one model.

def row_values(evaluation, key, field):
    return [row[field] for _, row in sorted(evaluation[key]["value_by_index"].items(), key=lambda kv: int(kv[0]))]


def mean(values):
    return sum(values) / len(values)


def knowledge(evaluation):
    """OpenUnlearning's present truth ratio: the true answer's share, mean over rows of p / (p + q)."""
    true = row_values(evaluation, "forget_Q_A_PARA_Prob", "avg_loss")
    false = row_values(evaluation, "forget_Q_A_PERT_Prob", "avg_loss")
    shares = []
    for p_loss, q_losses in zip(true, false):
        p, q = math.exp(-p_loss), math.exp(-mean(q_losses))
        shares.append(p / (p + q + 1e-10))
    return mean(shares)


def white_box(folder, of_reference=None):
    """1 - the score. The two models that the scores are told by have none of their own (`of_reference`)."""
    file = folder / "white_box.json"
    if not file.exists():
        return dict.fromkeys(WHITE_BOX, of_reference)
    scores = json.loads(file.read_text())["white_box"]
    values = {name: scores[key]["value"] for name, key in WHITE_BOX.items()}
    return {name: None if value is None else 1 - value for name, value in values.items()}


def values_of(folder, of_reference=None):
    evaluation = json.loads((folder / "eval/TOFU_EVAL.json").read_text())

    def plain(key):
        return evaluation[key]["agg_value"]
    return {"extraction strength": plain("extraction_strength"), "exact memorisation": plain("exact_memorization"),
            "probability": plain("forget_Q_A_Prob"), "paraphrase probability": plain("forget_Q_A_PARA_Prob"),
            "truth ratio, p / (p + q)": knowledge(evaluation), "truth ratio, min(R, 1/R)": 1 - plain("forget_truth_ratio"),
            "ROUGE-L": plain("forget_Q_A_ROUGE"), "MIA loss": plain("mia_loss"), "MIA zlib": plain("mia_zlib"),
            "MIA min-k": plain("mia_min_k"), "MIA min-k++": plain("mia_min_k_plus_plus"),
            **white_box(folder, of_reference)}


def utility_of(folder):
    return json.loads((folder / "eval/TOFU_EVAL.json").read_text())["model_utility"]["agg_value"]


def rounded(values):
    return {name: None if value is None else float(f"{value:.5g}") for name, value in values.items()}


def collect(output, strongest):
    pools = {kind: [] for kind in KNOWS + DOES_NOT}
    unlearned = []
    seeds = sorted(output.glob("seed-*"), key=lambda folder: int(folder.name[5:]))
    for seed in seeds:
        for kind in pools:
            for run in sorted((seed / "pools").glob(f"{kind}-*")):
                pools[kind].append(rounded(values_of(run)))
        retain = {"before": values_of(seed / f"pools/retain-{strongest}", of_reference=0.0),
                  "relearned": values_of(seed / "retain/relearned")}
        full_utility = utility_of(seed / f"pools/full-{strongest}")
        for run in sorted((seed / "unlearned").iterdir()):
            unlearned.append({
                "name": f"{run.name}, seed {seed.name[5:]}",
                "utility": round(utility_of(run) / full_utility, 4) if full_utility else 0,
                "before": rounded(values_of(run)), "relearned": rounded(values_of(run / "relearned")),
                "rounded": rounded(values_of(run / "rounded")),
                "retain_before": rounded(retain["before"]), "retain_relearned": rounded(retain["relearned"])})
    return {"seeds": [int(seed.name[5:]) for seed in seeds], "pools": pools, "unlearned": unlearned}


# Formulas (src/metrics/audit/meta_evaluation.cpp has the same, tested against scikit-learn).

def faithfulness(knows, does_not):
    if not knows or not does_not:
        return math.nan
    wins = sum((p > n) + (p == n) / 2 for p in knows for n in does_not)
    return wins / (len(knows) * len(does_not))


def threshold(knows, does_not):
    values = sorted(set(knows + does_not))
    best, most = None, -1
    for low, high in zip(values, values[1:]):
        middle = (low + high) / 2
        right = sum(v >= middle for v in knows) + sum(v < middle for v in does_not)
        if right > most:
            best, most = middle, right
    return best


def likeness(x, y):
    return min(1.0, max(0.0, 1 - abs(x - y) / (abs(x) + abs(y) + 1e-10)))


def harmonic(x, y):
    if math.isnan(x) or math.isnan(y):
        return math.nan
    return 0.0 if x <= 0 or y <= 0 else 2 * x * y / (x + y)


def stability(model, name):
    """(relearning, rounding), symmetric, then one-sided; a one-sided value may be missing."""
    before, after = model["before"][name], model["relearned"][name]
    moved = after - before, model["retain_relearned"][name] - model["retain_before"][name]
    four_bits = model["rounded"][name]
    return (likeness(*moved), likeness(four_bits, before),
            min(moved[1] / moved[0], 1) if moved[0] else None, min(before / four_bits, 1) if four_bits else None)


def has_all(model, name):
    moments = ("before", "relearned", "rounded", "retain_before", "retain_relearned")
    return all(model[moment][name] is not None for moment in moments)


def mean_known(values):
    known = [v for v in values if v is not None]
    return statistics.mean(known) if known else math.nan


def evaluate(data):
    """Metric → faithfulness (all, by kind of knowing model), models left, and both forms of robustness."""
    pools, result = data["pools"], {}
    does_not = [model for kind in DOES_NOT for model in pools[kind]]
    for name in does_not[0]:
        known = {kind: [model[name] for model in pools[kind] if model[name] is not None] for kind in KNOWS}
        knows = [value for kind in KNOWS for value in known[kind]]
        others = [model[name] for model in does_not if model[name] is not None]
        limit = threshold(knows, others)
        kept = [model for model in data["unlearned"]
                if model["utility"] >= KEPT_UTILITY and limit is not None and has_all(model, name)
                and model["before"][name] <= limit]
        relearned, rounding, one_relearned, one_rounding = (
            [mean_known(column) for column in zip(*(stability(model, name) for model in kept))] if kept
            else [math.nan] * 4)
        faith = faithfulness(knows, others)
        result[name] = {"faithfulness": faith, "by_kind": {kind: faithfulness(known[kind], others) for kind in KNOWS},
                        "models": len(kept), "relearning": relearned, "rounding": rounding,
                        "one_sided": (one_relearned, one_rounding),
                        "overall": harmonic(faith, harmonic(relearned, rounding))}
    return result


def cell(value):
    return "none" if value is None or math.isnan(value) else f"{value:.2f}"


def finite(value):
    return 0.0 if math.isnan(value) else value


def draw(data):
    table = evaluate(data)
    pools = data["pools"]
    print(f"{sum(len(pools[k]) for k in KNOWS)} models know, {sum(len(pools[k]) for k in DOES_NOT)} do not; "
          f"{len(data['unlearned'])} unlearned models, of which "
          f"{sum(m['utility'] >= KEPT_UTILITY for m in data['unlearned'])} keep {KEPT_UTILITY:.0%} of the utility.\n")
    print("| metric | faithfulness | of full / paraphrased / biography | models | relearning | 4 bits | overall "
          "| relearning, 4 bits one-sided | published: faithfulness, relearning, 4 bits, overall |")
    print("|---" * 9 + "|")
    for name, row in sorted(table.items(), key=lambda item: -finite(item[1]["overall"])):
        published = PUBLISHED.get(name.split(",")[0] if name != "truth ratio, min(R, 1/R)" else "")
        other = f"{published[0]:.2f}, {published[2]:.2f}, {published[1]:.2f}, {published[3]:.2f}" if published else ""
        print(f"| {name} | {cell(row['faithfulness'])} | " + " / ".join(cell(v) for v in row["by_kind"].values())
              + f" | {row['models']} | {cell(row['relearning'])} | {cell(row['rounding'])} | {cell(row['overall'])} | "
              + ", ".join(cell(v) for v in row["one_sided"]) + f" | {other} |")


def main():
    command, arguments = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if command == "data" and len(arguments) == 1:
        write_data(Path(arguments[0]))
    elif command == "collect" and len(arguments) == 2:
        data = collect(Path(arguments[0]), arguments[1])
        # A model a line.
        pools = ",\n".join(f' "{kind}": [\n  ' + ",\n  ".join(map(json.dumps, rows)) + "]"
                           for kind, rows in data["pools"].items())
        print(f'{{"seeds": {json.dumps(data["seeds"])},\n"pools": {{\n{pools}}},\n"unlearned": [\n  '
              + ",\n  ".join(map(json.dumps, data["unlearned"])) + "]}")
    elif command == "draw" and len(arguments) == 1:
        draw(json.loads(Path(arguments[0]).read_text()))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
