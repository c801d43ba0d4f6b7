#!/usr/bin/env python3
"""A TOFU evaluation by `unlearn eval` and by plain PyTorch/transformers: same numbers? how much time?

  bench/compare_eval.py --model DIR --data TOFU_DIR --forget forget01 --rows 8

The plain script does what the reference repositories do: one loader each for answers, paraphrases
and perturbed answers, right-padded batches, full logits, HF generate with a left-padded batch. It is
run with padding to the longest of a batch (OpenUnlearning) and, with --padded, to 200 tokens (TOFU).
Both sides get the same number of threads and fp32. Needs torch, transformers and rouge-score.
"""
import argparse
import hashlib
import json
import math
import os
import pathlib
import resource
import struct
import subprocess
import sys
import tempfile
import time

import torch
from rouge_score import rouge_scorer
from transformers import AutoModelForCausalLM, AutoTokenizer

START, END, TAG = "Question: ", "\n", "Answer: "
LENGTH = 200
TASKS = {"eval_log.json": "retain_perturbed", "eval_real_author_wo_options.json": "real_authors_perturbed",
         "eval_real_world_wo_options.json": "world_facts_perturbed", "eval_log_forget.json": "{}_perturbed"}


class Plain:
    def __init__(self, folder, batch, padded):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.batch, self.padded, self.exact_cpu = batch, padded, 0.0
        ends = self.model.generation_config.eos_token_id
        self.ends = {self.tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}
        self.scorer = rouge_scorer.RougeScorer(["rouge1", "rougeL"], use_stemmer=True)

    @torch.no_grad()
    def losses(self, pairs, exact=False):
        eos = self.tokenizer.eos_token_id
        result = []
        for begin in range(0, len(pairs), self.batch):
            rows = []
            for question, answer in pairs[begin:begin + self.batch]:
                prompt = START + question + END
                masked = len(self.tokenizer(prompt).input_ids)
                ids = self.tokenizer(prompt + TAG + answer).input_ids[:LENGTH]
                ids = ids + [eos] if len(ids) < LENGTH else ids
                rows.append((ids, masked))
            width = LENGTH if self.padded else max(len(ids) for ids, _ in rows)
            ids = torch.full((len(rows), width), eos)
            mask = torch.zeros_like(ids)
            labels = torch.full_like(ids, -100)
            for i, (row, masked) in enumerate(rows):
                ids[i, :len(row)] = torch.tensor(row)
                mask[i, :len(row)] = 1
                labels[i, masked:len(row)] = ids[i, masked:len(row)]
            logits = self.model(input_ids=ids, attention_mask=mask).logits[:, :-1].transpose(1, 2)
            logits = logits.double() if exact else logits
            token = torch.nn.functional.cross_entropy(logits, labels[:, 1:], ignore_index=-100,
                                                      reduction="none")
            count = (labels[:, 1:] != -100).sum(1)
            result += (token.sum(1) / count).tolist()
        return result

    @torch.no_grad()
    def generations(self, questions):
        self.tokenizer.padding_side = "left"
        self.tokenizer.pad_token = self.tokenizer.eos_token
        texts, tokens = [], []
        for begin in range(0, len(questions), self.batch):
            prompts = [START + q + END for q in questions[begin:begin + self.batch]]
            encoded = self.tokenizer(prompts, return_tensors="pt", padding=True)
            width = encoded.input_ids.shape[1]
            out = self.model.generate(input_ids=encoded.input_ids,
                                      attention_mask=encoded.attention_mask, do_sample=False,
                                      max_length=LENGTH, pad_token_id=self.tokenizer.eos_token_id)
            for ids, row, mask in zip(encoded.input_ids, out[:, width:].tolist(), encoded.attention_mask):
                # The model's own, or the padding that follows it in a batch.
                ends = [i for i, token in enumerate(row) if token in self.ends]
                ended = bool(ends)
                row = row[:ends[0]] if ended else row
                tokens.append((ids[mask.bool()].tolist(), row, ended))
                texts.append(self.tokenizer.decode(row, skip_special_tokens=True).strip())
        return texts, tokens

    def evaluate(self, data, forget, rows):
        log, seconds = {}, {"scoring": 0.0, "generation": 0.0}
        for key, name in TASKS.items():
            lines = (data / (name.format(forget) + ".json")).read_text(encoding="utf-8").splitlines()
            items = [json.loads(line) for line in lines][:rows or None]
            start = time.perf_counter()
            pairs = [(r["question"], r["answer"]) for r in items]
            answer = self.losses(pairs)
            para = self.losses([(r["question"], r.get("paraphrased_answer", r["answer"])) for r in items])
            flat = self.losses([(r["question"], a) for r in items for a in r["perturbed_answer"]])
            each = len(items[0]["perturbed_answer"])
            scored = time.perf_counter()
            texts, tokens = self.generations([r["question"] for r in items])
            scores = [self.scorer.score(r["answer"], t) for r, t in zip(items, texts)]
            seconds["scoring"] += scored - start
            seconds["generation"] += time.perf_counter() - scored
            # Not timed: PyTorch's fp32 cross entropy over a large vocabulary is off by up to 1e-4.
            cpu = time.process_time()
            exact = self.losses(pairs, exact=True)
            self.exact_cpu += time.process_time() - cpu
            print(f"{name.format(forget)}: done", file=sys.stderr, flush=True)
            log[key] = {"exact": exact, "avg_gt_loss": answer, "avg_paraphrased_loss": para, "tokens": tokens,
                        "average_perturb_loss": [flat[i:i + each] for i in range(0, len(flat), each)],
                        "generated": texts, "rougeL_recall": [s["rougeL"].recall for s in scores]}
        return log, seconds


