#!/usr/bin/env python3
"""Paired timings of `unlearn` and honest PyTorch loops: same weights, same token ids, alternating
step by step in one run. Writes bench/results/<name>.json and a table into docs/performance.md.

    bench/compare_pytorch.py --train-steps build/bench/train_steps [--suite NAME …] [--steps N]

Every contestant is a process of its own that takes one optimizer step when told to; the others
sleep meanwhile. A ratio is the median over steps of (peer's time / our time) of the same step.
"""
import argparse
import json
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time

from tables import table, write_document

HERE = pathlib.Path(__file__).resolve().parent
LENGTHS = HERE / "tofu_len_v1.json"
SIMNPO = {"beta": 2.5, "gamma": 0.0, "forget_weight": 0.1375, "retain_loss": "nll"}
NPO = {"beta": 0.1, "retain_loss": "nll"}
NPO_KL = {"beta": 0.1, "retain_loss": "kl"}
LR = 1e-5

# name -> (kind, method, options, further keys of the specification). Kind "ours" is the trainer
# itself.
CONTESTANTS = {
    "ours SimNPO": ("ours", "simnpo", SIMNPO),
    "ours NPO": ("ours", "npo", NPO),
    "ours NPO+KL": ("ours", "npo", NPO_KL),
    "ours SimNPO, C heap": ("ours", "simnpo", SIMNPO, {"arena": False}),
    "P1 SimNPO": ("peer", "simnpo", SIMNPO),
    "P1 NPO": ("peer", "npo", NPO),
    "P1 NPO+KL": ("peer", "npo", NPO_KL),
    "P2 SimNPO": ("compiled", "simnpo", SIMNPO),
}
# Contestants of one group run side by side; the first is what the others are compared with.
SUITES = {
    "30M": {"model": "30m", "batch": 4,
            "groups": [["ours SimNPO", "P1 SimNPO"], ["ours SimNPO", "ours NPO", "ours NPO+KL"]]},
    "135M": {"model": "smollm2", "batch": 2,
             "groups": [["ours SimNPO", "P1 SimNPO"], ["ours SimNPO", "ours NPO", "ours NPO+KL"]]},
    "flat": {"model": "30m", "batch": 4, "rows": [10, 4000]},
    "135M-heap": {"model": "smollm2", "batch": 2,
                  "groups": [["ours SimNPO", "ours SimNPO, C heap"]]},
    "30M-compiled": {"model": "30m", "batch": 4, "groups": [["ours SimNPO", "P2 SimNPO"]]},
    "135M-compiled": {"model": "smollm2", "batch": 2, "groups": [["ours SimNPO", "P2 SimNPO"]]},
    "30M-reference": {"model": "30m", "batch": 4, "groups": [["ours NPO", "P1 NPO"],
                                                             ["ours NPO+KL", "P1 NPO+KL"]]},
}


def draw_lengths(count=512, seed=0):
    """"tofu-len-v1": Llama-3-like lengths of TOFU's questions and answers, [tokens, labels]."""
    rng = random.Random(seed)

    def bounded(mean, deviation, low, high):
        while True:
            value = rng.gauss(mean, deviation)
            if low <= value <= high:
                return value

    rows = []
    for _ in range(count):
        q, a = bounded(18.5, 5.6, 6, 60), bounded(40.8, 14.8, 5, 104)
        rows.append([round(0.86 * (q + a)) + 42, round(0.86 * a) + 1])
    return rows


def make_examples(count, vocabulary, seed):
    lengths = json.loads(LENGTHS.read_text())["rows"]
    rng = random.Random(seed)
    examples = []
    for i in range(count):
        tokens, labels = lengths[(i + 131 * seed) % len(lengths)]
        ids = [rng.randrange(3, vocabulary) for _ in range(tokens)]
        examples.append({"tokens": ids, "labels": [-100] * (tokens - labels) + ids[-labels:]})
    return examples


def make_30m(folder):
    """A random Llama of 30 M parameters (d 384, 10 layers, 32,000 tokens, tied)."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=32000, hidden_size=384, intermediate_size=1024,
                         num_hidden_layers=10, num_attention_heads=6, num_key_value_heads=6,
                         max_position_embeddings=2048, tie_word_embeddings=True)
    LlamaForCausalLM(config).float().save_pretrained(folder)


class Worker:
    """A contestant in its own process, ready for its first step."""

    def __init__(self, name, spec, train_steps, work):
        kind, spec["method"], spec["options"], *further = CONTESTANTS[name]
        spec.update(*further)
        spec["compile"] = kind == "compiled"
        label = f"{name.replace(' ', '_')}_{time.monotonic_ns()}"
        spec["folder"] = str(work / label)
        path = work / f"{label}.json"
        path.write_text(json.dumps(spec))
        command = [str(train_steps)] if kind == "ours" else [sys.executable, str(HERE / "peer.py")]
        self.name = name
        self.log = open(work / f"{label}.log", "w+")
        self.process = subprocess.Popen(command + [str(path)], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log)
        self.records = []
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise RuntimeError(f"{self.name}: {self.log.read()[-2000:]}")
        return json.loads(line)

    def step(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        self.records.append(self.read())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.log.close()


def spread(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return {"median": middle, "q1": low, "q3": high}


def summarize(worker, base, warmup):
    timed = worker.records[warmup:]
    ours = base.records[warmup:]
    return {
        "name": worker.name,
        "seconds": spread([r["seconds"] for r in timed]),
        "cpu_seconds": spread([r["cpu_seconds"] for r in timed]),
        "ratio": spread([r["seconds"] / o["seconds"] for r, o in zip(timed, ours)]),
        "cpu_ratio": spread([r["cpu_seconds"] / o["cpu_seconds"] for r, o in zip(timed, ours)]),
        "peak_bytes": worker.records[-1]["peak_bytes"],
        "memory_share": base.records[-1]["peak_bytes"] / worker.records[-1]["peak_bytes"],
        "first_loss": worker.records[0]["loss"],
        "last_loss": worker.records[-1]["loss"],
        "first_step_seconds": worker.records[0]["seconds"],
    }


def same_losses(workers):
    """Contestants with one method must agree on every step's loss; returns the largest difference."""
    worst = 0.0
    for method in {CONTESTANTS[w.name][1:2] + (str(CONTESTANTS[w.name][2]),) for w in workers}:
        group = [w for w in workers if (CONTESTANTS[w.name][1], str(CONTESTANTS[w.name][2])) == method]
        for w in group[1:]:
            for a, b in zip(group[0].records, w.records):
                worst = max(worst, abs(a["loss"] - b["loss"]) / max(1.0, abs(a["loss"])))
    if worst > 1e-2:
        raise RuntimeError(f"the losses differ by {worst}: the contestants do not do the same work")
    return worst


