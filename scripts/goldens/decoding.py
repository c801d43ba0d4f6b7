#!/usr/bin/env python3
"""Greedy decoding of transformers under the settings of a generation_config.json, and across the
lengths where rotations change. The models are those that model.py made, in fp32.

Writes OUT/decoding/commands.json (the settings {config, input_ids, ids} for the model of
commands.py), OUT/decoding/rules.json (tiny Llama, rows {config, max_new_tokens, prompts, outputs}; an
output ends before its end token) and OUT/decoding/crossing.json (rows {variant, rope_parameters,
prompts, outputs}). Phi-3's outputs are made without a cache: where LongRoPE's factors change,
transformers starts a cache again from the first token, but 5.17 then runs the last token alone.
"""
import argparse
import json
import shutil
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

EOS = [49, 60]
PROMPTS = [[5, 9, 2], [1], [7, 7, 3, 20, 7, 7, 3, 20, 7], [30, 42, 42], [33, 12, 8, 45, 1, 60, 2]]
# Settings and how many tokens are made; EOS ends an output but where the settings say otherwise.
CASES = [
    ({"repetition_penalty": 1.3}, 24),
    ({"repetition_penalty": 1.05}, 60),
    ({"repetition_penalty": 0.6}, 24),
    ({"repetition_penalty": 1.02, "eos_token_id": None}, 60),
    ({"no_repeat_ngram_size": 1}, 16),
    ({"no_repeat_ngram_size": 2}, 40),
    ({"no_repeat_ngram_size": 5, "eos_token_id": None}, 60),
    ({"suppress_tokens": [42, 30, 999, 7]}, 16),
    ({"begin_suppress_tokens": [30, 58, 20, 42, 3]}, 16),
    ({"begin_suppress_tokens": [30, 58, 20, 42, 3], "forced_bos_token_id": 11}, 16),
    ({"forced_bos_token_id": 11}, 16),
    ({"forced_eos_token_id": 60}, 12),
    ({"forced_eos_token_id": [13, 49]}, 12),
    ({"bad_words_ids": [[42], [22, 49], [49], [7, 3, 20, 58]]}, 24),
    ({"min_length": 14}, 20),
    ({"min_new_tokens": 11}, 20),
    ({"min_length": 18, "min_new_tokens": 5}, 20),
    ({"exponential_decay_length_penalty": [3, 1.5]}, 30),
    ({"exponential_decay_length_penalty": [0, 1.05], "min_new_tokens": 4}, 30),
    ({"sequence_bias": [[[42], -2.0], [[30, 42], 6.5], [[9, 2, 42], 1.5], [[22], 0.75]]}, 24),
    ({"repetition_penalty": 1.2, "no_repeat_ngram_size": 3, "min_new_tokens": 6,
      "suppress_tokens": [22], "begin_suppress_tokens": [42, 3], "bad_words_ids": [[28], [34, 37]],
      "exponential_decay_length_penalty": [8, 1.2], "forced_eos_token_id": 49,
      "sequence_bias": [[[43], 1.0]], "do_sample": True, "temperature": 0.7, "top_p": 0.8,
      "top_k": 20}, 24),
]
LONG_ROPE = {"rope_type": "longrope", "rope_theta": 100.0, "original_max_position_embeddings": 16,
             "short_factor": [1.0, 1.5], "long_factor": [2.0, 5.0]}
# Sixteen tokens are where angles change; the first prompts end below.
LONG_PROMPTS = [list(range(3, 15)), list(range(40, 56)), list(range(20, 37)), [9, 1, 5]]


def generate(folder, prompts, new_tokens, eos, use_cache=True):
    outputs = []
    for prompt in prompts:
        # A fresh model each: dynamic scaling remembers the longest sequence it has seen.
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        ids = torch.tensor([prompt])
        made = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False,
                              max_new_tokens=new_tokens, pad_token_id=0, use_cache=use_cache)
        new = made[0, len(prompt):].tolist()
        outputs.append(next((new[:i] for i, token in enumerate(new) if token in eos), new))
    return outputs


def rule_rows(model):
    for settings, new_tokens in CASES:
        config = {"eos_token_id": EOS, **settings}
        with tempfile.TemporaryDirectory() as temporary:
            folder = shutil.copytree(model, Path(temporary) / "model")
            (folder / "generation_config.json").write_text(json.dumps(config))
            yield {"config": config, "max_new_tokens": new_tokens, "prompts": PROMPTS,
                   "outputs": generate(folder, PROMPTS, new_tokens, config["eos_token_id"] or [])}


def command_rows(model):
    config = {"repetition_penalty": 1.4, "no_repeat_ngram_size": 2, "eos_token_id": [0],
              "begin_suppress_tokens": [890]}
    prompts = [[5, 900, 17], [306, 29, 422, 900, 752, 80, 599], [55, 414, 345, 273, 69, 666, 224]]
    with tempfile.TemporaryDirectory() as temporary:
        folder = shutil.copytree(model, Path(temporary) / "model")
        (folder / "generation_config.json").write_text(json.dumps(config))
        for ids, made in zip(prompts, generate(folder, prompts, 12, [0])):
            yield {"config": config, "input_ids": ids, "ids": made}


def crossing_rows(models):
    for variant, rope in [("phi3_longrope", None), ("llama", LONG_ROPE), ("llama_dynamic", None)]:
        with tempfile.TemporaryDirectory() as temporary:
            folder = shutil.copytree(models / variant, Path(temporary) / "model")
            if rope is not None:
                path = folder / "config.json"
                config = json.loads(path.read_text()) | {"rope_parameters": rope}
                path.write_text(json.dumps(config))
            outputs = generate(folder, LONG_PROMPTS, 16, [], use_cache=variant != "phi3_longrope")
            yield {"variant": variant, "rope_parameters": rope, "prompts": LONG_PROMPTS,
                   "outputs": outputs}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("tests/golden"))
    out = parser.parse_args().out
    folder = out / "decoding"
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in [("commands", command_rows(out / "commands" / "model")),
                       ("rules", rule_rows(out / "model" / "llama")),
                       ("crossing", crossing_rows(out / "model"))]:
        text = ",\n".join(json.dumps(row) for row in rows)
        (folder / f"{name}.json").write_text(f"[\n{text}\n]\n")


if __name__ == "__main__":
    main()
