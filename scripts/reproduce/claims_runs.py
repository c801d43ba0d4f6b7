"""What a run of claims.sh left, and the statistics, texts and table rows that claims.py makes of it."""
import array
import json
import math
import re
import statistics
import sys
from math import comb


# What a run left.

def summary(folder):
    return json.loads((folder / "TOFU_SUMMARY.json").read_text())


def at(run, step):
    return run / "eval" / f"step-{step}"


def steps_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


class Answers:
    """The forget rows of one evaluation: losses, lengths, truth ratios, texts."""

    def __init__(self, folder):
        log = json.loads((folder / "eval_log_aggregated.json").read_text())["eval_log_forget.json"]
        log = {field: list(rows.values()) if isinstance(rows, dict) else rows for field, rows in log.items()}
        self.nll = log["avg_gt_loss"]
        self.length = log["num_token_gt"]
        if "avg_paraphrased_loss" in log:
            self.truth = [math.exp(mean(false) - true) for false, true in
                          zip(log["average_perturb_loss"], log["avg_paraphrased_loss"])]
        self.generated = [text[1] for text in log.get("generated_text", [])]
        self.probability = mean([math.exp(-loss) for loss in self.nll])


# Statistics.

def mean(values):
    return sum(values) / len(values)


def pearson(x, y):
    mx, my = mean(x), mean(y)
    sx = sum((a - mx) ** 2 for a in x)
    sy = sum((b - my) ** 2 for b in y)
    if sx == 0 or sy == 0:
        return math.nan
    return sum((a - mx) * (b - my) for a, b in zip(x, y)) / math.sqrt(sx * sy)


def ks_p_value(x, y):
    """Exact two-sided p-value of the two-sample Kolmogorov-Smirnov test (no ties expected)."""
    n, m = len(x), len(y)
    # |i/n - j/m| in units of 1/(n m), so that comparisons are exact
    largest = max(abs(sum(v <= t for v in x) * m - sum(v <= t for v in y) * n) for t in x + y)
    paths = [0] * (m + 1)  # lattice paths to (i, j) that stay nearer than `largest`
    for i in range(n + 1):
        for j in range(m + 1):
            if abs(i * m - j * n) >= largest:
                paths[j] = 0
            elif i == 0 and j == 0:
                paths[j] = 1
            elif j > 0:
                paths[j] = (paths[j] if i > 0 else 0) + paths[j - 1]
    return 1 - paths[m] / comb(n + m, n) if largest else 1.0


def r_squared(x, y):
    return pearson(x, y) ** 2


def slope(x, y):
    mx, my = mean(x), mean(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x)


# Text.

def number(value):
    if math.isnan(value):
        return "none"
    if value != 0 and abs(value) < 0.001:
        return f"{value:.0e}".replace("e-0", "e-")
    return f"{value:.3g}"


def spread(values):
    if len(values) < 2 or any(map(math.isnan, values)):
        return ""
    return f" ({number(mean(values))} ± {number(statistics.stdev(values))})"


def per_seed(values):
    return " / ".join(number(value) for value in values) + spread(values)


def verdict(holds):
    if all(holds):
        return "confirmed"
    return f"not confirmed ({sum(holds)} of {len(holds)} seeds)"


def partial_verdict(holds):
    """Like verdict, where a seed may be None: the run never gets to where it would be compared."""
    known = [h for h in holds if h is not None]
    if len(known) == len(holds):
        return verdict(holds)
    return f"not testable on all seeds (holds on {sum(known)} of the {len(known)} that get there)"


def repetition(texts):
    """(distinct bigrams over bigrams, repeated 4-grams over 4-grams, words), means over texts, the
    first two over those long enough. Words and punctuation marks count one each."""
    distinct, repeated, lengths = [], [], []
    for text in texts:
        words = re.findall(r"\w+|[^\w\s]", text.lower())
        lengths.append(len(words))
        for size, into in ((2, distinct), (4, repeated)):
            grams = [tuple(words[i:i + size]) for i in range(len(words) - size + 1)]
            if grams:
                into.append(len(set(grams)) / len(grams) if size == 2 else 1 - len(set(grams)) / len(grams))
    return mean(distinct or [1.0]), mean(repeated or [0.0]), mean(lengths)


class Table:
    def __init__(self):
        self.rows = []

    def add(self, claim, criterion, values, result):
        self.rows.append((claim, criterion, values, result))

    def print(self):
        print("| claim | criterion | per seed (mean ± sd) | verdict |\n|---|---|---|---|")
        for row in self.rows:
            print("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")


def read_safetensors(file):
    """Name → list of floats of an F32 file."""
    data = file.read_bytes()
    size = int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", f"{file}: {name} is {entry['dtype']}"
        begin, end = entry["data_offsets"]
        values = array.array("f", data[8 + size + begin:8 + size + end])
        if sys.byteorder == "big":
            values.byteswap()
        tensors[name] = values
    return tensors


def distance(a, b):
    return math.sqrt(sum((x - y) ** 2 for name in a for x, y in zip(a[name], b[name])))
