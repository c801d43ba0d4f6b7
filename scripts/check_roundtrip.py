#!/usr/bin/env python3
"""Opens in transformers what `unlearn` saved and compares it with what it was loaded from.

    scripts/check_roundtrip.py --test build/tests/test_model

runs the round-trip tests with a folder that stays, then loads each saved folder: no missing and no
unexpected tensors, the log-probabilities of the golden file, and logits bit for bit equal to the
original folder's. Under transformers 4.x the last is left out, because half of the originals are in
5.x's spelling. Prints one line per model; the exit code is 1 when one of them differs.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[1]


def load(folder, dtype="auto"):
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, torch_dtype=dtype, attn_implementation="eager", output_loading_info=True)
    return model.eval(), report


def golden_error(folder, golden):
    """The largest difference of a token's log-probability, in fp64."""
    model, _ = load(folder, torch.float64)
    tensors = load_file(golden)
    error, position = 0.0, 0
    offsets = tensors["offsets"].tolist()
    for begin, end in zip(offsets, offsets[1:]):
        ids = tensors["ids"][begin:end]
        rows = torch.log_softmax(model(input_ids=ids[None]).logits[0, :-1].double(), -1)
        found = rows.gather(1, ids[1:, None]).squeeze(1)
        expected = tensors["log_probs"][position:position + len(found)]
        error = max(error, (found - expected).abs().max().item())
        position += len(found)
    return error


@torch.no_grad()
def compare(original, saved):
    model, report = load(saved)
    problems = [f"{key}: {sorted(report[key])}" for key in
                ("missing_keys", "unexpected_keys", "mismatched_keys") if report[key]]
    error = golden_error(saved, original / "golden.safetensors")
    if not error < 1e-5:
        problems.append(f"log-probabilities differ by {error:.2g}")
    if transformers.__version__.startswith("4."):
        return problems
    reference, _ = load(original)
    ids = torch.arange(24)[None] * 7 % reference.config.vocab_size
    expected, logits = reference(input_ids=ids).logits, model(input_ids=ids).logits
    if model.dtype != reference.dtype:
        problems.append(f"dtype {model.dtype} instead of {reference.dtype}")
    if not torch.equal(expected, logits):
        problems.append(f"logits differ by {(expected - logits).abs().max().item():.2g}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test", required=True, type=pathlib.Path, help="the program test_model")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([arguments.test.resolve(), "--gtest_filter=*SavedFolders*", "--gtest_brief=1"],
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
