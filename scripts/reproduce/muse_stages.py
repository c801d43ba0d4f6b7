#!/usr/bin/env python3
"""The stages of muse.sh. See there for how it is called."""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import muse_tables
from tofu_runs import Failed, Input, Runs, data_input, digest

HERE = Path(__file__).resolve().parent
STAGES = ("models", "search", "final", "scal", "sust", "tables")
SEARCH_SEED, SEEDS = 11, (1, 2, 3)
METRICS = ("forget_verbmem_ROUGE", "forget_knowmem_ROUGE", "retain_knowmem_ROUGE", "privleak")
CHUNK = 128  # tokens: about one article

RATES = (5e-5, 1e-4, 2e-4, 5e-4, 1e-3)
# name: (what tables call it, its settings, the setting that is searched, its values)
METHODS = {
    "ga": ("GA", {"method.name": "ga"}, "train.lr", RATES),
    "grad_diff": ("GradDiff", {"method.name": "grad_diff"}, "train.lr", RATES),
    "npo": ("NPO+GD", {"method.name": "npo", "method.beta": 0.1, "method.retain_loss": "nll"}, "train.lr", RATES),
    "simnpo": ("SimNPO", {"method.name": "simnpo", "method.beta": 0.7, "method.gamma": 0}, "train.lr", RATES),
    "tv": ("task vector", {}, "alpha", (1, 2.5, 5)),
}
EPOCHS = 10  # of unlearning, as MUSE's; task vector: of learning the forget set


def read(folder, _):
    """What result.json keeps of a run: MUSE's four values."""
    file = folder / "eval" / "MUSE_SUMMARY.json"
    if not file.is_file():
        return {}
    summary = json.loads(file.read_text(encoding="utf-8"))
    return {"summary": {name: summary.get(name) for name in METRICS}}


def standing(summary, retrained):
    """What the rule compares: the larger, the better."""
    verbatim = summary["forget_verbmem_ROUGE"]
    if verbatim <= retrained["forget_verbmem_ROUGE"] + 0.02:
        return (1, summary["retain_knowmem_ROUGE"])
    return (0, -verbatim)


