#!/usr/bin/env python3
"""A TOFU evaluation of the bundled model on the bundled data, computed row by row with transformers,
rouge-score, SciPy and scikit-learn, by the definitions of the TOFU and OpenUnlearning repositories.

Writes OUT/eval/tofu.json: per template the report of the model, and forget quality and privleak
against a "retrained" one: the same model with SCALED_WEIGHT times SCALE, which also is the reference
model of mia_reference and the original one of the KL divergence.
"""
import json
import math
import zlib

import numpy as np
import torch
from rouge_score import rouge_scorer
from scipy.stats import hmean, ks_2samp
from sklearn.metrics import roc_auc_score

import tiny_model

ROWS = 6
FORGET = "forget05"
SCALED_WEIGHT, SCALE = "model.layers.0.mlp.down_proj.weight", 0.0
PLAIN_LENGTH = 200
NEW_TOKENS = 200
MIN_K = 0.4
EPSILON = 1e-10
# question_start, question_end, answer_tag, chat
TEMPLATES = {
    "phi": ("Question: ", "\n", "Answer: ", False),
    "llama2": ("[INST] ", " [/INST]", "", False),
    "zephyr": ("<|system|>\nYou are a helpful assistant.</s>\n<|user|>\n", "</s>\n", "<|assistant|>\n",
               True),
}
CHAT_END = "</s>\n"
SCORER = rouge_scorer.RougeScorer(["rouge1", "rougeL"], use_stemmer=True)


class Subject:
    """One model under one template."""

    def __init__(self, model, tokenizer, template):
        self.model, self.tokenizer = model, tokenizer
        self.start, self.end, self.tag, self.chat = TEMPLATES[template]

    def encode(self, text):
        return self.tokenizer(text).input_ids

    def labelled(self, question, answer):
        prompt = self.start + question + self.end + (self.tag if self.chat else "")
        masked = len(self.encode(prompt))
        eos = self.tokenizer.eos_token_id
        if self.chat:
            ids = self.encode(prompt + answer + CHAT_END)
            if ids[-1] != eos:
                ids = ids + [eos]
        else:
            ids = self.encode(prompt + self.tag + answer)[:PLAIN_LENGTH]
            if len(ids) < PLAIN_LENGTH:
                ids = ids + [eos]
        return torch.tensor([ids]), masked

    def log_probs(self, question, answer):
        ids, masked = self.labelled(question, answer)
        rows = self.model(ids).logits[0, masked - 1:-1].double().log_softmax(-1)
        return rows, ids[0, masked:]

    @torch.no_grad()
    def score(self, question, answer):
        rows, labels = self.log_probs(question, answer)
        logp = rows.gather(1, labels[:, None])[:, 0]
        p = rows.exp()
        mu = (p * rows).sum(1)
        variance = (p * rows ** 2).sum(1) - mu ** 2
        z = (logp - mu) / variance.clamp(min=1e-6).sqrt()
        return dict(loss=-logp.mean().item(), logp=logp[:-1].tolist(), z=z[:-1].tolist(),
                    hits=(rows.argmax(1) == labels)[:-1].tolist())

    @torch.no_grad()
    def divergence(self, original, question, answer):
        ids, _ = self.labelled(question, answer)
        p, q = (m.model(ids).logits[0, :-1].double().log_softmax(-1) for m in [original, self])
        return (p.exp() * (p - q)).sum(-1).mean().item()

    def gradient_norm(self, question, answer):
        rows, labels = self.log_probs(question, answer)
        self.model.zero_grad()
        # The last label is left out (open-unlearning, evals/metrics/utils.py: tokenwise_logprobs).
        (-rows.gather(1, labels[:, None])[:-1].mean()).backward()
        return float(np.mean([p.grad.double().norm().item() for p in self.model.parameters()]))

    def label_text(self, question, answer):
        """What open-unlearning's zlib attack compresses."""
        ids, masked = self.labelled(question, answer)
        return self.tokenizer.decode(ids[0, masked:].tolist(), skip_special_tokens=True)

    @torch.no_grad()
    def generate(self, question):
        prompt = self.start + question + self.end + (self.tag if self.chat else "")
        ids = torch.tensor([self.encode(prompt)])
        limit = NEW_TOKENS if self.chat else min(NEW_TOKENS, PLAIN_LENGTH - ids.shape[1])
        out = self.model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False,
                                  max_new_tokens=limit, pad_token_id=self.tokenizer.eos_token_id)
        # The second flag: transformers 5 no longer cleans up after BPE, the reference codes do.
        text = self.tokenizer.decode(
            out[0, ids.shape[1]:], skip_special_tokens=True, clean_up_tokenization_spaces=True,
            clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output=True)
        return text.strip()


