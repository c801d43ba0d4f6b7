"""Runs of the program that tofu.sh keeps by a hash of everything that goes into them.

A run's key is the SHA-256 of the program's version, the command, its settings and the keys of its inputs
(data, models, logs). Its folder is OUT/runs/LABEL-KEY; result.json there says that it is finished and
holds its numbers. Anything else is begun again, or resumed from its last checkpoint.
"""
import hashlib
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from claims_runs import Answers, ks_p_value, mean, pearson, repetition


class Failed(Exception):
    pass


def digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class Input:
    """A file or folder with a key that says what is in it."""

    def __init__(self, path, key):
        self.path, self.key = Path(path), key


def data_input(folder):
    """A folder of data files, known by their contents."""
    files = sorted(path for path in Path(folder).iterdir() if path.suffix in (".json", ".jsonl"))
    return Input(folder, digest([[path.name, hashlib.sha256(path.read_bytes()).hexdigest()] for path in files]))


def model_input(folder):
    """A base model, known by its path and its files' names and sizes: it may have many gigabytes."""
    if not (Path(folder) / "config.json").is_file():
        raise Failed(f"{folder}: no model folder (no config.json)")
    path = Path(folder).resolve()
    return Input(path, digest([str(path), sorted([file.name, file.stat().st_size] for file in path.iterdir()
                                                 if file.is_file())]))


class Run(Input):
    """A finished run; `model` and `log` are inputs of others."""

    def __init__(self, path, key, result):
        super().__init__(path, key)
        self.result = result
        self.model = Input(self.path / "model", key)

    @property
    def summary(self):
        return self.result["summary"]


class Runs:
    def __init__(self, out, program, jobs=1, offline=False, read=None):
        """read(folder, rows): what result.json keeps of a finished run; TOFU's numbers where it is not given."""
        self.out, self.program, self.jobs, self.offline = Path(out), program, jobs, offline
        self.read = read or read_results
        self.lock = threading.Lock()
        self.version = subprocess.run([program, "--version"], capture_output=True, text=True,
                                      check=True).stdout.split(" (")[0].strip()

    def map(self, function, items):
        """function(item) for each item, `jobs` at a time; the results in order."""
        if self.jobs == 1 or self.offline:
            return [function(item) for item in items]
        with ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(function, items))

    def run(self, label, command, settings, inputs, keep_model=False, rows=None):
        """The run, from its folder or from the program; None where it is missing and none may be made.

        settings and inputs: dotted key → value / Input. rows: the retain model's Run that rows are compared with."""
        key = digest([self.version, command, settings, {name: value.key for name, value in inputs.items()},
                      rows.key if rows else ""])
        folder = self.out / "runs" / f"{label}-{key[:10]}"
        stored = folder / "result.json"
        if stored.is_file():
            return Run(folder, key, json.loads(stored.read_text()))
        if self.offline:
            return None
        folder.parent.mkdir(parents=True, exist_ok=True)
        flags = ["--output", str(folder)]
        for name, value in settings.items():
            flags += ["--set", f"{name}={value}"]
        for name, value in inputs.items():
            flags += ["--set", f"{name}={value.path}"]
        if command != "eval":
            # What a cut-off run can go on from: a checkpoint, or its saved model.
            state = folder / "run.json"
            saved = state.is_file() and json.loads(state.read_text()).get("status") in ("done", "evaluating")
            flags.append("--resume" if saved or any(folder.glob("checkpoints/*/DONE")) else "--overwrite")
        wall, cpu = self.call([command, *flags], folder)
        result = {"label": label, "key": key, "version": self.version, "command": command, "settings": settings,
                  "seconds": round(wall, 1), "cpu_seconds": round(cpu, 1), **self.read(folder, rows)}
        stored.write_text(json.dumps(result))
        if not keep_model:
            shutil.rmtree(folder / "model", ignore_errors=True)
        return Run(folder, key, result)

    def call(self, arguments, folder):
        """Seconds of wall and processor time, those of earlier, cut-off calls for this folder included."""
        spent = folder.parent / f"{folder.name}.spent"
        log = folder.parent / f"{folder.name}.log"
        with self.lock:
            print(f"{time.strftime('%H:%M:%S')} {folder.name}", file=sys.stderr, flush=True)
        begin = time.monotonic()
        with open(log, "w", encoding="utf-8") as messages:
            process = subprocess.Popen([self.program, *arguments, "--log-level", "warning"],
                                       stdout=subprocess.DEVNULL, stderr=messages)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        old = json.loads(spent.read_text()) if spent.is_file() else [0, 0]
        total = [old[0] + time.monotonic() - begin, old[1] + usage.ru_utime + usage.ru_stime]
        spent.write_text(json.dumps(total))
        if process.returncode != 0:
            lines = log.read_text().splitlines() or ["it said nothing"]
            raise Failed(f"{folder.name}: exit code {process.returncode}: {lines[-1]} ({log})")
        return total


