#!/usr/bin/env python3
"""One training step of `unlearn` by kernel: what ran on the device, how often and for how long, and
how long the device did nothing. On a CPU, by operator.

    bench/timeline.py --train-steps build/bench/train_steps --suite G7 --models DIR [--json FILE]

The first group's first contestant of a suite (bench/suites.py) takes a few steps; the last one is
traced (Kineto) and its trace kept beside FILE.
"""
import argparse
import collections
import json
import pathlib
import re
import tempfile

from compare_pytorch import Worker, group_settings, key_settings, model_folder, write_examples
from suites import LR, SUITES

WARMUP = 4
SHOWN = 30


def short(name):
    """A kernel's name without its arguments and most of its templates."""
    name = re.sub(r"\(anonymous namespace\)::|void |at::native::|unlearn::kernels::", "", name)
    return re.sub(r"\s+", " ", name)[:90]


def device_events(trace):
    kinds = ("kernel", "gpu_memcpy", "gpu_memset")
    return [e for e in trace["traceEvents"] if e.get("ph") == "X" and e.get("cat") in kinds]


def operators_alone(trace):
    """Operators with the time that none of the operators inside them took."""
    lanes = collections.defaultdict(list)
    for event in trace["traceEvents"]:
        if event.get("ph") == "X" and event.get("cat") == "cpu_op":
            lanes[event["tid"]].append(dict(event))
    for events in lanes.values():
        events.sort(key=lambda e: (e["ts"], -e["dur"]))
        open_ones = []
        for event in events:
            event["alone"] = event["dur"]
            while open_ones and open_ones[-1]["ts"] + open_ones[-1]["dur"] <= event["ts"]:
                open_ones.pop()
            if open_ones:
                open_ones[-1]["alone"] -= event["dur"]
            open_ones.append(event)
    return [e | {"dur": e["alone"]} for events in lanes.values() for e in events]


def busy_microseconds(events):
    """The union of the events' times."""
    total, end = 0.0, float("-inf")
    for event in sorted(events, key=lambda e: e["ts"]):
        start, stop = event["ts"], event["ts"] + event["dur"]
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


def summary(trace):
    on_device = device_events(trace)
    events = on_device or operators_alone(trace)
    by_name = collections.defaultdict(lambda: [0, 0.0])
    for event in events:
        entry = by_name[short(event["name"])]
        entry[0] += 1
        entry[1] += event["dur"]
    total = sum(time for _, time in by_name.values())
    rows = [{"name": name, "calls": calls, "ms": time / 1e3, "share": time / total}
            for name, (calls, time) in sorted(by_name.items(), key=lambda item: -item[1][1])]
    result = {"kind": "kernel" if on_device else "operator", "total_ms": total / 1e3, "rows": rows}
    if on_device:
        first = min(e["ts"] for e in on_device)
        last = max(e["ts"] + e["dur"] for e in on_device)
        busy = busy_microseconds(on_device)
        result |= {"span_ms": (last - first) / 1e3, "busy_ms": busy / 1e3,
                   "idle_ms": (last - first - busy) / 1e3}
    return result


def take_steps(args, work):
    suite = SUITES[args.suite]
    settings = group_settings(suite, suite["groups"][0])
    model = model_folder(suite["model"], args, work)
    vocabulary = json.loads((model / "config.json").read_text())["vocab_size"]
    examples = write_examples(work / "examples.json", 8 * suite["batch"], vocabulary,
                              settings.get("length"))
    trace = work / "trace.json"
    spec = {"model": str(model), "batch_size": suite["batch"], "lr": LR, "steps": WARMUP + 2,
            "examples": examples, "trace": {"step": WARMUP + 1, "file": str(trace)}}
    worker = Worker(settings["contestants"][0], spec | key_settings(settings), args.train_steps, work)
    try:
        worker.wait_ready()
        for _ in range(WARMUP + 1):
            worker.step()
    finally:
        worker.close()
    untraced = sorted(r["seconds"] for r in worker.records[1:WARMUP])[(WARMUP - 1) // 2]
    return worker, 1e3 * untraced, json.loads(trace.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train-steps", type=pathlib.Path, required=True)
    parser.add_argument("--suite", choices=[n for n, s in SUITES.items() if "groups" in s],
                        required=True)
    parser.add_argument("--models", type=pathlib.Path, default=pathlib.Path("models"))
    parser.add_argument("--smollm2", type=pathlib.Path, default=pathlib.Path("models/smollm2-135m"))
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        worker, step_ms, trace = take_steps(args, pathlib.Path(folder))
    result = {"suite": args.suite, "contestant": worker.name, "step_ms": step_ms,
              "tokens": worker.records[-1]["tokens"], "peak_bytes": worker.peak()} | summary(trace)
    print(f"{result['contestant']}: {step_ms:.1f} ms a step (median, untraced), "
          f"{result['tokens']} tokens, peak {result['peak_bytes'] / 2**30:.2f} GiB.")
    if "idle_ms" in result:
        print(f"The traced step: {result['span_ms']:.1f} ms, of which the device did nothing for "
              f"{result['idle_ms']:.1f} ms.")
    print(f"\n| {result['kind']} | calls | ms | share |\n|---|---|---|---|")
    for row in result["rows"][:SHOWN]:
        name = row["name"].replace("|", "\\|")
        print(f"| `{name}` | {row['calls']} | {row['ms']:.3f} | {100 * row['share']:.1f} % |")
    rest = result["rows"][SHOWN:]
    if rest:
        print(f"| {len(rest)} others | {sum(r['calls'] for r in rest)} | "
              f"{sum(r['ms'] for r in rest):.3f} | {100 * sum(r['share'] for r in rest):.1f} % |")
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
        args.json.with_suffix(".trace").write_text(json.dumps(trace))


if __name__ == "__main__":
    main()
