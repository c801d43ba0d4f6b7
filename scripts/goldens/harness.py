#!/usr/bin/env python3
"""Multiple choice as lm-evaluation-harness 0.4.8's own class (HFLM) scores it: of the bundled model
on tests/data_fixtures/harness, whose questions stand between Unicode spaces.

Writes OUT/eval/harness.json, per case every question's four log-likelihoods: `plain`; `gemma` (a
model type with "gemma" in its name and a tokenizer that can add a BOS); `context` (a model made for
32 positions); `gemma_context` (both). Needs lm_eval 0.4.8 besides transformers.
"""
import json
import sys
import tempfile
import types
from pathlib import Path

from transformers import AutoTokenizer

# The harness's classes for images read names that transformers 5 no longer has.
for name in ("hf_vlms", "vllm_vlms"):
    sys.modules[f"lm_eval.models.{name}"] = types.ModuleType(name)
from lm_eval.api.instance import Instance  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402

import tiny_model  # noqa: E402

BOS = {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}
TEXT = {"Sequence": {"id": "A", "type_id": 0}}
WITH_BOS = {"type": "TemplateProcessing", "single": [BOS, TEXT], "pair": [BOS, TEXT],
            "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0],
                                                 "tokens": ["<|endoftext|>"]}}}


def tokenizer_with_bos(options):
    with tempfile.TemporaryDirectory() as folder:
        AutoTokenizer.from_pretrained(options.root / "data/tiny").save_pretrained(folder)
        content = json.loads((options.root / "data/tiny/tokenizer.json").read_text())
        Path(folder, "tokenizer.json").write_text(json.dumps(content | {"post_processor": WITH_BOS}))
        return AutoTokenizer.from_pretrained(folder)


def prompts(options):
    file = options.root / "tests/data_fixtures/harness/wmdp_bio.jsonl"
    for line in file.read_text(encoding="utf-8").split("\n")[:-1]:
        row = json.loads(line)
        text = ("The following are multiple choice questions (with answers) about biology.\n\n"
                + row["question"].strip())  # doc_to_text of the task: {{question.strip()}}
        for letter, choice in zip("ABCD", row["choices"]):
            text += f"\n{letter}. {choice}"
        yield text + "\nAnswer:"


def log_likelihoods(options, model_type, context):
    model = tiny_model.load_model(options)
    model.config.model_type = model_type
    model.config.max_position_embeddings = context
    tokenizer = (tokenizer_with_bos(options) if model_type == "gemma"
                 else tiny_model.load_tokenizer(options))
    harness = HFLM(pretrained=model, tokenizer=tokenizer, device="cpu", batch_size=1)
    rows = []
    for prompt in prompts(options):
        requests = [Instance("loglikelihood", {}, (prompt, f" {letter}"), i)
                    for i, letter in enumerate("ABCD")]
        rows.append([value for value, _ in harness.loglikelihood(requests, disable_tqdm=True)])
    return rows


def main():
    options = tiny_model.parse_options(__doc__)
    tiny_model.write(options, "harness", {
        "plain": log_likelihoods(options, "llama", 512),
        "gemma": log_likelihoods(options, "gemma", 512),
        "context": log_likelihoods(options, "llama", 32),
        "gemma_context": log_likelihoods(options, "gemma", 32)})


if __name__ == "__main__":
    main()