class Experiment:
    def __init__(self, options, offline=False):
        self.options, self.out, self.corpus = options, Path(options.out), options.corpus
        self.runs = Runs(self.out, os.environ["UNLEARN"], options.jobs, offline, read)
        self.folder, self.base = self.out / "data", self.out / f"base-{self.corpus}"
        if not offline:
            self.prepare()
        # The folder is known by the corpus's files, which make_corpus.py writes from --scale alone.
        parts = [data_input(self.folder / self.corpus / part) for part in ("raw", "verbmem", "knowmem", "privleak")]
        self.data = Input(self.folder, digest([part.key for part in parts]))
        self.start = Input(self.base, data_input(self.base).key)

    def prepare(self):
        record, made_of = self.out / "made_of.json", {"scale": self.options.scale}
        if record.is_file() and json.loads(record.read_text()) != made_of:
            raise Failed(f"{self.out} was made with another --scale ({record}); give another OUT")
        self.out.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(made_of) + "\n")
        commands = {
            self.folder / "books/privleak/holdout.json": [
                HERE.parent / "make_corpus.py", self.folder, "--scale", self.options.scale],
            self.base / "generation_config.json": [HERE / "muse_base.py", self.folder / self.corpus, self.base]}
        for last, command in commands.items():
            if last.is_file():
                continue
            made = subprocess.run([os.environ.get("PYTHON", sys.executable), *map(str, command)], stderr=subprocess.PIPE,
                                  text=True)
            if made.returncode != 0:
                raise Failed((made.stderr.strip().splitlines() or [f"{command[0]} failed"])[-1].removeprefix("error: "))

    # Models.

    def learn(self, part, epochs, model=None, lr=3e-3, schedule="cosine"):
        """A model that learnt news/PART (…/full, …/retain), from scratch or on from `model`."""
        settings = {"data.benchmark": "muse", "data.train": f"{self.corpus}/{part}" if part else self.corpus,
                    "data.max_length": CHUNK, "train.epochs": epochs, "train.batch_size": 8, "train.lr": lr,
                    "train.warmup_epochs": 1, "train.schedule": schedule, "train.weight_decay": 0.01,
                    "train.seed": 1, "train.save_every": "epoch", "train.keep": 1,
                    **({} if model else {"model.init": "random"})}
        return self.runs.run(f"learn-{self.corpus}-{part or 'forget'}", "finetune", settings, {
            "model.path": model.model if model else self.start, "data.root": self.data}, keep_model=True)

    def evaluate(self, run, label, log=None):
        """MUSE's evaluation; with the retrained model's log PrivLeak is against its AUC."""
        inputs = {"model.path": run.model if hasattr(run, "model") else run, "data.root": self.data}
        if log:
            inputs["eval.retain_log"] = log
        return self.runs.run(f"eval-{self.corpus}-{label}", "eval", {
            "data.benchmark": "muse", "data.forget": self.corpus, "data.max_length": CHUNK}, inputs)

    def models(self):
        """(target, evaluation of the target, evaluation of the retrained model)"""
        retrained = self.learn("retain", self.options.epochs)
        target = self.learn("full", self.options.epochs)
        if retrained is None or target is None:
            return None, None, None
        log = self.evaluate(retrained, "retrained")
        return target, log and self.evaluate(target, "target", log), log

    # Unlearning.

    def unlearn(self, method, value, seed, model=None, forget=None, keep_model=False):
        target, _, log = self.models()
        if log is None:
            return None
        name = (forget or self.corpus).replace("/", "-")
        if method == "tv":
            return self.task_vector(value, log) if forget is None else None
        settings = {"data.benchmark": "muse", "data.forget": forget or self.corpus, "data.max_length": CHUNK,
                    "train.epochs": EPOCHS, "train.batch_size": 4, "train.schedule": "constant", "train.warmup_epochs": 0,
                    "train.weight_decay": 0, "train.save_every": "never", "train.seed": seed, "eval.at_end": "false",
                    **METHODS[method][1], METHODS[method][2]: f"{value:g}"}
        run = self.runs.run(f"{name}-{method}-{value:g}-s{seed}", "train", settings, {
            "model.path": (model or target).model, "data.root": self.data}, keep_model=True)
        if run is None:
            return None
        # Its evaluation is of the first forget set, whatever was forgotten.
        found = self.evaluate(run, run.path.name, log)
        return found and Unlearned(run, found)

    def task_vector(self, alpha, log):
        """The target minus alpha times what learning the forget set (cosine, 10 epochs) adds to it."""
        target = self.models()[0]
        tuned = self.learn("", EPOCHS, target, 1e-3)
        if tuned is None:
            return None
        folder = self.out / "vectors" / f"{self.corpus}-{alpha:g}-{tuned.key[:10]}"
        if not (folder / "config.json").is_file():
            if self.runs.offline:
                return None
            folder.parent.mkdir(exist_ok=True)
            self.runs.call(["task-vector", "--model", str(target.model.path), "--finetuned", str(tuned.model.path),
                            "--alpha", str(alpha), "--output", str(folder), "--overwrite"], folder)
        made = Input(folder, digest([tuned.key, alpha]))
        found = self.evaluate(made, f"tv-{alpha:g}", log)
        return found and Unlearned(tuned, found)

    def search(self, method):
        """([(value, summary)], the chosen value or None where something is missing)"""
        log = self.models()[2]
        if log is None:
            return [], None
        runs = self.runs.map(lambda value: self.unlearn(method, value, SEARCH_SEED), METHODS[method][3])
        seen = [(value, run and run.summary) for value, run in zip(METHODS[method][3], runs)]
        if any(summary is None for _, summary in seen):
            return seen, None
        return seen, max(seen, key=lambda entry: standing(entry[1], log.summary))[0]

    def final(self, method):
        chosen = self.search(method)[1]
        seeds = SEEDS[:1] if method == "tv" else SEEDS  # nothing of a task vector is random but its learning
        if chosen is None:
            return chosen, {}
        return chosen, dict(zip(seeds, self.runs.map(lambda seed: self.unlearn(method, chosen, seed), seeds)))

    def curve(self, method, kind):
        """The evaluation after each of four sizes, or requests."""
        chosen, found, model = self.search(method)[1], [], None
        if chosen is None:
            return []
        for k in range(1, 5):
            run = self.unlearn(method, chosen, SEEDS[0], model, f"news/{kind}/forget_{k}")
            if run is None:
                break
            found.append(run)
            model = run.trained if kind == "sust" else None
        return found