def read(path):
    lines = path.read_text(encoding="utf-8").splitlines()[:ROWS]
    return [json.loads(line) for line in lines]


def probability(losses):
    return dict(agg=float(np.mean(np.exp(-np.array(losses)))), loss=losses)


def truth_ratio(true, perturbed, better):
    ratio = [math.exp(-np.mean(p)) / (math.exp(-t) + EPSILON) for t, p in zip(true, perturbed)]
    value = [min(r, 1 / (r + EPSILON)) if better == "closer" else max(0, 1 - r) for r in ratio]
    return dict(agg=float(np.mean(value)), score=ratio)


def task_metrics(subject, original, prefix, rows, report):
    kl = [subject.divergence(original, row["question"], row["answer"]) for row in rows]
    report[f"{prefix}_KL_Divergence"] = dict(agg=float(np.mean(kl)), score=kl)
    has_paraphrase = "paraphrased_answer" in rows[0]
    score = {"answer": [], "para": [], "pert": []}
    for row in rows:
        score["answer"].append(subject.score(row["question"], row["answer"])["loss"])
        if has_paraphrase:
            score["para"].append(subject.score(row["question"], row["paraphrased_answer"])["loss"])
        score["pert"].append([subject.score(row["question"], a)["loss"]
                              for a in row["perturbed_answer"]])
    report[f"{prefix}_Q_A_Prob"] = probability(score["answer"])
    if has_paraphrase:
        report[f"{prefix}_Q_A_PARA_Prob"] = probability(score["para"])
    else:
        normalised = [math.exp(-a) / (math.exp(-a) + sum(math.exp(-x) for x in p) + EPSILON)
                      for a, p in zip(score["answer"], score["pert"])]
        report[f"{prefix}_Q_A_Prob_normalised"] = dict(agg=float(np.mean(normalised)))
    report[f"{prefix}_Q_A_PERT_Prob"] = dict(
        agg=float(np.mean([np.mean(np.exp(-np.array(p))) for p in score["pert"]])))
    true = score["para"] if has_paraphrase else score["answer"]
    key = f"{prefix}_truth_ratio" if prefix == "forget" else f"{prefix}_Truth_Ratio"
    report[key] = truth_ratio(true, score["pert"], "closer" if prefix == "forget" else "smaller")
    texts = [subject.generate(row["question"]) for row in rows]
    recalls = [SCORER.score(row["answer"], text) for row, text in zip(rows, texts)]
    report[f"{prefix}_Q_A_ROUGE"] = dict(
        agg=float(np.mean([r["rougeL"].recall for r in recalls])), generation=texts,
        rougeL_recall=[r["rougeL"].recall for r in recalls],
        rouge1_recall=[r["rouge1"].recall for r in recalls],
        rougeL_f1=[r["rougeL"].fmeasure for r in recalls])
    known = [math.exp(-t) / (math.exp(-t) + math.exp(-np.mean(p)) + EPSILON)
             for t, p in zip(true, score["pert"])]
    report[f"{prefix}_knowledge"] = dict(agg=float(np.mean(known)), score=known)
    if has_paraphrase:
        other_references(prefix, rows, texts, report)


def other_references(prefix, rows, texts, report):
    """OpenUnlearning's PARA_ROUGE and PERT_ROUGE: the same outputs, other references."""
    para = [SCORER.score(row["paraphrased_answer"], text) for row, text in zip(rows, texts)]
    report[f"{prefix}_Q_A_PARA_ROUGE"] = dict(
        agg=float(np.mean([r["rougeL"].recall for r in para])),
        rougeL_recall=[r["rougeL"].recall for r in para],
        rouge1_recall=[r["rouge1"].recall for r in para],
        rougeL_f1=[r["rougeL"].fmeasure for r in para])
    pert = [[SCORER.score(answer, text)["rougeL"].recall for answer in row["perturbed_answer"]]
            for row, text in zip(rows, texts)]
    report[f"{prefix}_Q_A_PERT_ROUGE"] = dict(
        agg=float(np.mean([np.mean(recalls) for recalls in pert])))


