#!/usr/bin/env python3
"""The audit's arithmetic: recovered share with intervals, faithfulness, robustness, depth, membership.

From SciPy (bootstrap, norm), scikit-learn (roc_auc_score, accuracy_score) and NumPy. Writes
OUT/metrics/audit.json.
"""
import argparse
import json
import pathlib

import numpy as np
from scipy import stats
from sklearn.metrics import accuracy_score, roc_auc_score


def interval(rows, statistic):
    """Percentile interval over rows that all arrays share."""
    found = stats.bootstrap(tuple(rows), statistic, paired=True, vectorized=True, n_resamples=60000,
                            method="percentile", random_state=5, batch=2000).confidence_interval
    return [float(found.low), float(found.high)]


def recoveries(random):
    cases = []
    for n, levels in [(20, (0.9, 0.1, 0.4, 0.12, 0.2)), (60, (0.8, 0.05, 0.06, 0.1, 0.1)),
                      (200, (0.7, 0.3, 0.65, 0.25, 0.3)), (15, (0.5, 0.2, 0.5, 0.45, 0.5)),
                      (40, (0.3, 0.29, 0.5, 0.1, 0.2))]:
        shared = random.normal(0, 0.1, n)  # hard rows are hard for every model
        rows = [np.clip(level + shared + random.normal(0, 0.08, n), 0, 1) for level in levels]
        original, unlearned, attacked, retain, retain_attacked = rows
        mean = lambda a: a.mean(axis=-1)
        forgotten = lambda o, u, axis=-1: o.mean(axis=axis) - u.mean(axis=axis)
        share = lambda o, u, a, axis=-1: (a.mean(axis=axis) - u.mean(axis=axis)) / forgotten(o, u, axis)
        excess = lambda o, a, r, b, axis=-1: (a.mean(axis=axis) - b.mean(axis=axis)) / forgotten(o, r, axis)
        gone, known = interval((original, unlearned), forgotten), interval((original, retain), forgotten)
        enough = mean(original) - mean(unlearned) >= 0.05 and gone[0] > 0
        control = mean(original) - mean(retain) >= 0.05 and known[0] > 0
        cases.append({
            "rows": [r.tolist() for r in rows],
            "forgotten": [float(forgotten(original, unlearned)), *gone],
            "share": [float(share(original, unlearned, attacked)),
                      *interval((original, unlearned, attacked), share)] if enough else None,
            "share_of_retain": float((mean(attacked) - mean(unlearned)) / (mean(original) - mean(retain)))
            if control else None,
            "excess": [float(excess(original, attacked, retain, retain_attacked)),
                       *interval((original, attacked, retain, retain_attacked), excess)] if control else None})
    return cases


def seeded(random):
    """Several seeds: rows and seeds are drawn, both with replacement."""
    n, seeds, draws = 30, 4, 60000
    original, unlearned = random.uniform(0.6, 1, n), random.uniform(0, 0.3, n)
    attacked = np.clip(unlearned + random.uniform(0, 0.5, (seeds, n)) + random.normal(0, 0.1, (seeds, 1)), 0, 1)
    shares = np.empty(draws)
    for i in range(draws):
        rows, drawn = random.integers(0, n, n), random.integers(0, seeds, seeds)
        u = unlearned[rows].mean()
        shares[i] = (attacked[np.ix_(drawn, rows)].mean() - u) / (original[rows].mean() - u)
    value = (attacked.mean() - unlearned.mean()) / (original.mean() - unlearned.mean())
    return {"original": original.tolist(), "unlearned": unlearned.tolist(), "attacked": attacked.tolist(),
            "share": [float(value), *map(float, np.percentile(shares, [2.5, 97.5]))]}


def separations(random):
    cases = []
    for p, n, levels in [(4, 4, 10), (12, 9, 6), (30, 30, 1000), (1, 5, 4)]:
        knows = (random.integers(levels // 3, levels + 1, p) / levels).tolist()
        does_not = (random.integers(0, levels - levels // 4, n) / levels).tolist()
        truth, values = [1] * p + [0] * n, knows + does_not
        points = sorted(set(values))
        middles = [(a + b) / 2 for a, b in zip(points, points[1:])]
        accuracy = [accuracy_score(truth, [v >= t for v in values]) for t in middles]
        cases.append({"knows": knows, "does_not": does_not, "auc": float(roc_auc_score(truth, values)),
                      "threshold": middles[int(np.argmax(accuracy))] if middles else None})
    return cases


def moves(random):
    alike = lambda x, y: float(np.clip(1 - abs(x - y) / (abs(x) + abs(y) + 1e-10), 0, 1))
    cases = []
    for _ in range(20):
        u0, u1, r0, r1 = random.uniform(-0.2, 1, 4).tolist()
        cases.append({"values": [u0, u1, r0, r1],
                      "one_sided": [min((r1 - r0) / (u1 - u0), 1), min(u0 / u1, 1)],
                      "symmetric": [alike(u1 - u0, r1 - r0), alike(u1, u0)]})
    return cases


def depths(random):
    cases = []
    for layers in (4, 12, 30):
        retain, unlearned = random.normal(0.3, 0.6, layers), random.normal(0.2, 0.6, layers)
        kept = retain > 0.05
        erased = np.clip(unlearned[kept] / retain[kept], 0, 1)
        cases.append({"retain": retain.tolist(), "unlearned": unlearned.tolist(),
                      "score": float(np.average(erased, weights=retain[kept])) if kept.any() else None})
    return cases


def memberships(random):
    cases = []
    for _ in range(10):
        population, ratio, gamma = random.uniform(0.2, 3, 25), float(random.uniform(0.2, 4)), float(random.choice([1, 2]))
        out, loss = random.normal(2, 0.3, 6), float(random.normal(1.5, 0.5))
        cases.append({"population": population.tolist(), "ratio": ratio, "gamma": gamma,
                      "rmia": float(np.mean(ratio / population >= gamma)), "out": out.tolist(), "loss": loss,
                      "lira": float(stats.norm.sf(loss, out.mean(), out.std(ddof=1)))})
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("tests/golden"))
    folder = parser.parse_args().out / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(16)
    golden = {"recovery": recoveries(random), "seeds": seeded(random), "separation": separations(random),
              "moves": moves(random), "depth": depths(random), "membership": memberships(random)}
    (folder / "audit.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
