#!/usr/bin/env python3
"""Measures for own data: preference, membership, leak@k, neighbours, fluency, damage.

From scikit-learn (roc_auc_score, TfidfVectorizer), SciPy (rankdata, entropy, bootstrap), NumPy's
generator for the two-stage bootstrap, rouge-score, and counting all subsets with fractions. All
words are generated here. Writes OUT/metrics/own_data.json.
"""
import argparse
import itertools
import json
import math
import pathlib
import random
from collections import Counter
from fractions import Fraction

import numpy as np
from rouge_score import rouge_scorer
from scipy import stats
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score

from made_up_words import word


def preferences(rng):
    cases = []
    draw = np.random.default_rng(1)
    for rows, others, levels in [(1, 7, 40), (1, 1, 3), (5, 7, 12), (3, 16, 6), (12, 11, 1000), (40, 20, 50)]:
        scores = [[-rng.randrange(levels) / 4, [-rng.randrange(levels) / 4 for _ in range(others)]] for _ in range(rows)]
        aucs = [float(roc_auc_score([1] + [0] * others, [own] + rest)) for own, rest in scores]
        ranks = [float(stats.rankdata([-own] + [-x for x in rest])[0]) for own, rest in scores]
        won = np.array([[1.0 if own > x else 0.5 if own == x else 0.0 for x in rest] for own, rest in scores])
        draws = 60000
        means = np.zeros(draws)
        for _ in range(rows):
            row = draw.integers(0, rows, draws)
            column = draw.integers(0, others, (draws, others))
            means += won[row[:, None], column].mean(axis=1) / rows
        low, high = np.percentile(means, [2.5, 97.5])
        cases.append({"scores": scores, "aucs": aucs, "ranks": ranks, "auc": float(np.mean(aucs)),
                      "interval": [float(low), float(high)]})
    return cases


def memberships(rng):
    cases = []
    draw = np.random.default_rng(2)
    for members, others, shift in [(5, 4, 0.0), (20, 15, 1.0), (40, 60, -0.8), (8, 8, 5.0)]:
        forget = [round(rng.gauss(2, 1), 2) for _ in range(members)]
        holdout = [round(rng.gauss(2 + shift, 1), 2) for _ in range(others)]
        auc = float(roc_auc_score([0] * members + [1] * others, forget + holdout))
        a = np.array(forget)[draw.integers(0, members, (20000, members))]
        b = np.array(holdout)[draw.integers(0, others, (20000, others))]
        wins = (b[:, None, :] > a[:, :, None]).mean(axis=(1, 2)) + (b[:, None, :] == a[:, :, None]).mean(axis=(1, 2)) / 2
        cases.append({"forget": forget, "holdout": holdout, "auc": auc,
                      "interval": [float(x) for x in np.percentile(wins, [2.5, 97.5])]})
    return cases


def leaks(rng):
    counts = [[n, c, k, float(1 - Fraction(math.comb(n - c, k), math.comb(n, k)))]
              for n, c, k in [(200, c, k) for c in (0, 1, 3, 20, 200) for k in (1, 2, 8, 32, 128, 200)]
              + [(1, 0, 1), (1, 1, 1), (5, 4, 2), (7, 3, 5)]]
    maxima = []
    for _ in range(20):
        values = [rng.randrange(11) / 10 for _ in range(rng.randint(1, 8))]
        for k in range(1, len(values) + 1):
            best = [max(subset) for subset in itertools.combinations(values, k)]
            maxima.append([values, k, float(np.mean(best))])
    return {"counts": counts, "maxima": maxima}


def neighbours(rng):
    vocabulary = [word(rng) for _ in range(30)]
    text = lambda n: " ".join(rng.choice(vocabulary) for _ in range(n))
    forget = [[text(rng.randint(3, 8)), text(rng.randint(2, 6))] for _ in range(4)]
    retain = [[text(rng.randint(3, 8)), text(rng.randint(2, 6))] for _ in range(25)]
    weights = TfidfVectorizer(token_pattern=r"[a-z0-9]+").fit_transform([" ".join(r) for r in forget + retain])
    similar = (weights[:4] @ weights[4:].T).toarray()
    chosen = {}
    for row in similar:
        for i in sorted(range(25), key=lambda i: (-row[i], i))[:3]:
            chosen[i] = max(chosen.get(i, 0), float(row[i]))
    order = sorted(chosen.items(), key=lambda item: (-item[1], item[0]))
    return {"forget": forget, "retain": retain, "neighbours": order}


def fluencies(rng):
    cases = []
    texts = ["the cat sat on the mat and the cat sat on the hat", "no no no no no no", "one", "one two"]
    vocabulary = [word(rng) for _ in range(8)]
    texts += [" ".join(rng.choice(vocabulary) for _ in range(rng.randint(3, 30))) for _ in range(30)]
    for text in texts:
        words = text.split()
        grams = lambda n: [tuple(words[i:i + n]) for i in range(len(words) - n + 1)]
        bits = lambda n: float(stats.entropy(list(Counter(grams(n)).values()), base=2)) if grams(n) else 0.0
        distinct = lambda n: len(set(grams(n))) / len(grams(n)) if grams(n) else None
        cases.append({"text": text, "distinct1": distinct(1), "distinct2": distinct(2),
                      "repeated4": None if distinct(4) is None else 1 - distinct(4),
                      "entropy": (2 / 3 * bits(2) + 4 / 3 * bits(3)) / 2})
    return cases


def falls(rng):
    cases = []
    for n in (2, 9, 60):
        before = [round(-rng.expovariate(1), 3) for _ in range(n)]
        after = [round(b - rng.gauss(0.1, 0.2), 3) for b in before]
        fall = np.array(before) - np.array(after)
        found = stats.bootstrap((fall,), np.mean, n_resamples=20000, method="percentile", random_state=3)
        cases.append({"before": before, "after": after, "fall": float(fall.mean()),
                      "interval": [float(found.confidence_interval.low), float(found.confidence_interval.high)],
                      "lost": float(1 - np.exp(-fall.mean()))})
    return cases


def recalls(rng):
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=True)
    vocabulary = [word(rng) for _ in range(9)]
    cases = []
    for _ in range(60):
        answer = [rng.choice(vocabulary) for _ in range(rng.randint(2, 9))]
        output = " ".join(rng.choice(vocabulary) for _ in range(rng.randint(0, 12)))
        given = rng.randrange(len(answer))
        rest = " ".join(answer[given:])
        cases.append([" ".join(answer), " ".join(answer[:given]), output, scorer.score(rest, output)["rougeL"].recall])
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("tests/golden"))
    folder = parser.parse_args().out / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(14)
    golden = {"preference": preferences(rng), "membership": memberships(rng), "leaks": leaks(rng),
              "neighbours": neighbours(rng), "fluency": fluencies(rng), "damage": falls(rng),
              "recall": recalls(rng)}
    (folder / "own_data.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
