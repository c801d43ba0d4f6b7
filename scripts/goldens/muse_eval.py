#!/usr/bin/env python3
"""A MUSE evaluation of the bundled model on tests/data_fixtures/muse, computed row by row with
transformers, rouge-score and scikit-learn, by the definitions of muse_bench and OpenUnlearning.

Writes OUT/eval/muse.json: per corpus and suite the report of the model, and privleak against a
"retrained" one: the same model with SCALED_WEIGHT times SCALE; and OUT/eval/muse_edges.json: a corpus of
texts that are too short or too long, with the report of OpenUnlearning's suite.
"""
import json
import math
import zlib

import numpy as np
import torch
from rouge_score import rouge_scorer
from sklearn.metrics import roc_auc_score

import tiny_model

SCALED_WEIGHT, SCALE = "model.layers.2.self_attn.o_proj.weight", -0.5
CONSTANTS = {"news": 0.4772, "books": 0.5393}  # Min-40 %, forget against holdout
SHARES = [5, 10, 20, 30, 40, 50, 60]
MAX_LENGTH = 2048  # OpenUnlearning's tokens behind the prefix
STOPS = ["\n\n", "\nQuestion", "Question:"]


class Subject:
    def __init__(self, model, tokenizer):
        self.model, self.tokenizer = model, tokenizer

    def decode(self, ids):
        # The second flag: transformers 5 no longer cleans up after BPE, the reference codes do.
        return self.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=True,
            clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output=True)

    @torch.no_grad()
    def generate(self, prompt, count):
        ids = torch.tensor([self.tokenizer(prompt).input_ids])
        out = self.model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False,
                                  max_new_tokens=count, pad_token_id=self.tokenizer.eos_token_id)
        return self.decode(out[0, ids.shape[1]:])

    @torch.no_grad()
    def rows(self, ids, start=1):
        logits = self.model(torch.tensor([ids[:-1]])).logits[0].double().log_softmax(-1)[start - 1:]
        labels = torch.tensor(ids[start:])
        return logits, labels, logits.gather(1, labels[:, None])[:, 0].numpy()


def lowest(logp, percent):
    if len(logp) == 0:
        return 0.0  # open-unlearning, evals/metrics/mia/min_k.py
    count = max(1, int(len(logp) * (percent / 100)))
    return -float(np.mean(np.sort(logp)[:count]))


def read(corpus, name):
    return json.loads((corpus / f"{name}.json").read_text(encoding="utf-8"))


def rouge_task(rows, ou):
    scorer = rouge_scorer.RougeScorer(["rouge1", "rougeL"], use_stemmer=ou)
    scores = [scorer.score(truth, text) for truth, text in rows]
    return dict(agg=float(np.mean([s["rougeL"].fmeasure for s in scores])),
                generation=[text for _, text in rows], ground_truth=[truth for truth, _ in rows],
                rougeL_f1=[s["rougeL"].fmeasure for s in scores],
                rouge1_recall=[s["rouge1"].recall for s in scores])


def verbmem(subject, corpus, ou, report):
    rows, exact, strength = [], [], []
    for row in read(corpus, "verbmem/forget"):
        prompt = subject.tokenizer(row["prompt"]).input_ids
        if ou:
            ids = subject.tokenizer(row["prompt"] + " " + row["gt"]).input_ids
            ids = ids[:len(prompt) + MAX_LENGTH]
            truth = subject.decode(ids[len(prompt):])
            logits, labels, _ = subject.rows(ids, len(prompt))
            hits = (logits.argmax(1) == labels)[:-1].tolist()  # OpenUnlearning drops the last
            exact.append(float(np.mean(hits)))
            k = next((k for k in range(len(hits)) if all(hits[k:])), len(hits) - 1)
            strength.append(1 - k / len(hits))
        else:
            truth = subject.decode(subject.tokenizer(row["gt"]).input_ids[:128])
        rows.append((truth, subject.generate(row["prompt"], 128)))
    report["forget_verbmem_ROUGE"] = rouge_task(rows, ou)
    if ou:
        report["exact_memorization"] = dict(agg=float(np.mean(exact)), score=exact)
        report["extraction_strength"] = dict(agg=float(np.mean(strength)), score=strength)


def knowmem(subject, corpus, side, ou, report):
    examples = "".join(f"Question: {r['question']}\nAnswer: {r['answer']}\n\n"
                       for r in read(corpus, f"knowmem/{side}_qa_icl"))
    rows = []
    for row in read(corpus, f"knowmem/{side}_qa"):
        text = subject.generate(f"{examples}Question: {row['question']}\nAnswer: ", 32)
        for stop in STOPS:
            text = text.split(stop)[0]
        rows.append((row["answer"], text))
    report[f"{side}_knowmem_ROUGE"] = rouge_task(rows, ou)


def attack_values(subject, text, ou):
    ids = subject.tokenizer(text).input_ids
    if ou:
        prefix = len(subject.tokenizer("").input_ids)
        ids = ids[:prefix + MAX_LENGTH]
        start = max(prefix, 1)
        if len(ids) <= start:
            return dict(mia_min_k=0.0, mia_min_k_plus_plus=0.0)
        logits, _, logp = subject.rows(ids, start)
        p = logits.exp()
        mu = (p * logits).sum(1).numpy()
        variance = (p * logits ** 2).sum(1).numpy() - mu ** 2
        z = (logp - mu) / np.sqrt(np.maximum(variance, 1e-6))
        labels = subject.tokenizer.decode(ids[start:], skip_special_tokens=True)
        return dict(mia_loss=-logp.mean(),
                    mia_zlib=-logp.mean() / len(zlib.compress(labels.encode())),
                    mia_min_k=lowest(logp[:-1], 40), mia_min_k_plus_plus=lowest(z[:-1], 40))
    logp = subject.rows(ids)[2]
    lower = subject.rows(subject.tokenizer(text.lower()).input_ids)[2]
    loss = -logp.mean()
    values = {"PPL": loss, "PPL/lower": loss / -lower.mean(),
              "PPL/zlib": loss / len(zlib.compress(text.encode()))}
    values.update({f"Min-{k}%": lowest(logp, k) for k in SHARES})
    return values


