#!/usr/bin/env python3
"""Tables and figures of tofu.sh's results, and the documents that show them.

  scripts/reproduce/tofu_tables.py RESULTS.json                    the tables on stdout
  scripts/reproduce/tofu_tables.py RESULTS.json --write DOC… FIGURES/    into the documents and the folder
  scripts/reproduce/tofu_tables.py RESULTS.json --check DOC… FIGURES/    exit code 1 where they differ

A document has a table between the lines `<!-- tofu MODEL: NAME -->` and `<!-- end -->`.
"""
from pathlib import Path

import tofu_figures
from claims_runs import mean, number
from doc_tables import markdown, run
from tofu_plan import KEEP, METHODS, SEARCH_SEEDS, point_name
from tofu_verdicts import field, interval, log_quality, verdicts


def minutes(seconds):
    return f"{seconds / 60:.1f}"


def in_order(methods):
    return [(method, methods[method]) for method in METHODS if method in methods]


def headline(entry, results):
    """What the README shows: means over the seeds."""
    keys = ("forget_Q_A_Prob", "retain_Q_A_Prob", "model_utility")
    rows = [[name, number(model["values"].get("forget_quality", 1)), *(f"{model['values'][key]:.2f}" for key in keys)]
            for name, model in (("original", entry["models"]["full"]), ("never saw them", entry["models"]["retain"]))]
    for method, seeds in in_order(entry["final"]):
        runs = [seeds[seed] for seed in sorted(seeds)]
        if runs:
            rows.append([METHODS[method][0], number(10 ** mean(log_quality(runs))),
                         *(f"{mean(field(runs, key)):.2f}" for key in keys)])
    return markdown(["", "forget quality", "forget P", "retain P", "model utility"], rows)


def models(entry, results):
    rows = []
    for name in ("full", "retain"):
        run = entry["models"][name]
        values = run["values"]
        quality = number(values["forget_quality"]) if "forget_quality" in values else "(1)"
        rows.append([name, quality, *(f"{values[key]:.3f}" for key in (
            "model_utility", "forget_Q_A_Prob", "forget_Q_A_ROUGE", "retain_Q_A_Prob", "retain_Q_A_ROUGE",
            "ra_Q_A_Prob_normalised", "wf_Q_A_Prob_normalised")), minutes(entry["learning"][name]["cpu_seconds"])])
    return markdown(["model", "forget quality", "model utility", "forget P", "forget ROUGE", "retain P", "retain ROUGE",
                     "authors P", "facts P", "CPU minutes"], rows)


def quick(entry, results):
    """Fixed points, one seed, no generation."""
    rows = [["original", entry["models"]["full"]], ["never saw them", entry["models"]["retain"]],
            *([METHODS[method][0], run] for method, run in in_order(entry["quick"]))]
    return markdown(["", "forget quality", "forget P", "retain P", "utility without ROUGE", "CPU seconds"], [
        [name, number(run["values"]["forget_quality"]) if "forget_quality" in run["values"] else "(1)",
         *(f"{run['values'][key]:.3f}" for key in ("forget_Q_A_Prob", "retain_Q_A_Prob", "quick_utility")),
         f"{run['cpu_seconds']:.0f}"] for name, run in rows])


def searched(entry, results):
    original = entry["models"]["full"]["values"]["quick_utility"]
    rows = []
    for method, found in in_order(entry["search"]):
        seeds = [str(seed) for seed in SEARCH_SEEDS]
        runs = sum(len(point["seeds"]) for point in found["points"])
        chosen = found["chosen"]
        if not runs:
            continue
        if chosen is None:
            rows.append([METHODS[method][0], runs, "not finished", "", ""])
            continue
        both = next(point for point in found["points"] if point["point"] == chosen)["seeds"]
        values = [both[seed] for seed in seeds if seed in both]
        share = mean(field(values, "quick_utility")) / original
        point = {**chosen, "train.lr": chosen["train.lr"] * results["rate"]}
        rows.append([METHODS[method][0], runs, point_name(point), f"{share:.3f}{'' if share >= KEEP else ' (below)'}",
                     " / ".join(number(v) for v in field(values, "forget_quality"))])
    return markdown(["method", "runs", "chosen", "utility kept", f"FQ, seeds {SEARCH_SEEDS[0]} / {SEARCH_SEEDS[1]}"], rows)