class Unlearned:
    """A model that forgot (`trained`) and its evaluation."""

    def __init__(self, trained, evaluation):
        self.trained, self.summary = trained, evaluation.summary
        self.cpu_seconds = trained.result["cpu_seconds"] + evaluation.result["cpu_seconds"]

    def record(self):
        return {"values": rounded(self.summary), "cpu_seconds": round(self.cpu_seconds, 1)}


def rounded(summary):
    return {name: value if value is None else float(f"{value:.6g}") for name, value in summary.items()}


def collect(experiment, methods):
    """Everything that is finished, from the runs' folders; nothing is run."""
    experiment.runs.offline = True
    target, whole, log = experiment.models()
    if log is None or whole is None:
        return {}
    found = {"scale": experiment.options.scale, "models": {
        name: {"values": rounded(run.summary), "cpu_seconds": learnt.result["cpu_seconds"]}
        for name, run, learnt in (("target", whole, target),
                                  ("retrained", log, experiment.learn("retain", experiment.options.epochs)))}}
    found["search"], found["final"] = {}, {}
    for method in methods:
        seen, chosen = experiment.search(method)
        found["search"][method] = {"name": METHODS[method][0], "searched": METHODS[method][2], "chosen": chosen,
                                   "points": [[value, summary and rounded(summary)] for value, summary in seen]}
        runs = experiment.final(method)[1]
        found["final"][method] = {str(seed): run.record() for seed, run in runs.items() if run}
    if experiment.corpus == "news":
        for kind in ("scal", "sust"):
            found[kind] = {method: [run.record() for run in experiment.curve(method, kind)]
                           for method in methods if method != "tv"}
    return found


def run_stages(experiment, options, methods):
    for stage in (name for name in STAGES if name in options.stages):
        print(f"== {stage} ({options.corpus})", file=sys.stderr, flush=True)
        if stage == "models":
            parts = ("retain", "full")
            experiment.runs.map(lambda part: experiment.learn(part, options.epochs), parts)
            experiment.models()
        elif stage == "search":
            for method in methods:
                print(f"{method}: {experiment.search(method)[1]}", file=sys.stderr)
        elif stage == "final":
            for method in methods:
                experiment.final(method)
        elif stage in ("scal", "sust") and options.corpus == "news":
            experiment.runs.map(lambda method: experiment.curve(method, stage), [m for m in methods if m != "tv"])
    file = experiment.out / "results.json"
    results = json.loads(file.read_text()) if file.is_file() else {"program": experiment.runs.version, "corpora": {}}
    results["corpora"][options.corpus] = collect(experiment, methods)
    file.write_text(json.dumps(results, indent=1) + "\n")
    (experiment.out / "tables.md").write_text("".join(
        f"## {name}\n\n{table}\n\n" for name, table in muse_tables.tables(results).items()), encoding="utf-8")
    print(file)


def refuse(problem):
    print(f"error: {problem}", file=sys.stderr)
    sys.exit(2)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("stages", nargs="*")
    parser.add_argument("--corpus", default="news", choices=("news", "books"))
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_intermixed_args()
    methods = options.methods.split(",")
    for names, known, what in ((methods, METHODS, "method"), (options.stages, STAGES, "stage")):
        for name in names:
            if name not in known:
                refuse(f"unknown {what} '{name}'; known: {', '.join(known)}")
    if not 0.01 <= options.scale <= 10:
        refuse(f"--scale takes 0.01 to 10, not {options.scale}")
    if options.jobs < 1:
        refuse(f"--jobs takes 1 or more, not {options.jobs}")
    if options.corpus != "news" and {"scal", "sust"} & set(options.stages):
        refuse("scal and sust are stages of --corpus news: MUSE has them for its news alone")
    if not options.stages:
        print("stages: " + ", ".join(STAGES))
        return
    try:
        run_stages(Experiment(options), options, methods)
    except Failed as problem:
        refuse(problem)
    except KeyboardInterrupt:
        print("stopped; repeat the command to go on", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
