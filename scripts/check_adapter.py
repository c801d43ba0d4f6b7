#!/usr/bin/env python3
"""Opens a LoRA run's adapter/ with PEFT and compares its logits with those of the merged model/.

    scripts/check_adapter.py BASE_MODEL RUN      (the run used train.lora.merge: true)
"""
import argparse
import pathlib
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=pathlib.Path)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--tolerance", type=float, default=1e-3)
    args = parser.parse_args()
    load = lambda folder: AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    base = load(args.base)
    ids = torch.randint(0, base.config.vocab_size, (2, 50), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = base(ids).logits
        adapted = PeftModel.from_pretrained(base, args.run / "adapter").eval()(ids).logits
        merged = load(args.run / "model")(ids).logits
    error = (adapted - merged).abs().max().item()
    effect = (adapted - before).abs().max().item()
    print(f"adapter against merged model: {error:.2g} (the adapter moves logits by {effect:.2g})")
    sys.exit(error > args.tolerance or effect == 0)


if __name__ == "__main__":
    main()