def run_group(names, spec, args, work):
    workers = []
    failures = {}
    try:
        for name in names:
            workers.append(Worker(name, dict(spec), args.train_steps, work))
        for step in range(args.warmup + args.steps):
            # Rotate who goes first, so that no one always follows the same neighbour.
            for worker in workers[step % len(workers):] + workers[:step % len(workers)]:
                if worker.name in failures:
                    continue
                try:
                    worker.step()
                except RuntimeError as error:
                    failures[worker.name] = str(error)
                time.sleep(args.pause)
    finally:
        for worker in workers:
            worker.close()
    done = [w for w in workers if w.name not in failures]
    for name, error in failures.items():
        print(f"{name} failed: {error}", file=sys.stderr)
    return {"loss_difference": same_losses(done), "failures": failures,
            "contestants": [summarize(w, done[0], args.warmup) for w in done]}


def run_flat(suite, spec, args, work):
    """Time per token and peak memory at two numbers of forget rows, alternating."""
    workers = {}
    for rows in suite["rows"]:
        path = work / f"flat_{rows}.json"
        path.write_text(json.dumps({"forget": make_examples(rows, spec["vocabulary"], 1),
                                    "retain": make_examples(rows, spec["vocabulary"], 2)}))
        workers[rows] = Worker("ours SimNPO", dict(spec, examples=str(path)), args.train_steps, work)
    for _ in range(args.warmup + 2 * args.steps):
        for worker in workers.values():
            worker.step()
            time.sleep(args.pause)
    result = {}
    for rows, worker in workers.items():
        worker.close()
        timed = worker.records[args.warmup:]
        result[rows] = {"cpu_microseconds_per_token":
                        1e6 * sum(r["cpu_seconds"] for r in timed) / sum(r["tokens"] for r in timed),
                        "microseconds_per_token": spread([1e6 * r["seconds"] / r["tokens"]
                                                          for r in timed]),
                        "peak_bytes": worker.records[-1]["peak_bytes"]}
    return result


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def run_suite(name, args, work):
    import torch
    suite = SUITES[name]
    model = work / "30m" if suite["model"] == "30m" else args.smollm2
    if suite["model"] == "30m" and not model.exists():
        make_30m(model)
    vocabulary = json.loads((model / "config.json").read_text())["vocab_size"]
    examples = work / f"{name}_examples.json"
    examples.write_text(json.dumps({"forget": make_examples(64, vocabulary, 1),
                                    "retain": make_examples(64, vocabulary, 2)}))
    spec = {"model": str(model), "examples": str(examples), "batch_size": suite["batch"], "lr": LR,
            "steps": args.warmup + 2 * args.steps + 1, "vocabulary": vocabulary}
    result = {"suite": name, "device": cpu_name(), "torch": torch.__version__,
              "threads": int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())),
              "steps": args.steps, "warmup": args.warmup, "batch": suite["batch"]}
    if "rows" in suite:
        result["flat"] = run_flat(suite, spec, args, work)
    else:
        chosen = [g for i, g in enumerate(suite["groups"]) if args.group in (None, i)]
        result["groups"] = [run_group(names, spec, args, work) for names in chosen]
    print(f"## {name}\n{table(result)}")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train-steps", type=pathlib.Path, required=True)
    parser.add_argument("--suite", action="append", choices=list(SUITES))
    parser.add_argument("--group", type=int, help="only this group of a suite's contestants")
    parser.add_argument("--smollm2", type=pathlib.Path, default=pathlib.Path("models/smollm2-135m"))
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between steps")
    parser.add_argument("--results", type=pathlib.Path, default=HERE / "results")
    parser.add_argument("--document", type=pathlib.Path, help="Markdown file that takes the tables")
    parser.add_argument("--draw-lengths", action="store_true", help="write tofu_len_v1.json and stop")
    args = parser.parse_args()
    if args.draw_lengths:
        rows = ",\n".join(json.dumps(r) for r in draw_lengths())
        LENGTHS.write_text('{"name": "tofu-len-v1", "columns": ["tokens", "labels"], "rows": [\n'
                           f"{rows}\n]}}\n")
        return
    for name in args.suite or list(SUITES):
        with tempfile.TemporaryDirectory() as folder:
            result = run_suite(name, args, pathlib.Path(folder))
        args.results.mkdir(parents=True, exist_ok=True)
        (args.results / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
        if args.document:
            write_document(args.document, name, result)


if __name__ == "__main__":
    main()
