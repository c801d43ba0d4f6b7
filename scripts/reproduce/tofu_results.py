"""Stages of tofu.sh by name, and the numbers that they leave: OUT/results.json."""
import json
import platform

import tofu_claims
import tofu_plan as plan
import tofu_setups
import tofu_tables
from tofu_runs import quick_utility

KEPT = ("forget_quality", "model_utility", "forget_Q_A_Prob", "forget_Q_A_ROUGE", "forget_truth_ratio",
        "retain_Q_A_Prob", "retain_Q_A_ROUGE", "retain_Truth_Ratio", "ra_Q_A_Prob_normalised", "ra_Q_A_ROUGE",
        "ra_Truth_Ratio", "wf_Q_A_Prob_normalised", "wf_Q_A_ROUGE", "wf_Truth_Ratio", "extraction_strength",
        "exact_memorization", "forget_KL_Divergence")


def rounded(value):
    """In six digits."""
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def numbers(summary):
    """What tables and claims read of a summary, in six digits."""
    kept = {name: rounded(summary[name]) for name in KEPT if summary.get(name) is not None}
    if "retain_Q_A_Prob" in kept and "ra_Truth_Ratio" in kept:
        kept["quick_utility"] = rounded(quick_utility(summary))
    return kept


def record(run):
    """A run as results.json keeps it."""
    if run is None:
        return None
    rows = run.result.get("rows", {})
    kept = {"cpu_seconds": run.result["cpu_seconds"], "seconds": run.result["seconds"]}
    if "summary" in run.result:
        kept["values"] = numbers(run.summary)
    if "weights" in run.result:
        kept["weights"] = rounded(run.result["weights"])
    for name in ("halves", "distinct_2", "repeated_4", "words"):
        if name in rows:
            kept[name] = rounded(rows[name])
    if "steps" in run.result:
        kept["steps"] = {step: numbers(summary) for step, summary in run.result["steps"].items()}
    return kept


def collect(experiment, options):
    """Everything that is finished, from the runs' folders; nothing is run."""
    experiment.runs.offline = True
    found = {"program": experiment.runs.version, "machine": platform.machine(), "model": options.model,
             "authors": options.authors, "splits": {}}
    for split in ("forget05", "forget10"):
        full, retain, whole, log = experiment.models(split)
        if whole is None:
            continue
        entry = {"models": {"full": record(whole), "retain": record(log)},
                 "learning": {name: {"cpu_seconds": run.result["cpu_seconds"], "seconds": run.result["seconds"]}
                              for name, run in (("full", full), ("retain", retain))},
                 "search": {}, "final": {}}
        for method in plan.METHODS:
            seen, chosen = experiment.search(split, method)
            runs = {(index, seed): experiment.method(split, method, point, seed)
                    for index, (point, _) in enumerate(seen) for seed in plan.SEARCH_SEEDS}
            entry["search"][method] = {"chosen": chosen, "points": [
                {"point": point, "seeds": {seed: record(runs[index, seed]) for seed in plan.SEARCH_SEEDS
                                           if runs[index, seed]}} for index, (point, _) in enumerate(seen)]}
            if chosen:
                finals = {seed: record(final(experiment, split, method, chosen, seed)) for seed in range(1, 6)}
                entry["final"][method] = {seed: done for seed, done in finals.items() if done}
        chosen = {method: found["chosen"] for method, found in entry["search"].items() if found["chosen"]}
        entry["claims"] = tofu_claims.collect(tofu_claims.Claims(experiment, split, chosen), record)
        found["splits"][split] = entry
    (experiment.out / "results.json").write_text(json.dumps(found, indent=0, separators=(",", ":"), sort_keys=True) + "\n")
    return found


def final(experiment, split, method, chosen, seed):
    return experiment.method(split, method, chosen, seed, metrics=plan.WHOLE_METRICS, keep_model=True)


def stage_models(experiment, options, methods):
    experiment.runs.map(experiment.learn, ["full", f"retain{100 - int(options.split[6:])}"])
    experiment.models(options.split)


def stage_search(experiment, options, methods):
    experiment.models(options.split)
    experiment.runs.map(lambda method: experiment.search(options.split, method), methods)


def chosen_points(experiment, options, methods):
    """The search goes first: what it has not run yet, it runs now."""
    return {method: experiment.search(options.split, method)[1] for method in methods}


def stage_final(experiment, options, methods):
    """Method by method within a seed, so that a cut leaves whole seeds."""
    chosen = chosen_points(experiment, options, methods)
    experiment.runs.map(lambda item: final(experiment, options.split, item[1], chosen[item[1]], item[0]),
                        [(seed, method) for seed in range(1, options.seeds + 1) for method in methods])


def stage_equal(experiment, options, methods):
    claims = tofu_claims.Claims(experiment, options.split, chosen_points(experiment, options, methods))
    experiment.runs.map(lambda item: claims.equal(item[1], item[0]),
                        [(seed, method) for seed in range(1, options.seeds + 1) for method in methods])


def stage_jobs(name):
    def stage(experiment, options, methods):
        claims = tofu_claims.Claims(experiment, options.split, chosen_points(experiment, options, plan.MAIN))
        for seed in range(1, options.seeds + 1):
            experiment.runs.map(lambda job: job[1](), getattr(claims, name)(seed))
    return stage


def stage_setups(experiment, options, methods):
    claims = tofu_claims.Claims(experiment, options.split, chosen_points(experiment, options, plan.MAIN))
    setups = tofu_setups.Setups(claims)
    for seed in range(1, options.seeds + 1):
        experiment.runs.map(lambda job: job[1](), setups.jobs(seed))


def stage_quick(experiment, options, methods):
    """One seed of four methods at fixed points, and their table at once."""
    chosen = [(method, experiment.method(options.split, method, plan.QUICK[method], 1)) for method in plan.MAIN]
    full = experiment.models(options.split)[2]
    print("| model | forget quality | utility without ROUGE | forget probability | retain probability |\n|---|---|---|---|---|")
    for name, run in [("original", full), *((plan.METHODS[method][0], run) for method, run in chosen)]:
        values = numbers(run.summary)
        print(f"| {name} | {values['forget_quality']:.2g} | {values['quick_utility']:.3f} | "
              f"{values['forget_Q_A_Prob']:.3f} | {values['retain_Q_A_Prob']:.3f} |")


def stage_tables(experiment, options, methods):
    """run_stages ends with this one."""


STAGES = {"models": stage_models, "search": stage_search, "final": stage_final, "equal": stage_equal,
          "claims": stage_jobs("jobs"), "robust": stage_jobs("robust"), "setups": stage_setups, "tables": stage_tables,
          "quick": stage_quick}


def run_stages(experiment, options, methods):
    for name in options.stages:
        STAGES[name](experiment, options, methods)
    collect(experiment, options)
    made = tofu_tables.tables(json.loads((experiment.out / "results.json").read_text()))
    text = "\n\n".join(f"## {name}\n\n{table}" for name, table in made.items())
    (experiment.out / "tables.md").write_text(text + "\n")