def final(entry, results):
    rows = []
    for method, seeds in in_order(entry["final"]):
        runs = [seeds[seed] for seed in sorted(seeds)]
        if runs:
            rows.append([METHODS[method][0], len(runs), interval(log_quality(runs)),
                         *(interval(field(runs, name)) for name in ("model_utility", "forget_Q_A_Prob", "forget_Q_A_ROUGE",
                                                                   "retain_Q_A_Prob", "retain_Q_A_ROUGE"))])
    return markdown(["method", "seeds", "log10 FQ", "model utility", "forget P", "forget ROUGE", "retain P",
                     "retain ROUGE"], rows)


def equal(entry, results):
    rows = []
    for method in METHODS:
        runs = [runs["equal"][method] for _, runs in sorted(entry["claims"].items()) if method in runs.get("equal", {})]
        if runs:
            rows.append([METHODS[method][0], len(runs), interval([run["share"] for run in runs]),
                         interval(log_quality(runs)), interval(field(runs, "forget_Q_A_Prob")),
                         interval(field(runs, "quick_utility"))])
    return markdown(["method", "seeds", "share of the way", "log10 FQ", "forget P", "utility without ROUGE"], rows)


def claims(entry, results):
    return markdown(["claim", "measured", "verdict"], verdicts(entry))


def robust(entry, results):
    rows = []
    for method in ("npo_gd", "simnpo"):
        for attack in ("relearn-{}-shortest", "relearn-{}-random-1", "relearn-{}-random-2", "nf4-{}"):
            name = attack.format(method)
            seeds = [seed for seed, runs in sorted(entry["claims"].items())
                     if name in runs and seed in entry["final"].get(method, {})]
            runs = [entry["claims"][seed][name] for seed in seeds]
            if not runs:
                continue
            start = field([entry["final"][method][seed] for seed in seeds], "forget_Q_A_Prob")
            after = ([run["values"] for run in runs] if "values" in runs[0] else
                     [run["steps"][max(run["steps"], key=int)] for run in runs])
            rows.append([METHODS[method][0], attack.replace("-{}", "").replace("nf4", "4-bit weights (NF4)"), len(runs),
                         interval(start), interval([values["forget_Q_A_Prob"] for values in after]),
                         " / ".join(number(values["forget_quality"]) for values in after)])
    return markdown(["method", "attack", "seeds", "forget P before", "after", "FQ after"], rows)


def processor(runs):
    """Seconds of all runs below, each counted once."""
    if isinstance(runs, dict):
        return runs.get("cpu_seconds", 0) + sum(processor(part) for part in runs.values())
    return sum(map(processor, runs)) if isinstance(runs, list) else 0


def costs(entry, results):
    rows = [["models", 2, minutes(processor(entry["learning"]) + processor(entry["models"]))]]
    for name in ("search", "final"):
        runs = sum(len(part.get("seeds", {})) for found in entry[name].values() for part in
                   (found["points"] if name == "search" else [{"seeds": found}]))
        rows.append([name, runs, minutes(processor(entry[name]))])
    kinds = {"claims": lambda name: not name.startswith(("relearn", "nf4", "equal", "half", "requests")),
             "setups": lambda name: name.startswith(("half", "requests")),
             "robust": lambda name: name.startswith(("relearn", "nf4")), "equal": lambda name: name == "equal"}
    for kind, belongs in kinds.items():
        runs = [run for found in entry["claims"].values() for name, run in found.items() if belongs(name)]
        rows.append([kind, len(runs), minutes(processor(runs))])
    return markdown(["stage", "runs", "CPU minutes"], [row for row in rows if row[1]])


TABLES = {"headline": headline, "models": models, "quick": quick, "search": searched, "final": final, "equal": equal, "claims": claims, "robust": robust,
          "costs": costs}


def tables(results):
    """Name → Markdown; the second split's have its name behind."""
    found = {}
    for split, entry in results["splits"].items():
        for name, make in TABLES.items():
            found[name if split == "forget05" else f"{name} {split}"] = make(entry, results)
    return found


if __name__ == "__main__":
    run(__doc__, "tofu_tables.py", lambda results: f"tofu {Path(results['model']).name}", tables, tofu_figures.figures)
