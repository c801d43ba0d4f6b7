#!/usr/bin/env python3
"""Outputs at padding positions of every tiny checkpoint, by transformers with an attention mask.

Writes OUT/model/padding.json: per variant the right-padded ids, how many of each row are text, and the
logits of the first KEPT vocabulary entries at every position. Run model.py first.
"""
import argparse
import json
import pathlib

import torch
from transformers import AutoModelForCausalLM

LENGTH, KEPT = 7, 6
# So long that the last pad sees some text within the checkpoints' shortest attention window, 4.
TEXTS = [[5, 9, 2, 7, 3], [8, 1, 4, 6], [6, 2, 5, 9, 7, 1, 3]]
PAD = 2  # a token that stands in the texts too


def padded_logits(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32,
                                                 attn_implementation="eager").eval()
    ids = torch.full((len(TEXTS), LENGTH), PAD)
    mask = torch.zeros_like(ids)
    for row, text in enumerate(TEXTS):
        ids[row, :len(text)] = torch.tensor(text)
        mask[row, :len(text)] = 1
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    return ids.tolist(), logits[..., :KEPT].tolist()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    folder = parser.parse_args().out / "model"
    torch.set_num_threads(1)
    result = {"attended": [len(text) for text in TEXTS], "logits": {}}
    for config in sorted(folder.glob("*/config.json")):
        if json.loads(config.read_text()).get("dtype") == "bfloat16":
            continue
        result["ids"], result["logits"][config.parent.name] = padded_logits(config.parent)
    (folder / "padding.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