def extraction_strength(hits):
    k = 0
    for k in range(len(hits)):
        if all(hits[k:]):
            break
    return 1 - k / len(hits)


def memorization(subject, rows, report):
    hits = [subject.score(r["question"], r["answer"])["hits"] for r in rows]
    exact = [float(np.mean(h)) for h in hits]
    strength = [extraction_strength(h) for h in hits]
    report["exact_memorization"] = dict(agg=float(np.mean(exact)), score=exact)
    report["extraction_strength"] = dict(agg=float(np.mean(strength)), score=strength)


def lowest(values):
    count = max(1, int(MIN_K * len(values)))
    return -float(np.mean(sorted(values)[:count]))


def attacks(subject, reference, forget, holdout, report):
    for name in ["loss", "zlib", "min_k", "min_k_plus_plus", "reference", "gradnorm"]:
        sides = []
        for rows in [forget, holdout]:
            values = []
            for row in rows:
                score = subject.score(row["question"], row["answer"])
                if name == "loss":
                    value = score["loss"]
                elif name == "zlib":
                    text = subject.label_text(row["question"], row["answer"])
                    value = score["loss"] / len(zlib.compress(text.encode()))
                elif name == "min_k":
                    value = lowest(score["logp"])
                elif name == "min_k_plus_plus":
                    value = lowest(score["z"])
                elif name == "reference":
                    value = score["loss"] - reference.score(row["question"], row["answer"])["loss"]
                else:
                    value = subject.gradient_norm(row["question"], row["answer"])
                values.append(value)
            sides.append(values)
        labels = [0] * len(sides[0]) + [1] * len(sides[1])
        report[f"mia_{name}"] = dict(agg=float(roc_auc_score(labels, sides[0] + sides[1])),
                                     forget=sides[0], holdout=sides[1])


def evaluate(subject, reference, data):
    report = {}
    for prefix, file in [("forget", f"{FORGET}_perturbed"), ("retain", "retain_perturbed"),
                         ("ra", "real_authors_perturbed"), ("wf", "world_facts_perturbed")]:
        task_metrics(subject, reference, prefix, read(data / f"{file}.json"), report)
    parts = ["retain_Q_A_Prob", "ra_Q_A_Prob_normalised", "wf_Q_A_Prob_normalised"]
    parts += [f"{p}_{m}" for p in ["retain", "ra", "wf"] for m in ["Q_A_ROUGE", "Truth_Ratio"]]
    values = [report[p]["agg"] for p in parts]
    report["model_utility"] = dict(agg=0.0 if 0 in values else float(hmean(values)))
    forget = read(data / f"{FORGET}_perturbed.json")
    memorization(subject, forget, report)
    attacks(subject, reference, forget, read(data / f"holdout{FORGET[6:]}.json"), report)
    return report


def main():
    options = tiny_model.parse_options(__doc__)
    data, tokenizer = options.root / "data/fiction", tiny_model.load_tokenizer(options)
    model, retrained = (tiny_model.load_model(options, SCALED_WEIGHT, s) for s in [1.0, SCALE])
    result = {"rows": ROWS, "forget": FORGET, "scaled_weight": SCALED_WEIGHT, "scale": SCALE,
              "templates": {}}
    for template in TEMPLATES:
        own, other = (Subject(m, tokenizer, template) for m in [model, retrained])
        report, retain = evaluate(own, other, data), evaluate(other, own, data)
        ks = ks_2samp(report["forget_truth_ratio"]["score"], retain["forget_truth_ratio"]["score"])
        auc, reference = report["mia_min_k"]["agg"], retain["mia_min_k"]["agg"]
        report["forget_quality"] = dict(agg=float(ks.pvalue))
        report["privleak"] = dict(
            agg=((1 - auc) - (1 - reference)) / ((1 - reference) + EPSILON) * 100)
        result["templates"][template] = report
    tiny_model.write(options, "tofu", result)


if __name__ == "__main__":
    main()