def read_results(folder, retain):
    """The numbers of the evaluations that a run left."""
    found = {}
    last = folder / "eval" / "TOFU_SUMMARY.json"
    if last.is_file():
        found["summary"] = json.loads(last.read_text())
        found["rows"] = row_values(folder / "eval", retain)
    steps = sorted((folder / "eval").glob("step-*/TOFU_SUMMARY.json"), key=lambda file: int(file.parent.name[5:]))
    if steps:
        found["steps"] = {file.parent.name[5:]: json.loads(file.read_text()) for file in steps}
        found["step_rows"] = {file.parent.name[5:]: row_values(file.parent, retain) for file in steps}
    log = folder / "metrics.jsonl"
    if retain is not None and log.is_file():
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        if all(len(line["forget_ids"]) == 1 and "w" in line for line in lines):
            found["weights"] = weights(lines, retain.result["rows"]["length"])
    return found


def weights(steps, lengths):
    """Of a run with one forget row a step: the weights that the loss gave, and how they follow the length."""
    last = steps[-1]["epoch"]
    early = [step for step in steps if step["epoch"] <= 1]
    late = [step for step in steps if step["epoch"] > last - 1]

    def follows(part):
        value = pearson([step["w"] for step in part], [lengths[step["forget_ids"][0]] for step in part])
        return None if math.isnan(value) else value

    return {"first": [step["w"] for step in steps[:2]], "early_median": statistics.median(s["w"] for s in early),
            "late_median": statistics.median(s["w"] for s in late), "early_r": follows(early), "late_r": follows(late)}


def row_values(folder, retain):
    """What the claims ask of single forget rows."""
    answers = Answers(folder)
    values = {"nll": [round(v, 5) for v in answers.nll], "length": answers.length,
              "truth": [float(f"{v:.6g}") for v in getattr(answers, "truth", [])]}
    if answers.generated:
        distinct, repeated, words = repetition(answers.generated)
        values.update(distinct_2=distinct, repeated_4=repeated, words=words)
    if retain is not None and values["truth"]:
        values["halves"] = halves(values, retain.result["rows"])
    return values


def halves(own, retain):
    """Forget quality of the short and the long half of the answers, and how far each half's token loss
    lies above the retain model's."""
    order = sorted(range(len(own["length"])), key=lambda row: (own["length"][row], row))
    middle = len(order) // 2
    parts = {"short": order[:middle], "long": order[middle:]}
    return {name: {"quality": ks_p_value([own["truth"][i] for i in part], [retain["truth"][i] for i in part]),
                   "excess": mean([own["nll"][i] - retain["nll"][i] for i in part])}
            for name, part in parts.items()}


def harmonic(values):
    return len(values) / sum(1 / v for v in values) if all(v > 0 for v in values) else 0.0


def quick_utility(summary):
    """Model utility without its three ROUGE values: what costs no generation."""
    return harmonic([summary[name] for name in (
        "retain_Q_A_Prob", "retain_Truth_Ratio", "ra_Q_A_Prob_normalised", "ra_Truth_Ratio",
        "wf_Q_A_Prob_normalised", "wf_Truth_Ratio")])


def log10_quality(summary):
    return math.log10(max(summary["forget_quality"], 1e-300))
