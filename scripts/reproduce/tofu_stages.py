#!/usr/bin/env python3
"""The stages of tofu.sh. See there for how it is called; tofu_plan.py has the methods, points and the rule."""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import tofu_plan as plan
import tofu_results
from tofu_runs import Failed, Input, Runs, data_input, digest, model_input

HERE = Path(__file__).resolve().parent


class Experiment:
    """The data, the models and the unlearning runs of one OUT folder."""

    def __init__(self, options, offline=False):
        self.options, self.out = options, Path(options.out)
        name = Path(options.model).name.lower()
        self.base = next((known for known in plan.PROFILES if name.startswith(known)), "other")
        self.scratch = options.model in ("small", "micro")
        self.profile = plan.profile(self.base, options.authors < 200)
        self.known = tofu_results.read_known(options, self.profile["rate"])
        self.runs = Runs(self.out, os.environ["UNLEARN"], options.jobs, offline)
        if not offline:
            self.prepare()
        self.data = data_input(self.out / "data")
        self.start = data_input(self.out / "base") if self.scratch else model_input(options.model)

    def prepare(self):
        """OUT/data: TOFU's files, or those of the first and the last few people of it; OUT/base: the
        untrained model. Files that are there stay."""
        source, folder = Path(self.options.data), self.out / "data"
        few = self.options.authors
        made_of = {"authors": few, "model": self.options.model, "data": data_input(source).key}
        record = self.out / "made_of.json"
        if record.is_file() and json.loads(record.read_text()) != made_of:
            raise Failed(f"{self.out} was made with other data, --authors or --model ({record}); give another OUT")
        self.out.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(made_of) + "\n")
        if not (folder / "full.json").is_file():
            folder.mkdir(parents=True, exist_ok=True)
            for file in sorted(source.glob("*.json*")):
                lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
                if few < 200 and file.stem == "full":
                    lines = lines[:20 * (few - 20)] + lines[-400:]
                elif few < 200 and file.stem.startswith("retain") and file.stem != "retain_perturbed":
                    forget = 4 * (100 - int(file.stem[6:])) * 10  # rows
                    lines = lines[:20 * (few - 20)] + (lines[forget - 400:] if forget < 400 else [])
                name = file.name if file.suffix == ".jsonl" else f"{file.stem}.json"
                (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        base = self.out / "base"
        if self.scratch and not (base / "known.jsonl").is_file():
            made = subprocess.run([os.environ.get("PYTHON", sys.executable), str(HERE / "tofu_base.py"), str(source),
                                   str(base), self.base], stderr=subprocess.PIPE, text=True)
            if made.returncode != 0:
                raise Failed((made.stderr.strip().splitlines() or ["tofu_base.py failed"])[-1].removeprefix("error: "))

    # Models.

    def learn(self, train, seed=1, text=None):
        """A model trained on a file of OUT/data, or on these rows under its name (from scratch: and on the rows
        that a base model would know)."""
        text = text or (self.out / "data" / f"{train}.json").read_text(encoding="utf-8")
        if self.scratch:
            text += (self.out / "base/known.jsonl").read_text(encoding="utf-8")
        rows = self.out / "train" / f"{train}.jsonl"
        rows.parent.mkdir(exist_ok=True)
        if not rows.is_file() or rows.read_text(encoding="utf-8") != text:
            rows.write_text(text, encoding="utf-8")
        settings = {"data.benchmark": "tofu", "data.max_length": 200, "model.template": self.profile["template"],
                    "train.seed": seed, "train.warmup_epochs": 1, "train.weight_decay": 0.01, "train.save_every": "epoch",
                    "train.keep": 1, **self.profile["learn"]}
        return self.runs.run(f"learn-{train}-s{seed}", "finetune", settings, {
            "model.path": self.start, "data.root": self.data,
            "data.train": Input(rows, digest(text))}, keep_model=True)

    def evaluate(self, model, split, label, retain=None, metrics=plan.WHOLE_METRICS):
        if model is None:
            return None
        inputs = {"model.path": model.model, "data.root": self.data}
        if retain:
            inputs["eval.retain_log"] = retain
        return self.runs.run(label, "eval", {
            "data.benchmark": "tofu", "data.forget": split, "model.template": self.profile["template"],
            "eval.metrics": metrics, "eval.rows": self.rows(split), "eval.ds_size": 0}, inputs, rows=retain)

    def rows(self, split):
        """Of every file: as many as the forget set has, so that both sides of a table weigh the same."""
        return len((self.out / "data" / f"{split}.json").read_text(encoding="utf-8").splitlines())

    def models(self, split, seed=1):
        """(full, retain, evaluation of full, evaluation of retain) of a split."""
        retain = self.learn(f"retain{100 - int(split[6:])}", seed)
        full = self.learn("full")
        log = self.evaluate(retain, split, f"eval-retain-{split}")
        return full, retain, log and self.evaluate(full, split, f"eval-full-{split}", log), log

    # Unlearning.

    def unlearn(self, split, label, settings, seed, model=None, metrics=plan.QUICK_METRICS, keep_model=False, inputs=None):
        full, _, whole, log = self.models(split)
        if whole is None:
            return None
        every = {"data.benchmark": "tofu", "data.forget": split, "data.max_length": 200, "data.pairing": "random",
                 "model.template": self.profile["template"], "train.schedule": "linear", "train.warmup_epochs": 1,
                 "train.weight_decay": 0.01, "train.save_every": "never", "train.seed": seed, "eval.at_end": "true",
                 "eval.metrics": metrics, "eval.rows": self.rows(split), "eval.ds_size": 0,
                 **self.profile["unlearn"], **settings}
        return self.runs.run(f"{split}-{label}-s{seed}", "train", every, {
            "model.path": (model or full).model, "data.root": self.data, "eval.retain_log": log, **(inputs or {})},
            keep_model=keep_model, rows=log)

    def method(self, split, method, point, seed, **more):
        settings = plan.settings_of(method, point, self.profile["rate"], self.profile["layer"])
        return self.unlearn(split, f"{method}-{plan.point_name(point)}", settings, seed, **more)

    def chosen(self, split, method):
        """The method's point: the known one, or the search's; None where that is not complete."""
        known = tofu_results.part(self.known, split, "search", method).get("chosen")
        return known or self.search(split, method)[1]

    def search(self, split, method):
        full = self.models(split)[2]
        if full is None:
            return [], None

        def run(point, seed):
            done = self.method(split, method, point, seed)
            return done and done.summary

        return plan.search(method, run, full.summary)


def refuse(problem):
    print(f"error: {problem}", file=sys.stderr)
    sys.exit(2)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("stages", nargs="*")
    parser.add_argument("--model", default="small", help="small, micro, smollm2, or the folder of a base model")
    parser.add_argument("--authors", type=int, default=200, help="people of TOFU that are used: 40 to 200")
    parser.add_argument("--split", default="forget05", choices=("forget01", "forget05", "forget10"))
    parser.add_argument("--methods", default="", help="with commas between them; default: all")
    parser.add_argument("--seeds", type=int, default=5, help="of the final runs")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--known", default="", help="results.json whose numbers stand for runs that OUT lacks")
    options = parser.parse_intermixed_args()
    methods = [name for name in options.methods.split(",") if name] or list(plan.METHODS)
    for names, known, what in ((methods, plan.METHODS, "method"), (options.stages, tofu_results.STAGES, "stage")):
        for name in names:
            if name not in known:
                refuse(f"unknown {what} '{name}'; known: {', '.join(known)}")
    if not options.stages:
        print("stages: " + ", ".join(tofu_results.STAGES))
        return
    if options.model == "smollm2":
        options.model = str(HERE.parent.parent / "models/smollm2-135m")  # where scripts/fetch_smollm2.sh puts it
    if "quick" in options.stages:
        options.authors, options.model, options.stages = 40, "micro", ["models", "quick"]
        options.out = str(Path(options.out) / "quick")
    if not 40 <= options.authors <= 200:
        refuse(f"--authors takes 40 to 200, not {options.authors}")
    try:
        tofu_results.run_stages(Experiment(options), options, methods)
    except Failed as problem:
        refuse(problem)
    except KeyboardInterrupt:
        print("stopped; repeat the command to go on", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
