#!/usr/bin/env python3
"""Opens in transformers what `unlearn` saved and compares it with what it was loaded from.

    scripts/check_roundtrip.py --test build/tests/test_model

runs the round-trip tests with a folder that stays, then loads each saved folder and its original:
no missing and no unexpected tensors, logits bit for bit equal. Prints one line per model; the exit
code is 1 when one of them differs.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers
from transformers import AutoModelForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[1]


def load(folder):
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, torch_dtype="auto", attn_implementation="eager", output_loading_info=True)
    return model.eval(), report


def compare(original, saved):
    reference, _ = load(original)
    model, report = load(saved)
    problems = [f"{key}: {sorted(report[key])}" for key in
                ("missing_keys", "unexpected_keys", "mismatched_keys") if report[key]]
    ids = torch.arange(24)[None] * 7 % reference.config.vocab_size
    with torch.no_grad():
        expected, logits = reference(input_ids=ids).logits, model(input_ids=ids).logits
    if model.dtype != reference.dtype:
        problems.append(f"dtype {model.dtype} instead of {reference.dtype}")
    if not torch.equal(expected, logits):
        problems.append(f"logits differ by {(expected - logits).abs().max().item():.3g}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test", required=True, type=pathlib.Path, help="the program test_model")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([arguments.test.resolve(), "--gtest_filter=*RoundTrip*", "--gtest_brief=1"],
                       env={**os.environ, "UNLEARN_ROUNDTRIP_DIR": folder}, check=True)
        saved = sorted(path for path in pathlib.Path(folder).iterdir() if path.is_dir())
        if not saved:
            sys.exit("the test program saved nothing")
        for path in saved:
            problems = compare(ROOT / "tests" / "golden" / "model" / path.name, path)
            print(f"{path.name:24s} {'; '.join(problems) or 'equal'}")
            failed = failed or bool(problems)
        print(f"{len(saved)} models, transformers {transformers.__version__}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