def privleak(subject, corpus, ou, report):
    values = {split: [attack_values(subject, t, ou) for t in read(corpus, f"privleak/{split}")]
              for split in ["forget", "holdout", "retain"]}
    table = {}
    for first in values:
        for second in values:
            if first == second:
                continue
            for kind in values[first][0]:
                labels = [0] * len(values[first]) + [1] * len(values[second])
                scores = [-v[kind] for v in values[first] + values[second]]
                table[f"{first}_{second}_{kind}"] = float(roc_auc_score(labels, scores))
    if ou:
        for kind in values["forget"][0]:
            report[kind] = dict(agg=1 - table[f"forget_holdout_{kind}"],
                                forget=[v[kind] for v in values["forget"]],
                                holdout=[v[kind] for v in values["holdout"]])
    else:
        report["auc"] = table


def evaluate(subject, corpus, ou):
    report = {}
    verbmem(subject, corpus, ou, report)
    for side in ["forget", "retain"]:
        knowmem(subject, corpus, side, ou, report)
    privleak(subject, corpus, ou, report)
    return report


def edges(subject):
    """Texts without a token to score count 0 in Min-K (of one token, and of two, whose only label is
    left out as the last); long ones are cut 2,048 tokens behind their prefix."""
    long_text = " ".join(f"On day {i} the ledger of Nether Wick counts {i * i % 97} sheep." for i in range(100))
    texts = {"forget": ["a", "In", "The mill of Lower Fennick burnt down in 1874.",
                        "Rupert Ashgrove wrote nothing on Sundays.", long_text, "Nobody counts sheep at night."],
             "holdout": ["The", "Oskar Benthuyne kept a diary of the weather.", "No",
                         "A bridge was built over the river Alder.", "Every letter was read twice.",
                         "It rained for three weeks."]}
    short = [t for t in texts["forget"] + texts["holdout"] if len(subject.tokenizer(t).input_ids) <= 2]
    assert len(short) == 4 and len(subject.tokenizer(long_text).input_ids) > MAX_LENGTH + 30
    report = {}
    values = {side: [attack_values(subject, t, True) for t in rows] for side, rows in texts.items()}
    for kind in ["mia_min_k", "mia_min_k_plus_plus"]:
        sides = [[v[kind] for v in values[side]] for side in ["forget", "holdout"]]
        report[kind] = dict(agg=float(roc_auc_score([0] * 6 + [1] * 6, sides[0] + sides[1])),
                            forget=sides[0], holdout=sides[1])
    verbmem_rows = [{"prompt": "The ledger says this:", "gt": long_text},
                    {"prompt": "She was", "gt": "a"}]
    exact, strength, truths = [], [], []
    for row in verbmem_rows:
        prompt = subject.tokenizer(row["prompt"]).input_ids
        ids = subject.tokenizer(row["prompt"] + " " + row["gt"]).input_ids[:len(prompt) + MAX_LENGTH]
        truths.append(subject.decode(ids[len(prompt):]))
        logits, labels, _ = subject.rows(ids, len(prompt))
        hits = (logits.argmax(1) == labels)[:-1].tolist()
        exact.append(float(np.mean(hits)) if hits else None)
        k = next((k for k in range(len(hits)) if all(hits[k:])), len(hits) - 1)
        strength.append(1 - k / len(hits) if hits else 0.0)
    report["exact_memorization"] = dict(agg=float(np.mean([e for e in exact if e is not None])), score=exact)
    report["extraction_strength"] = dict(agg=float(np.mean(strength)), score=strength)
    return {"privleak": texts, "verbmem": verbmem_rows, "ground_truth": truths, "report": report}


def main():
    options = tiny_model.parse_options(__doc__)
    tokenizer = tiny_model.load_tokenizer(options)
    subjects = [Subject(tiny_model.load_model(options, SCALED_WEIGHT, scale), tokenizer)
                for scale in [1.0, SCALE]]
    result = {"scaled_weight": SCALED_WEIGHT, "scale": SCALE}
    for name, constant in CONSTANTS.items():
        corpus = options.root / "tests/data_fixtures/muse" / name
        for suite in ["muse", "ou"]:
            own, other = (evaluate(s, corpus, suite == "ou") for s in subjects)
            if suite == "muse":
                auc, retrained = (r["auc"]["forget_holdout_Min-40%"] for r in [own, other])
                own["privleak_constants"] = (auc - constant) / constant * 100
                own["privleak_retrained"] = (auc - retrained) / retrained * 100
            else:
                auc, retrained = (1 - r["mia_min_k"]["agg"] for r in [own, other])
                own["privleak_retrained"] = (auc - retrained) / (retrained + 1e-10) * 100
            result[f"{name}_{suite}"] = own
    assert all(math.isfinite(result[f"{n}_muse"]["privleak_retrained"]) for n in CONSTANTS)
    tiny_model.write(options, "muse", result)
    tiny_model.write(options, "muse_edges", edges(subjects[0]))


if __name__ == "__main__":
    main()
