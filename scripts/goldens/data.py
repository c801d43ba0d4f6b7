"""Question-answer pairs as tokens and labels by the rules of TOFU's repository and of
open-unlearning (chat templates, and its plain one), computed from the bundled people with `tokenizers`.

Writes OUT/data/examples.json, rows {family, template, question, answer, max_length, tokens, labels},
the special_tokens_map.json of the families it uses, and OUT/data/ou_chunks.json: texts cut by
OpenUnlearning's rule, rows {family, text, max_length, chunks}. Run tokenizer.py first.
"""

import argparse
import json
from pathlib import Path

from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = "You are a helpful assistant."
# family, template, EOS, (question start, question end, answer tag, answer end), chat
CASES = [
    ("smollm2", "phi", "<|endoftext|>", ("Question: ", "\n", "Answer: ", ""), False),
    ("smollm2", "phi_ou", "<|endoftext|>", ("Question: ", "\n", "Answer: ", ""), True),
    ("llama2_json", "llama2", "</s>", ("[INST] ", " [/INST]", "", ""), False),
    ("qwen2", "qwen2", "<|im_end|>",
     (f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n", "<|im_end|>\n",
      "<|im_start|>assistant\n", "<|im_end|>\n"), True),
    ("llama3", "llama3", "<|eot_id|>",
     ("<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
      f"Today Date: 10 Apr 2025\n\n{SYSTEM}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n",
      "<|eot_id|>", "<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"), True),
]


def plain(encode, eos, template, question, answer, max_length):
    start, end, tag, _ = template
    masked = len(encode(start + question + end))
    ids = encode(start + question + end + tag + answer)[:max_length]
    if len(ids) < max_length:
        ids = ids + [eos]
    return ids, [-100 if i < masked else t for i, t in enumerate(ids)]


def chat(encode, eos, template, question, answer, max_length):
    start, end, tag, close = template
    prompt = encode(start + question + end + tag)
    ids = encode(start + question + end + tag + answer + close)
    if not close:  # without a chat template the text is cut before EOS is appended
        max_length, ids = max_length + 1, ids[:max_length]
    if ids[-1] != eos:
        ids = ids + [eos]
    labels = [-100] * len(prompt) + ids[len(prompt):]
    return ids[:max_length], labels[:max_length]


def ou_chunks(tokenizer, text, max_length):
    """Windows of ids, each decoded, tokenised again with special tokens, cut after 1 + max_length."""
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    pieces = [tokenizer.decode(ids[i * max_length:(i + 1) * max_length], skip_special_tokens=False)
              for i in range(len(ids) // max_length + 1)]
    chunks = [tokenizer.encode(piece, add_special_tokens=True).ids[:1 + max_length]
              for piece in pieces]
    return [chunk for chunk in chunks if len(chunk) > 1]  # the rest has nothing to predict


def write_ou_chunks(out, answers):
    rows = []
    text = "\n\n".join(answers + ["Zwölf Boxkämpfer — 漢字, naïve café!", "  two spaces"])
    for family in ("llama2_json", "smollm2", "llama3"):
        tokenizer = Tokenizer.from_file(str(out / "tokenizer" / family / "tokenizer.json"))
        count = len(tokenizer.encode(text, add_special_tokens=False).ids)
        divisor = next(d for d in range(20, count) if count % d == 0)
        for max_length in (24, 31, divisor, count, count + 5):
            rows.append({"family": family, "text": text, "max_length": max_length,
                         "chunks": ou_chunks(tokenizer, text, max_length)})
    (out / "data" / "ou_chunks.json").write_text(json.dumps(rows) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "golden")
    out = parser.parse_args().out
    lines = (ROOT / "data" / "fiction" / "full.json").read_text(encoding="utf-8").splitlines()
    pairs = [json.loads(line) for line in lines[::20]]
    rows = []
    for family, name, eos_token, template, is_chat in CASES:
        folder = out / "tokenizer" / family
        (folder / "special_tokens_map.json").write_text(json.dumps({"eos_token": eos_token}) + "\n")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        eos = tokenizer.token_to_id(eos_token)
        encode = lambda text: tokenizer.encode(text, add_special_tokens=True).ids
        make = chat if is_chat else plain
        for pair in pairs:
            question, answer = pair["question"], pair["answer"]
            whole = len(make(encode, eos, template, question, answer, 10 ** 6)[0])
            prompt = len(encode(template[0] + question + template[1]
                                + (template[2] if is_chat else "")))
            # Roomy, exactly full (no space for EOS), one too short, cut in the answer.
            for limit in (500, whole, whole - 1, prompt + 2):
                ids, labels = make(encode, eos, template, question, answer, limit)
                rows.append({"family": family, "template": name, "question": question,
                             "answer": answer, "max_length": limit, "tokens": ids,
                             "labels": labels})
    (out / "data").mkdir(parents=True, exist_ok=True)
    text = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    (out / "data" / "examples.json").write_text(f"[{text}]\n", encoding="utf-8")
    write_ou_chunks(out, [pair["answer"] for pair in pairs])
    print(len(rows), "examples")


if __name__ == "__main__":
    main()
