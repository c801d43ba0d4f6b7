"""KL divergence between the next-token predictions of two tiny checkpoints, by transformers and SciPy.

Writes OUT/scoring/divergence.json: per golden sequence of the first checkpoint the mean over its
tokens but the last of sum_v p (log p - log q), p from `original` and q from `model`. Run model.py
first.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from scipy.special import log_softmax, rel_entr
from transformers import AutoModelForCausalLM

ROOT = Path(__file__).resolve().parents[2]
PAIRS = [("llama", "mistral"), ("qwen2", "llama")]  # model, original


def predictions(folder, ids):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
    with torch.no_grad():
        return np.exp(log_softmax(model(ids[None, :-1]).logits[0].numpy(), axis=-1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "golden")
    out = parser.parse_args().out
    result = []
    for model, original in PAIRS:
        golden = load_file(str(out / "model" / model / "golden.safetensors"))
        offsets = golden["offsets"].tolist()
        values = []
        for begin, end in zip(offsets, offsets[1:]):
            ids = golden["ids"][begin:end]
            p = predictions(out / "model" / original, ids)
            q = predictions(out / "model" / model, ids)
            values.append(float(rel_entr(p, q).sum(axis=-1).mean()))
        result.append({"model": model, "original": original, "mean_divergence": values})
    (out / "scoring").mkdir(parents=True, exist_ok=True)
    (out / "scoring" / "divergence.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