def ours(arguments, folder):
    command = [arguments.unlearn, "eval", "--benchmark", "tofu", "--model", arguments.model, "--data",
               str(arguments.data), "--output", folder, "--device", "cpu"]
    for setting in [f"data.forget={arguments.forget}", f"eval.rows={arguments.rows}", "model.template=phi",
                    "eval.log_rows=lists",
                    "eval.metrics=[probability,normalised_probability,rouge,truth_ratio,model_utility]"]:
        command += ["--set", setting]
    start, cpu = time.perf_counter(), child_seconds()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds, cpu = time.perf_counter() - start, child_seconds() - cpu
    log = json.loads((pathlib.Path(folder) / "eval/eval_log_aggregated.json").read_text())
    return log, stored_results(pathlib.Path(folder)), seconds, cpu


def stored_results(folder):
    """The evaluation's own results by content hash, generations as token ids."""
    files = list((folder / "eval/cache").glob("*/results.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    return {row["key"]: row["value"] for row in rows}


def generation_key(prompt):
    """The hash of a request: kind, prompt, new tokens and tokens in all at most."""
    content = b"generate" + struct.pack(f"<q{len(prompt)}i2q", len(prompt), *prompt, LENGTH, LENGTH)
    return hashlib.sha256(content).hexdigest()


def child_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def flatten(values):
    return [x for v in values for x in (v if isinstance(v, list) else [v])]


def largest(log, reference, fields):
    """Largest difference of exp(-loss) over all tasks; fields are (ours, theirs)."""
    worst = 0.0
    for key, task in reference.items():
        for mine, theirs in fields:
            for a, b in zip(flatten(log[key][mine]), flatten(task[theirs])):
                worst = max(worst, abs(math.exp(-a) - math.exp(-b)))
    return worst


def different_ids(stored, reference):
    """Generations whose token ids differ from transformers' as far as those go, and how many ids
    were compared. A left-padded batch counts its padding into the 200 tokens; ours counts real
    tokens, so an output that the limit cut short is a beginning of ours."""
    different = compared = 0
    for task in reference.values():
        for prompt, theirs, ended in task["tokens"]:
            mine = stored[generation_key(prompt)]
            different += mine != theirs if ended else mine[:len(theirs)] != theirs
            compared += len(theirs)
    return different, compared


def compare(log, stored, reference):
    names = ["avg_gt_loss", "avg_paraphrased_loss", "average_perturb_loss"]
    timed = largest(log, reference, [(name, name) for name in names])
    exact = largest(log, reference, [("avg_gt_loss", "exact")])
    same, total, rouge, prefix_equal = 0, 0, 0.0, 0
    for key, task in reference.items():
        for i, text in enumerate(task["generated"]):
            mine = log[key]["generated_text"][i][1]
            total += 1
            # A left-padded batch counts its padding into the 200 tokens; ours counts real tokens.
            prefix_equal += mine.startswith(text)
            if mine == text:
                same += 1
                rouge = max(rouge, abs(log[key]["rougeL_recall"][i] - task["rougeL_recall"][i]))
    print(f"largest difference of a probability: {timed:.2e}; with transformers' logits and an exact "
          f"log-softmax: {exact:.2e}")
    print(f"generations: {total}, equal texts {same}, equal up to the reference's end {prefix_equal}")
    different, compared = different_ids(stored, reference)
    print(f"generations with other token ids than transformers': {different} ({compared} ids compared)")
    print(f"largest difference of ROUGE-L recall on equal texts: {rouge:.1e}")
    return exact <= 1e-5 and prefix_equal == total and different == 0 and rouge <= 1e-12


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unlearn", default="build/unlearn")
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--forget", default="forget01")
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--padded", action="store_true", help="pad to 200 tokens, as TOFU does")
    arguments = parser.parse_args()
    arguments.rows = min(arguments.rows, 300)  # more are never read: TOFU's ds_size
    os.environ.pop("UNLEARN_CACHE_DIR", None)
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    torch.set_num_threads(arguments.threads)
    ratios = []
    for _ in range(arguments.repeat):
        with tempfile.TemporaryDirectory() as folder:
            log, stored, mine, my_cpu = ours(arguments, folder)
        start, cpu = time.perf_counter(), time.process_time()
        plain = Plain(arguments.model, arguments.batch, arguments.padded)
        loaded = time.perf_counter()
        reference, parts = plain.evaluate(arguments.data, arguments.forget, arguments.rows)
        theirs = sum(parts.values()) + loaded - start
        cpu = time.process_time() - cpu - plain.exact_cpu
        ratios.append(theirs / mine)
        print(f"unlearn {mine:.1f} s; transformers {theirs:.1f} s (scoring {parts['scoring']:.1f}, "
              f"generation {parts['generation']:.1f}); ratio {ratios[-1]:.2f}; "
              f"CPU seconds {my_cpu:.1f} and {cpu:.1f}, ratio {cpu / my_cpu:.2f}")
    equal = compare(log, stored, reference)
    print(f"ratio of the pairs: {', '.join(f'{r:.2f}' for r in ratios)}")
    raise SystemExit(0 if equal else 1)


if __name__ == "__main__":
    main()
