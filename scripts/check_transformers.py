#!/usr/bin/env python3
"""Opens a model folder that unlearn wrote in transformers and compares the two programs.

Fails when transformers reports a missing or unexpected tensor, or when a token log-probability
differs by more than --tolerance from `unlearn score` on the given rows.

    .venv-ref/bin/python scripts/check_transformers.py MODEL_DIR --unlearn build/unlearn --rows F.jsonl
"""
import argparse
import json
import subprocess
import sys

import torch
from transformers import AutoModelForCausalLM


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--unlearn", default="build/unlearn")
    parser.add_argument("--rows", required=True, help="JSONL rows that unlearn score reads")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()

    model, info = AutoModelForCausalLM.from_pretrained(
        options.model, dtype=torch.float32, output_loading_info=True
    )
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info[kind]:
            print(f"error: {options.model}: {kind}: {sorted(info[kind])[:5]}", file=sys.stderr)
            return 1
    scored = subprocess.run(
        [options.unlearn, "score", "--model", options.model, "--input", options.rows,
         "--dtype", "float32", "--device", "cpu", "--quiet"],
        check=True, capture_output=True, text=True,
    )
    model.eval()
    worst = 0.0
    tokens = 0
    for line in scored.stdout.splitlines():
        row = json.loads(line)
        ids = torch.tensor([row["input_ids"]])
        with torch.no_grad():
            logits = model(input_ids=ids[:, :-1]).logits[0].float()
        logp = torch.log_softmax(logits, dim=-1)
        expected = [
            logp[t - 1, label].item() for t, label in enumerate(row["labels"]) if label != -100
        ]
        for ours, theirs in zip(row["token_logprobs"], expected, strict=True):
            worst = max(worst, abs(ours - theirs))
            tokens += 1
    print(f"{options.model}: no missing or unexpected tensor; largest difference of "
          f"{tokens} token log-probabilities: {worst:.2e}")
    return 0 if tokens > 0 and worst <= options.tolerance else 1


if __name__ == "__main__":
    sys.exit(main())
