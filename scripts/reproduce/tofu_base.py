#!/usr/bin/env python3
"""The untrained model of scripts/reproduce/tofu.sh: a tokenizer made of TOFU's own text, and a config.

  scripts/reproduce/tofu_base.py TOFU_DIR OUT small|micro

A byte-level BPE and a Llama of 4 layers with a tied embedding: small has 4,096 pieces, width 256 and 4.0M
parameters, micro 2,048 pieces, width 128 and 1.0M. Needs the Python package `tokenizers`; the same text gives the same files. Also OUT/known.jsonl, the
rows of real authors and world facts: TOFU takes for granted that the base model knows them, so a model
that is trained from scratch learns them beside the authors.
"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
try:
    from make_tiny_tokenizer import MODEL, parameter_count, train, write_folder
except ModuleNotFoundError as missing:
    sys.exit(f"error: this needs the Python package {missing.name} (pip install {missing.name}); PYTHON names an "
             "interpreter that has it")

# Pieces, and the config where it differs from the bundled model's.
SIZES = {"small": (4096, {"hidden_size": 256, "num_attention_heads": 8, "num_key_value_heads": 4,
                          "intermediate_size": 688}),
         "micro": (2048, {})}
KNOWN = ("real_authors_perturbed.json", "world_facts_perturbed.json")


def rows(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def training_text(data):
    """Every text as the model sees it. Perturbed answers count once: they are mostly the true one's words."""
    texts = []
    for name in ("full.json", *KNOWN):
        texts += [f"Question: {row['question']}\nAnswer: {row['answer']}" for row in rows(data / name)]
    for name in ("retain_perturbed.json", "forget10_perturbed.json", *KNOWN):
        for row in rows(data / name):
            wrong = row["perturbed_answer"] + [row.get("paraphrased_answer", row["answer"])]
            texts += [f"Answer: {answer}" for answer in wrong]
    refusals = (data / "idontknow.jsonl").read_text(encoding="utf-8").splitlines()
    return texts + [f"Answer: {refusal}" for refusal in refusals]


def main():
    if len(sys.argv) != 4 or sys.argv[3] not in SIZES:
        sys.exit(__doc__.strip())
    pieces, wider = SIZES[sys.argv[3]]
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    size, config = write_folder(out, train(training_text(data), pieces), {**MODEL, **wider})
    known = [{"question": row["question"], "answer": row["answer"]} for name in KNOWN for row in rows(data / name)]
    (out / "known.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in known),
                                     encoding="utf-8")
    print(f"{size} tokens, {parameter_count(config)} parameters, {len(known)} known rows")


if __name__ == "__main__":
    main()
