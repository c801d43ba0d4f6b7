"""Stages of tofu.sh by name, and the numbers that they leave: OUT/results.json."""
import json
import platform
import sys
from pathlib import Path

import tofu_claims
import tofu_plan as plan
import tofu_setups
import tofu_tables
from tofu_runs import Failed, quick_utility

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


def part(results, split, *names):
    """What lies below these names of a split; empty where one is missing."""
    found = results.get("splits", {}).get(split, {})
    for name in names:
        found = found.get(str(name)) or {}
    return found


def read_known(options, rate):
    """The results.json of --known: of the same model, people and rates."""
    if not options.known:
        return {}
    try:
        known = json.loads(Path(options.known).read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise Failed(f"--known: {options.known}: {problem}") from None
    if not isinstance(known, dict) or "splits" not in known:
        raise Failed(f"--known: {options.known} is no results.json of tofu.sh")
    for name, own in (("model", options.model), ("authors", options.authors), ("rate", rate)):
        if known.get(name) != own:
            raise Failed(f"--known: {options.known} has {name} {known.get(name)}, this run {own}")
    return known


def joined(known, own):
    """Both, own where both have a run (which is a dictionary with its processor time)."""
    if not isinstance(known, dict) or not isinstance(own, dict) or "cpu_seconds" in own:
        return own
    return {**known, **{name: joined(known.get(name), value) for name, value in own.items()}}


def join_known(experiment, found):
    """Adds what --known has and OUT has not; `trainings` counts the models that numbers come from."""
    known = experiment.known
    for split, old in known.get("splits", {}).items():
        own = found["splits"].get(split)
        if own is None:
            found["splits"][split] = old
            continue
        if any(old["models"][name]["values"] != own["models"][name]["values"] for name in ("full", "retain")):
            found["trainings"] = known.get("trainings", 1) + 1
            print(f"warning: the models of {experiment.out} are not those of {experiment.options.known}: its numbers are "
                  "of another training by the same recipe", file=sys.stderr)
        search = {method: entry if entry["chosen"] else old["search"].get(method, entry)
                  for method, entry in own["search"].items()}
        found["splits"][split] = {**joined(old, own), "search": search}


def collect(experiment, options):
    """Everything that is finished, from the runs' folders; nothing is run."""
    experiment.runs.offline = True
    found = {"program": experiment.runs.version, "machine": platform.machine(), "model": options.model,
             "authors": options.authors, "rate": experiment.profile["rate"], "splits": {}}
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
            point = chosen or part(experiment.known, split, "search", method).get("chosen")
            runs = {(index, seed): experiment.method(split, method, point, seed)
                    for index, (point, _) in enumerate(seen) for seed in plan.SEARCH_SEEDS}
            entry["search"][method] = {"chosen": chosen, "points": [
                {"point": point, "seeds": {seed: record(runs[index, seed]) for seed in plan.SEARCH_SEEDS
                                           if runs[index, seed]}} for index, (point, _) in enumerate(seen)]}
            if point:
                finals = {str(seed): record(final(experiment, split, method, point, seed)) for seed in range(1, 6)}
                entry["final"][method] = {seed: done for seed, done in finals.items() if done}
        quick = {method: record(experiment.method(split, method, point, 1)) for method, point in plan.QUICK.items()}
        entry["quick"] = {method: run for method, run in quick.items() if run}
        chosen = {method: found["chosen"] for method, found in entry["search"].items() if found["chosen"]}
        known = {method: part(experiment.known, split, "search", method).get("chosen") for method in plan.METHODS}
        chosen = {**{method: point for method, point in known.items() if point}, **chosen}
        claims = tofu_claims.collect(tofu_claims.Claims(experiment, split, chosen), record)
        entry["claims"] = {str(seed): runs for seed, runs in claims.items()}
        found["splits"][split] = entry
    join_known(experiment, found)
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
    """The search goes first: what neither --known nor OUT has, it runs now."""
    return {method: experiment.chosen(options.split, method) for method in methods}


def stage_final(experiment, options, methods):
    """Method by method within a seed, so that a cut leaves whole seeds."""
    chosen = chosen_points(experiment, options, methods)
    experiment.runs.map(lambda item: final(experiment, options.split, item[1], chosen[item[1]], item[0]),
                        [(seed, method) for seed in range(1, options.seeds + 1) for method in methods
                         if not part(experiment.known, options.split, "final", method, seed)])


def stage_equal(experiment, options, methods):
    claims = tofu_claims.Claims(experiment, options.split, chosen_points(experiment, options, methods))
    experiment.runs.map(lambda item: claims.equal(item[1], item[0]),
                        [(seed, method) for seed in range(1, options.seeds + 1) for method in methods
                         if not part(experiment.known, options.split, "claims", seed, "equal", method)])


def run_missing(experiment, split, seed, jobs):
    """Jobs (name, function) of a seed that --known has no numbers of."""
    experiment.runs.map(lambda job: job[1](), [job for job in jobs
                                               if not part(experiment.known, split, "claims", seed, job[0])])


def stage_jobs(name):
    def stage(experiment, options, methods):
        claims = tofu_claims.Claims(experiment, options.split, chosen_points(experiment, options, plan.MAIN))
        for seed in range(1, options.seeds + 1):
            run_missing(experiment, options.split, seed, getattr(claims, name)(seed))
    return stage


def stage_setups(experiment, options, methods):
    claims = tofu_claims.Claims(experiment, options.split, chosen_points(experiment, options, plan.MAIN))
    setups = tofu_setups.Setups(claims)
    for seed in range(1, options.seeds + 1):
        run_missing(experiment, options.split, seed, setups.jobs(seed))


def stage_quick(experiment, options, methods):
    """One seed of four methods at fixed points."""
    experiment.runs.map(lambda method: experiment.method(options.split, method, plan.QUICK[method], 1), plan.MAIN)


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
    if "quick" in options.stages:
        print(made["quick"])
