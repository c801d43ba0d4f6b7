#!/usr/bin/env python3
"""Paired timings of `unlearn` and honest PyTorch loops: same weights, same token ids, alternating
step by step in one run. Writes bench/results/<name>.json, and with --document a table into a file.

    bench/compare_pytorch.py --train-steps build/bench/train_steps [--suite NAME …] [--steps N]

Every contestant is a process of its own that takes one optimizer step when told to; the others
sleep meanwhile. A ratio is the median over steps of (peer's time / our time) of the same step.
Where the contestants do not fit into memory together, they run one after the other ("apart"), and a
ratio is that of the medians.

Suites G1 to G8 are for one GPU and take models from --models DIR (DIR/1b, …; bench/models.sh has
the shapes); G-tiny drives the same settings on the CPU with a model of a few thousand weights.
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

from suites import CONTESTANTS, LR, SUITES
from tables import table, write_document

HERE = pathlib.Path(__file__).resolve().parent
LENGTHS = HERE / "tofu_len_v1.json"


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


def make_examples(count, vocabulary, seed, length=None):
    lengths = json.loads(LENGTHS.read_text())["rows"]
    rng = random.Random(seed)
    examples = []
    for i in range(count):
        tokens, labels = lengths[(i + 131 * seed) % len(lengths)]
        if length:  # plain text: every token but the first is predicted
            tokens, labels = length, length - 1
        ids = [rng.randrange(3, vocabulary) for _ in range(tokens)]
        examples.append({"tokens": ids, "labels": [-100] * (tokens - labels) + ids[-labels:]})
    return examples


def write_examples(path, count, vocabulary, length=None):
    path.write_text(json.dumps({"forget": make_examples(count, vocabulary, 1, length),
                                "retain": make_examples(count, vocabulary, 2, length)}))
    return str(path)


def make_llama(folder, dtype="float32", **shape):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    torch.manual_seed(0)
    config = LlamaConfig(max_position_embeddings=2048, tie_word_embeddings=True, **shape)
    LlamaForCausalLM(config).to(getattr(torch, dtype)).save_pretrained(folder)


def model_folder(name, args, work):
    """Where a suite's model lies; the small ones are made here."""
    folder = work / name
    if name == "smollm2":
        return args.smollm2
    if name == "30m":  # a random Llama of 30 M parameters
        make_llama(folder, vocab_size=32000, hidden_size=384, intermediate_size=1024,
                   num_hidden_layers=10, num_attention_heads=6, num_key_value_heads=6)
    elif name == "tiny":
        make_llama(folder, "bfloat16", vocab_size=512, hidden_size=64, intermediate_size=176,
                   num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
    else:
        folder = args.models / name
        if not (folder / "config.json").is_file():
            raise SystemExit(f"error: no model folder {folder}; give --models DIR")
    return folder


def key_settings(settings):
    """A suite's or group's settings that the workers read too."""
    keys = ("device", "dtype", "train", "micro_batch")
    return {key: settings[key] for key in keys if settings.get(key)}


class Worker:
    """A contestant in its own process. It loads while others do, until wait_ready()."""

    def __init__(self, name, spec, train_steps, work):
        kind, spec["method"], spec["options"], *further = CONTESTANTS[name]
        for keys in further:
            spec |= keys | {"train": spec.get("train", {}) | keys.get("train", {})}
        spec["compile"] = kind == "compiled"
        label = f"{name.replace(' ', '_')}_{time.monotonic_ns()}"
        spec["folder"] = str(work / label)
        path = work / f"{label}.json"
        path.write_text(json.dumps(spec))
        peer = [sys.executable, str(HERE / "peer.py")]
        command = [str(train_steps.resolve())] if kind == "ours" else peer
        self.name = name
        self.log = open(work / f"{label}.log", "w+")
        self.process = subprocess.Popen(command + [str(path)], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log)
        self.records = []

    def wait_ready(self):
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise RuntimeError(f"{self.name}: {self.log.read()[-2000:]}")
        return json.loads(line)

    def step(self):
        try:
            self.process.stdin.write("go\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it died; read() says of what
        self.records.append(self.read())

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()
        self.log.close()

    def work(self):
        """Contestants whose losses must agree have the same."""
        return CONTESTANTS[self.name][1:3]

    def peak(self):
        """Bytes on the GPU, or of the process where there is none."""
        last = self.records[-1]
        return last.get("peak_device_bytes", last["peak_bytes"])


def spread(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return {"median": middle, "q1": low, "q3": high}


def ratio(key, timed, ours, apart):
    """Step by step, or of the medians where the steps did not alternate."""
    if not apart:
        return spread([r[key] / o[key] for r, o in zip(timed, ours)])
    base = statistics.median(o[key] for o in ours)
    return spread([r[key] / base for r in timed])


def difference(key, a, b):
    return abs(a[key] - b[key]) / max(1.0, abs(a[key]))


def summarize(worker, workers, args, apart):
    base = workers[0]
    timed, ours = worker.records[args.warmup:], base.records[args.warmup:]
    alike = next(w for w in workers if w.work() == worker.work())
    return {
        "name": worker.name,
        "seconds": spread([r["seconds"] for r in timed]),
        "cpu_seconds": spread([r["cpu_seconds"] for r in timed]),
        "ratio": ratio("seconds", timed, ours, apart),
        "cpu_ratio": ratio("cpu_seconds", timed, ours, apart),
        "peak_bytes": worker.peak(),
        "peak_host_bytes": worker.records[-1]["peak_bytes"],
        "memory_share": base.peak() / worker.peak(),
        "first_loss": worker.records[0]["loss"],
        "first_loss_difference": difference("loss", alike.records[0], worker.records[0]),
        # Of LoRA's it says little: the pairs start from other random values.
        "first_norm_difference": difference("grad_norm", alike.records[0], worker.records[0]),
        "last_loss": worker.records[-1]["loss"],
        "first_step_seconds": worker.records[0]["seconds"],
    }


def largest_loss_difference(workers):
    """Over all steps of contestants that do the same work."""
    worst = 0.0
    for worker in workers:
        alike = next(w for w in workers if w.work() == worker.work())
        worst = max([worst] + [difference("loss", a, b)
                               for a, b in zip(alike.records, worker.records)])
    return worst


def disagreement(settings, result):
    """What is wrong with the losses, or "": contestants that differ do not do the same work.

    Only fp32 runs stay together: bf16 weights without a master, R3's, miss small updates. And means
    over micro-batches are not those over the step, which is what ours takes.
    """
    exact = settings.get("dtype", "float32") == "float32" and not settings.get("micro_batch")
    if exact and result["loss_difference"] > 1e-2:
        return f"the losses differ by {result['loss_difference']}"
    limit = 1e-4 if exact else 1e-2
    return "; ".join(f"{c['name']}: the first step's loss differs by {c['first_loss_difference']}"
                     for c in result["contestants"]
                     if not c["first_loss_difference"] <= limit)


def run_together(names, spec, args, work):
    """The workers that took all steps, and what the others died of."""
    workers, failures = [], {}

    def attempt(worker, action):
        if worker.name in failures:
            return
        try:
            action()
        except RuntimeError as error:
            failures[worker.name] = str(error)

    try:
        for name in names:
            workers.append(Worker(name, dict(spec), args.train_steps, work))
        for worker in workers:
            attempt(worker, worker.wait_ready)
        for step in range(args.warmup + args.steps):
            # Rotate who goes first, so that no one always follows the same neighbour.
            for worker in workers[step % len(workers):] + workers[:step % len(workers)]:
                attempt(worker, worker.step)
                time.sleep(args.pause)
            if names[0] in failures:
                break  # nothing to compare with
    finally:
        for worker in workers:
            worker.close()
    return [w for w in workers if w.name not in failures], failures


def has_room(settings):
    """Whether the contestants fit on the GPU together."""
    if "together_gib" not in settings:
        return True
    import torch
    return torch.cuda.mem_get_info()[1] >= settings["together_gib"] * 2**30


def run_group(settings, spec, args, work):
    names = settings["contestants"]
    apart = args.apart or settings.get("apart", False) or not has_room(settings)
    done, failures = [], {}
    for together in [[name] for name in names] if apart else [names]:
        finished, failed = run_together(together, spec, args, work)
        done += finished
        failures |= failed
        if names[0] in failures:
            raise RuntimeError(failures[names[0]])
    for name, error in failures.items():
        print(f"{name} failed: {error}", file=sys.stderr)
    result = {"apart": apart, "micro_batch": settings.get("micro_batch"),
              "loss_difference": largest_loss_difference(done), "failures": failures,
              "contestants": [summarize(w, done, args, apart) for w in done]}
    return result | {"disagreement": disagreement(settings, result)}


def run_flat(suite, spec, args, work):
    """Time per token and peak memory at two numbers of forget rows, alternating."""
    workers = {}
    for rows in suite["rows"]:
        path = write_examples(work / f"flat_{rows}.json", rows, spec["vocabulary"])
        workers[rows] = Worker("ours SimNPO", dict(spec, examples=path), args.train_steps, work)
        workers[rows].wait_ready()
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


def gpu_name():
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        names = subprocess.run(query, capture_output=True, text=True, check=True).stdout
        return names.split("\n")[0]
    except (OSError, subprocess.CalledProcessError):
        return "a CUDA device"


def group_settings(suite, group):
    own = group if isinstance(group, dict) else {"contestants": group}
    return {key: value for key, value in suite.items() if key != "groups"} | own


def run_groups(name, suite, spec, args, work):
    results = []
    for index, group in enumerate(suite["groups"]):
        if args.group not in (None, index):
            continue
        settings = group_settings(suite, group)
        # Several steps without a repetition, at any batch size.
        examples = write_examples(work / f"{name}_{index}.json", max(64, 8 * suite["batch"]),
                                  spec["vocabulary"], settings.get("length"))
        own = spec | key_settings(settings) | {"examples": examples}
        results.append(run_group(settings, own, args, work))
    return results


def run_suite(name, args, work):
    import torch
    suite = SUITES[name]
    model = model_folder(suite["model"], args, work)
    vocabulary = json.loads((model / "config.json").read_text())["vocab_size"]
    spec = {"model": str(model), "batch_size": suite["batch"], "lr": LR,
            "steps": args.warmup + 2 * args.steps + 1, "vocabulary": vocabulary}
    on_gpu = suite.get("device") == "cuda"
    result = {"suite": name, "device": gpu_name() if on_gpu else cpu_name(), "on_gpu": on_gpu,
              "torch": torch.__version__,
              "threads": int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())),
              "steps": args.steps, "warmup": args.warmup, "batch": suite["batch"]}
    if "rows" in suite:
        result["flat"] = run_flat(suite, spec, args, work)
    else:
        result["groups"] = run_groups(name, suite, spec, args, work)
    print(f"## {name}\n{table(result)}", flush=True)
    return result


def disagreements(result):
    return [g["disagreement"] for g in result.get("groups", []) if g["disagreement"]]


def suites_of_cpu():
    return [name for name, suite in SUITES.items()
            if suite.get("device") != "cuda" and name != "G-tiny"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train-steps", type=pathlib.Path, required=True)
    parser.add_argument("--suite", action="append", choices=list(SUITES))
    parser.add_argument("--group", type=int, help="only this group of a suite's contestants")
    parser.add_argument("--models", type=pathlib.Path, default=pathlib.Path("models"),
                        help="folder of the GPU suites' model folders")
    parser.add_argument("--smollm2", type=pathlib.Path, default=pathlib.Path("models/smollm2-135m"))
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--apart", action="store_true",
                        help="one contestant after the other, in every suite")
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between steps")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "results",
                        help="folder of <suite>.json")
    parser.add_argument("--document", default="", help="Markdown file that takes the tables")
    parser.add_argument("--draw-lengths", action="store_true", help="write tofu_len_v1.json and stop")
    args = parser.parse_args()
    if args.draw_lengths:
        rows = ",\n".join(json.dumps(r) for r in draw_lengths())
        LENGTHS.write_text('{"name": "tofu-len-v1", "columns": ["tokens", "labels"], "rows": [\n'
                           f"{rows}\n]}}\n")
        return
    if args.steps < 2:
        parser.error("--steps: quartiles need at least 2 timed steps")
    args.output.mkdir(parents=True, exist_ok=True)
    wrong = []
    for name in args.suite or suites_of_cpu():
        with tempfile.TemporaryDirectory() as folder:
            result = run_suite(name, args, pathlib.Path(folder))
        (args.output / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
        wrong += [f"{name}: {text}" for text in disagreements(result)]
        if args.document and not disagreements(result):
            write_document(pathlib.Path(args.document), name, result)
    if wrong:  # only now, so that the other suites' figures are there
        sys.exit("error: the contestants do not do the same work: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
