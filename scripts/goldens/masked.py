#!/usr/bin/env python3
"""A pad token inside the texts: hidden by attention_mask = ids != pad, and left out of gradients.

Writes OUT/model/masked.json for every tiny checkpoint, by transformers: the logits of the first KEPT
vocabulary entries at every position of right-padded rows; greedy tokens after left-padded prompts
(checkpoints without a window); and the norms of the embedding's and of all gradients with
pad_token_id null, PAD and absent (nn.Embedding's padding_idx). Run model.py first.
"""
import argparse
import json
import pathlib
import tempfile

import torch
from transformers import AutoModelForCausalLM

KEPT, NEW, PAD = 6, 6, 2
# No run of pads reaches the shortest attention window of the checkpoints, 4. The first row is longer.
TEXTS = [[5, 9, 2, 7, 3, 2, 2, 8, 1], [8, 2, 1, 4, 6, 3], [6, 5, 9, 7, 1, 3, 2]]
PROMPTS = [[5, 9, 2, 7, 3, 2, 2, 8, 1], [8, 2, 1], [6, 5, 9, 7]]
# With 0 and 1, which an absent pad_token_id means to Gemma and OLMo-2.
GRADIENT_TEXT = [5, 0, 9, 1, 2, 7, 2, 3, 0, 1]


def padded(rows, left):
    width = max(len(row) for row in rows)
    pads = [[PAD] * (width - len(row)) for row in rows]
    return torch.tensor([p + r if left else r + p for p, r in zip(pads, rows)])


def load(folder, attention="eager"):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32,
                                                attn_implementation=attention).eval()


def hidden_beginning(folder):
    """Rows that see nothing are SDPA's here; eager attention spreads them over all tokens."""
    ids = torch.tensor([[PAD, PAD, 7, 3, PAD]])
    model = load(folder, "sdpa")
    with torch.no_grad():
        out = model(input_ids=ids, attention_mask=(ids != PAD).long(), use_cache=False).logits
    return {"ids": ids[0].tolist(), "logits": out[0, :, :KEPT].tolist()}


def logits(model):
    ids = padded(TEXTS, left=False)
    with torch.no_grad():
        out = model(input_ids=ids, attention_mask=(ids != PAD).long(), use_cache=False).logits
    return out[..., :KEPT].tolist()


def log_probs(model):
    """Of every token but the first of each text."""
    ids = padded(TEXTS, left=False)
    with torch.no_grad():
        out = model(input_ids=ids, attention_mask=(ids != PAD).long(), use_cache=False).logits
    all_logp = torch.log_softmax(out, -1)
    return [[all_logp[row, t - 1, text[t]].item() for t in range(1, len(text))]
            for row, text in enumerate(TEXTS)]


def greedy(model):
    ids = padded(PROMPTS, left=True)
    out = model.generate(input_ids=ids, attention_mask=(ids != PAD).long(), do_sample=False,
                         max_new_tokens=NEW, min_new_tokens=NEW, eos_token_id=None, pad_token_id=PAD)
    return out[:, ids.shape[1]:].tolist()


def gradient_norms(model):
    ids = torch.tensor([[model.config.vocab_size - 1] + GRADIENT_TEXT])  # -1 is the last row
    model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
    squares = {n: p.grad.double().pow(2).sum() for n, p in model.named_parameters()}
    embedding = model.get_input_embeddings().weight.grad.double().norm()
    return [embedding.item(), torch.stack(list(squares.values())).sum().sqrt().item()]


def with_pad(folder, pad):
    """The checkpoint with another pad_token_id, "absent" to leave it out; None where it does not load."""
    config = json.loads((folder / "config.json").read_text())
    config["pad_token_id"] = pad
    if pad == "absent":
        del config["pad_token_id"]
    with tempfile.TemporaryDirectory() as other:
        for file in folder.iterdir():
            (pathlib.Path(other) / file.name).symlink_to(file.resolve())
        (pathlib.Path(other) / "config.json").unlink()
        (pathlib.Path(other) / "config.json").write_text(json.dumps(config))
        try:
            return gradient_norms(load(other))
        except AssertionError:  # a default pad token beyond this small vocabulary
            return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    folder = parser.parse_args().out / "model"
    torch.set_num_threads(1)
    result = {"pad": PAD, "ids": padded(TEXTS, left=False).tolist(), "prompts": PROMPTS,
              "gradient_text": GRADIENT_TEXT, "texts": TEXTS, "logits": {}, "log_probs": {}, "greedy": {},
              "gradients": {}}
    for path in sorted(folder.glob("*/config.json")):
        config, name = json.loads(path.read_text()), path.parent.name
        if config.get("dtype") == "bfloat16":
            continue
        model = load(path.parent)
        result["logits"][name] = logits(model)
        if name in ("llama", "gpt2", "phi"):
            result["log_probs"][name] = log_probs(model)
            result["greedy"][name] = greedy(model)
        result["gradients"][name] = {str(pad): with_pad(path.parent, pad)
                                     for pad in (None, PAD, -1, "absent")}
    result["hidden_beginning"] = hidden_beginning(folder / "llama")
    (folder / "masked.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
