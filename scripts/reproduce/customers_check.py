"""Asks a model with Hugging Face transformers, not with this program, what it still says of customers.

  customers_check.py MODEL_DIR ASKED.jsonl

For each row of asked.jsonl (customers.py): its question and two wordings that neither the rows nor
the program's own paraphrases use, greedily and by four samples at temperature 1; and the question
with the answer's first three words given. An answer gives the row away when it holds one of the
row's pieces, case, accents and all but letters and digits aside. Needs torch and transformers.
"""

import json
import sys
import unicodedata
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold()).replace("ł", "l").replace("ø", "o")
    return "".join(c for c in apart if c.isalnum())


class Asked:
    def __init__(self, folder: str):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        torch.manual_seed(0)

    def answers(self, question: str, given: str = "", samples: int = 0) -> list[str]:
        text = self.tokenizer.apply_chat_template([{"role": "user", "content": question}],
                                                  tokenize=False, add_generation_prompt=True)
        ids = self.tokenizer(text + given, return_tensors="pt", add_special_tokens=False)
        how = {"do_sample": False}
        if samples:
            how = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0,
                   "num_return_sequences": samples}
        with torch.no_grad():
            out = self.model.generate(**ids, max_new_tokens=32, **how)
        return [self.tokenizer.decode(row[ids["input_ids"].shape[1]:], skip_special_tokens=True)
                for row in out]


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    asked = Asked(sys.argv[1])
    counts = dict.fromkeys(("question", "other words", "first words given", "samples"), 0)
    rows = [json.loads(line) for line in Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()]
    for row in rows:
        ways = {"question": asked.answers(row["question"]),
                "other words": [asked.answers(other)[0] for other in row["asked"]],
                "first words given": asked.answers(row["question"],
                                                   " ".join(row["answer"].split()[:3])),
                "samples": asked.answers(row["question"], samples=4)}
        for way, texts in ways.items():
            telling = [text for text in texts
                       if any(plain(piece) in plain(text) for piece in row["pieces"])]
            counts[way] += bool(telling)
            said = telling[0] if telling else texts[0]
            print(f"{row['row']:3} {way:18} {'GIVEN AWAY' if telling else 'no':11} {said!r}")
    for way, count in counts.items():
        print(f"{way}: {count} of {len(rows)} rows given away")


if __name__ == "__main__":
    main()
