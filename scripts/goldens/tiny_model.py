"""What the makers of evaluation goldens share: the bundled model, their options, their output."""
import argparse
import json
import pathlib

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def parse_options(doc):
    """--root (of the repository) and --out; computes with one thread from now on."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("."))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("tests/golden"))
    torch.set_num_threads(1)
    return parser.parse_args()


def load_tokenizer(options):
    return AutoTokenizer.from_pretrained(options.root / "data/tiny")


def load_model(options, weight=None, scale=1.0):
    """In fp32, with one parameter times `scale`."""
    model = AutoModelForCausalLM.from_pretrained(options.root / "data/tiny", dtype=torch.float32)
    if weight is not None:
        with torch.no_grad():
            model.get_parameter(weight).mul_(scale)
    return model.eval()


def write(options, name, result):
    folder = options.out / "eval"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
