"""Golden values of the metrics layer from independent Python implementations.

Needs numpy, scipy, scikit-learn, rouge-score and nltk. All words and sentences are generated here.
"""

import argparse
import json
import math
import random
import warnings
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
from nltk.stem.porter import PorterStemmer
from rouge_score import rouge_scorer
from scipy import stats
from sklearn.metrics import roc_auc_score

from made_up_words import SUFFIXES, sentence, word


def write(folder, name, value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def stems(folder):
    rng = random.Random(1)
    stemmer = PorterStemmer()
    words = {word(rng) for _ in range(9000)}
    words |= {rng.choice("abcdefgilmnorstuwxyz") + suffix for suffix in SUFFIXES for _ in range(4)}
    words |= {"".join(rng.choice("aeyilsdt") for _ in range(rng.randint(1, 7))) for _ in range(1500)}
    words |= {"".join(rng.choice("ab1y9e") for _ in range(rng.randint(1, 6))) + "ing" for _ in range(100)}
    # The irregular words of the stemmer's own table.
    words |= set("sky skies dying lying tying news innings inning outings outing cannings canning howe "
                 "proceed exceed succeed".split())
    words = sorted(words)
    write(folder, "stems", {"words": " ".join(words), "stems": " ".join(stemmer.stem(w) for w in words)})


def rouge(folder):
    rng = random.Random(2)
    plain = rouge_scorer.RougeScorer(["rouge1", "rougeL"], use_stemmer=False)
    stemmed = rouge_scorer.RougeScorer(["rouge1", "rougeL"], use_stemmer=True)
    cases = []
    for i in range(1100):
        vocabulary = [word(rng) if rng.random() < 0.7 else str(rng.randint(0, 2000)) for _ in range(rng.randint(1, 14))]
        vocabulary += [w + rng.choice(["s", "ed", "ing"]) for w in vocabulary[:3]]
        lengths = [rng.randint(0, 14), rng.randint(0, 14)]
        if i % 100 == 0:  # past one 64-bit word of the bit-parallel comparison
            lengths = [rng.randint(60, 200), rng.randint(60, 200)]
        reference, hypothesis = (sentence(rng, vocabulary, n) for n in lengths)
        row = [reference, hypothesis]
        for scorer in (plain, stemmed):
            scores = scorer.score(reference, hypothesis)
            for kind in ("rouge1", "rougeL"):
                row += [scores[kind].precision, scores[kind].recall, scores[kind].fmeasure]
        cases.append(row)
    write(folder, "rouge", cases)


def exact_ks(n1, n2, h):
    """P(D >= h / lcm) by counting lattice paths in whole numbers."""
    g = math.gcd(n1, n2)
    a, b = n2 // g, n1 // g
    row = []
    for i in range(n1 + 1):
        new = []
        for j in range(n2 + 1):
            if abs(a * i - b * j) >= h:
                new.append(0)
            elif i == 0 and j == 0:
                new.append(1)
            else:
                new.append((row[j] if i else 0) + (new[j - 1] if j else 0))
        row = new
    return 1 - Fraction(row[n2], math.comb(n1 + n2, n1))


def two_samples(folder):
    """KS and AUC on the same pairs: whole numbers, many of them tied."""
    rng = random.Random(3)
    cases = []
    for _ in range(1200):
        levels = rng.choice([2, 5, 20, 100, 1000])
        shift = rng.choice([0, 0, levels // 4, levels // 2, levels])
        first = [rng.randrange(levels) for _ in range(rng.randint(1, 30))]
        second = [rng.randrange(levels) + shift for _ in range(rng.randint(1, 30))]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            statistic = float(stats.ks_2samp(first, second).statistic)
        # SciPy gives up its exact method on a few pairs; whole numbers do not.
        n1, n2 = len(first), len(second)
        h = round(statistic * math.lcm(n1, n2))
        success, _, p = stats._stats_py._attempt_exact_2kssamp(n1, n2, math.gcd(n1, n2), statistic, "two-sided")
        p = float(p) if success else float(exact_ks(n1, n2, h))
        with np.errstate(divide="ignore"):
            asymptotic = stats.ks_2samp(first, second, method="asymp").pvalue
        labels = [0] * len(first) + [1] * len(second)
        cases.append([first, second, statistic, p,
                      None if math.isnan(asymptotic) else float(asymptotic),
                      float(roc_auc_score(labels, first + second))])
    write(folder, "two_samples", cases)


def ks_p_values(folder):
    rng = random.Random(4)
    counted, scipy_exact, asymptotic = [], [], []
    for _ in range(120):
        n1, n2 = rng.choice([(rng.randint(1, 60), rng.randint(1, 60)), (rng.randint(61, 150), rng.randint(1, 90))])
        lcm = math.lcm(n1, n2)
        h = rng.randint(0, lcm)
        counted.append([n1, n2, h / lcm, float(exact_ks(n1, n2, h)) if h else 1.0])
    for n1, n2 in [(300, 200), (400, 40), (400, 400), (117, 100), (300, 299), (1000, 999), (10000, 10000)]:
        lcm = math.lcm(n1, n2)
        for quantile in (0.3, 0.7, 1.0, 1.6, 3.0):
            h = max(1, round(quantile * math.sqrt((n1 + n2) / (n1 * n2)) * lcm))
            if n1 == 10000 and h <= 2:
                continue
            success, d, p = stats._stats_py._attempt_exact_2kssamp(n1, n2, math.gcd(n1, n2), h / lcm, "two-sided")
            if success:
                scipy_exact.append([n1, n2, float(d), float(p)])
    for _ in range(1000):
        n1, n2 = rng.randint(1, 700), rng.randint(1, 700)
        effective = n1 * n2 / (n1 + n2)
        d = min(1.0, rng.uniform(0.2, 3.5) / math.sqrt(effective))
        p = float(stats.kstwo.sf(d, np.round(effective)))
        if math.isnan(p):
            continue
        # Between 140 and 100,000 SciPy takes an approximation good to about six digits; its matrix method is exact.
        size = int(np.round(effective))
        approximated = size > 140 and size * d**1.5 > 1.4 and size * d * d < 2.2 and d < 0.5
        exact = 1 - float(stats._ksstats._kolmogn_DMTW(size, d, cdf=True)) if approximated else p
        asymptotic.append([n1, n2, d, p, exact])
    write(folder, "ks_p_values", {"counted": counted, "scipy": scipy_exact, "asymptotic": asymptotic})


def attacks(folder):
    rng = random.Random(5)
    vocabulary = [word(rng) for _ in range(60)]
    texts = [sentence(rng, vocabulary, rng.choice([0, 1, 3, 10, 40, 120])) for _ in range(120)]
    min_k, plus_plus = [], []
    for _ in range(300):
        values = [round(-rng.expovariate(0.7), 4) for _ in range(rng.randint(1, 25))]
        fraction = rng.choice([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0])
        count = max(1, int(len(values) * fraction))
        min_k.append([values, fraction, float(-np.mean(np.sort(values)[:count]))])
    for _ in range(100):
        logits = np.array([rng.gauss(0, rng.choice([0, 1, 3])) for _ in range(6)])
        logp = logits - np.log(np.exp(logits).sum())
        mean = (np.exp(logp) * logp).sum()
        variance = (np.exp(logp) * logp**2).sum() - mean**2
        score = (logp[2] - mean) / np.sqrt(max(variance, 1e-6))
        plus_plus.append([float(x) for x in (logp[2], mean, variance, score)])
    # OpenUnlearning's Min-K of six texts a side, one of them without a token to score.
    sides = {side: [[round(-rng.expovariate(0.7), 4) for _ in range(rng.randint(2, 9))] for _ in range(6)]
             for side in ["forget", "holdout"]}
    sides["holdout"][3] = []
    scores = {side: [float(-np.mean(np.sort(t)[:max(1, int(len(t) * 0.4))])) if t else 0.0 for t in rows]
              for side, rows in sides.items()}
    auc = float(roc_auc_score([0] * 6 + [1] * 6, scores["forget"] + scores["holdout"]))
    no_token = {"texts": sides, "scores": scores, "auc": auc,
                "privleak_against_half": ((1 - auc) - 0.5) / (0.5 + 1e-10) * 100}
    write(folder, "attacks", {"no_token": no_token,
                              "zlib": [[t, len(zlib.compress(t.encode()))] for t in texts],
                              "min_k": min_k,
                              "min_k_plus_plus": plus_plus})


def make_tofu_log(rng, vocabulary, forget_rows):
    """An aggregated log with made-up losses and texts, its recalls from rouge-score."""
    scorer = rouge_scorer.RougeScorer(["rouge1", "rougeL"], use_stemmer=True)
    sizes = {"eval_log.json": (12, 5), "eval_real_author_wo_options.json": (7, 3),
             "eval_real_world_wo_options.json": (9, 3), "eval_log_forget.json": (forget_rows, 5)}
    log = {}
    for task, (rows, k) in sizes.items():
        entry = {}
        lengths = [rng.randint(3, 40) for _ in range(rows)]
        entry["avg_gt_loss"] = [rng.expovariate(0.8) for _ in range(rows)]
        entry["gt_loss"] = [loss * n for loss, n in zip(entry["avg_gt_loss"], lengths)]
        entry["num_token_gt"] = lengths
        texts = [[sentence(rng, vocabulary, n).strip() for n in (8, rng.randint(2, 9), 6)] for _ in range(rows)]
        scores = [scorer.score(truth, generation) for _, generation, truth in texts]
        entry["rouge1_recall"] = [s["rouge1"].recall for s in scores]
        entry["rougeL_recall"] = [max(s["rougeL"].recall, 0.0) for s in scores]
        entry["average_perturb_loss"] = [[rng.expovariate(0.5) for _ in range(k)] for _ in range(rows)]
        entry["avg_paraphrased_loss"] = ([rng.expovariate(0.7) for _ in range(rows)] if k == 5
                                         else list(entry["avg_gt_loss"]))
        entry["generated_text"] = texts
        if task == "eval_log.json":
            entry["kl_divergence"] = [rng.random() for _ in range(rows)]
        log[task] = entry
    return log


TASKS = {"eval_real_author_wo_options.json": ("Real Authors", "ra"),
         "eval_real_world_wo_options.json": ("Real World", "wf"),
         "eval_log.json": ("Retain", "retain"), "eval_log_forget.json": ("Forget", "forget")}


def tofu_ratio(entry, eps):
    losses = np.array(entry["average_perturb_loss"]).mean(axis=1)
    return np.exp(-losses) / (np.exp(-np.array(entry["avg_paraphrased_loss"])) + eps)


def tofu_aggregates(log, retain, eps):
    """Display name -> value, by NumPy and SciPy; eps 1e-10 gives OpenUnlearning's formulas."""
    result, utility = {}, []
    for task, (display, prefix) in TASKS.items():
        entry = log[task]
        p = np.exp(-np.array(entry["avg_gt_loss"]))
        if prefix in ("ra", "wf"):
            p = p / (p + np.exp(-np.array(entry["average_perturb_loss"])).sum(axis=1) + eps)
        ratio = tofu_ratio(entry, eps)
        better = np.minimum(ratio, 1 / (ratio + eps)) if prefix == "forget" else np.maximum(0, 1 - ratio)
        parts = [np.mean(entry["rougeL_recall"]), p.mean(), better.mean()]
        for name, value in zip(("ROUGE", "Probability", "Truth Ratio"), parts):
            result[f"{display} {name}"] = float(value)
        if "kl_divergence" in entry:
            result[f"{display} KL Divergence"] = float(np.mean(entry["kl_divergence"]))
        if prefix != "forget":
            utility += parts
    result["Model Utility"] = float(stats.hmean(utility))
    test = stats.ks_2samp(tofu_ratio(log["eval_log_forget.json"], eps), tofu_ratio(retain["eval_log_forget.json"], eps))
    result["Forget Quality"] = result["KS Test PVal Forget"] = float(test.pvalue)
    result["KS Test Forget"] = float(test.statistic)
    return result


def open_unlearning_form(log):
    """What OpenUnlearning's evaluator would store for the same losses and texts."""
    out = {}

    def rows(values):
        return {str(i): value for i, value in enumerate(values)}

    def metric(name, aggregate, values):
        out[name] = {"agg_value": float(aggregate), "value_by_index": rows(values)}

    for task, (_, prefix) in TASKS.items():
        entry = log[task]
        sources = {"Q_A_Prob": entry["avg_gt_loss"]}
        if prefix in ("forget", "retain"):
            sources["Q_A_PARA_Prob"] = entry["avg_paraphrased_loss"]
        for name, losses in sources.items():
            probs = np.exp(-np.array(losses))
            metric(f"{prefix}_{name}", probs.mean(), [{"prob": float(p), "avg_loss": x} for p, x in zip(probs, losses)])
        probs = np.exp(-np.array(entry["average_perturb_loss"]))
        metric(f"{prefix}_Q_A_PERT_Prob", probs.mean(),
               [{"prob": p.tolist(), "avg_loss": x} for p, x in zip(probs, entry["average_perturb_loss"])])
        metric(f"{prefix}_Q_A_ROUGE", np.mean(entry["rougeL_recall"]),
               [{"rouge1_recall": a, "rougeL_f1": 0.5, "rougeL_recall": b, "input": t[0], "ground_truth": t[2],
                 "generation": t[1]} for a, b, t in zip(entry["rouge1_recall"], entry["rougeL_recall"], entry["generated_text"])])
        if prefix in ("forget", "retain"):
            # Made up from the answers' own: what counts is that they are read back and averaged.
            recalls = [0.5 * r for r in entry["rougeL_recall"]]
            metric(f"{prefix}_Q_A_PARA_ROUGE", np.mean(recalls),
                   [{"rouge1_recall": r, "rougeL_f1": 0.25, "rougeL_recall": r} for r in recalls])
            lists = [[r * k / 6 for k in range(1, 6)] for r in entry["rougeL_recall"]]
            metric(f"{prefix}_Q_A_PERT_ROUGE", np.mean([np.mean(r) for r in lists]),
                   [{"rouge1_recall": r, "rougeL_f1": r, "rougeL_recall": r} for r in lists])
        ratio = tofu_ratio(entry, 1e-10)
        better = np.minimum(ratio, 1 / (ratio + 1e-10)) if prefix == "forget" else np.maximum(0, 1 - ratio)
        metric("forget_truth_ratio" if prefix == "forget" else f"{prefix}_Truth_Ratio", better.mean(),
               [{"score": float(r)} for r in ratio])
        if prefix in ("ra", "wf"):
            p = np.exp(-np.array(entry["avg_gt_loss"]))
            p = p / (p + probs.sum(axis=1) + 1e-10)
            metric(f"{prefix}_Q_A_Prob_normalised", p.mean(), [{"prob": float(x)} for x in p])
    return out


def knowledge(log):
    """OpenUnlearning's aggregator prob_mean: mean of p / (p + q)."""
    result = {}
    for task, (_, prefix) in TASKS.items():
        entry = log[task]
        true = entry["avg_paraphrased_loss" if prefix in ("forget", "retain") else "avg_gt_loss"]
        p, q = np.exp(-np.array(true)), np.exp(-np.array(entry["average_perturb_loss"]).mean(axis=1))
        result[f"{prefix}_knowledge"] = float(np.mean(p / (p + q + 1e-10)))
    return result


def add_attacks(log, rng, shift):
    forget = [round(rng.gauss(2, 1), 2) for _ in range(30)]
    holdout = [round(rng.gauss(2 + shift, 1), 2) for _ in range(25)]
    auc = float(roc_auc_score([0] * 30 + [1] * 25, forget + holdout))
    side = lambda values: {"agg_value": float(np.mean(values)),
                           "value_by_index": {str(i): {"score": v} for i, v in enumerate(values)}}
    log["mia_min_k"] = {"forget": side(forget), "holdout": side(holdout), "auc": auc, "agg_value": auc}
    strengths = [round(rng.random(), 3) for _ in range(10)]
    log["extraction_strength"] = side(strengths)
    log["privleak"] = {"agg_value": 0.0}
    return auc


def tofu(folder):
    rng = random.Random(6)
    vocabulary = [word(rng) for _ in range(40)]
    log, retain = make_tofu_log(rng, vocabulary, 15), make_tofu_log(rng, vocabulary, 10)
    stored, stored_retain = open_unlearning_form(log), open_unlearning_form(retain)
    auc, reference = add_attacks(stored, rng, 1.0), add_attacks(stored_retain, rng, 0.3)
    guarded = tofu_aggregates(log, retain, 1e-10)
    summary = {name: entry["agg_value"] for name, entry in stored.items()}
    summary |= knowledge(log)
    summary["model_utility"] = guarded["Model Utility"]
    summary["forget_quality"] = guarded["Forget Quality"]
    summary["privleak"] = ((1 - auc) - (1 - reference)) / ((1 - reference) + 1e-10) * 100
    write(folder, "tofu", {"log": log, "retain": retain, "legacy": tofu_aggregates(log, retain, 0.0),
                           "eval": stored, "eval_retain": stored_retain, "summary": summary})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="tests/golden")
    folder = parser.parse_args().out / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    stems(folder)
    rouge(folder)
    two_samples(folder)
    ks_p_values(folder)
    attacks(folder)
    tofu(folder)


if __name__ == "__main__":
    main()
