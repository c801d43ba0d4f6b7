"""A tiny random Llama with a tokenizer, and what transformers says about texts by it.

Writes OUT/commands/model (a Hugging Face folder) and OUT/commands/golden.json: `score` rows
{input, input_ids, labels, token_logprobs}, `generate` rows {input, template, ids}, and `stops` rows
{file, eos_token_id, input_ids, ids}: what is generated when a side file lists several stop tokens.
Run tokenizer.py and data.py first. Needs torch, transformers and tokenizers.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

ROOT = Path(__file__).resolve().parents[2]
NEW_TOKENS = 12


def make_model(folder, source):
    torch.manual_seed(11)
    config = LlamaConfig(vocab_size=1024, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
                         num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True,
                         max_position_embeddings=256, bos_token_id=None, eos_token_id=0)
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.copy_(0.4 * torch.randn(parameter.shape))
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    for name in ("tokenizer.json", "special_tokens_map.json"):
        shutil.copy(source / name, folder / name)
    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def token_log_probs(model, ids, labels):
    logits = model(input_ids=torch.tensor([ids])).logits[0].double()
    log_probs = torch.log_softmax(logits[:-1], -1)
    return [log_probs[t - 1, labels[t]].item() for t in range(1, len(ids)) if labels[t] != -100]


def generate_with_stops(source, eos, prompts):
    """transformers' own choice of the stop tokens: generation_config.json, without it config.json."""
    rows = []
    for name in ("generation_config.json", "config.json"):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "model"
            shutil.copytree(source, folder)
            # The second stop token is one that the free continuation holds in its middle.
            stops = [eos, prompts[0]["free"][NEW_TOKENS // 2]]
            path = folder / name
            content = json.loads(path.read_text()) if path.exists() else {}
            path.write_text(json.dumps(content | {"eos_token_id": stops}))
            model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
            for prompt in prompts:
                tokens = torch.tensor([prompt["ids"]])
                made = model.generate(tokens, attention_mask=torch.ones_like(tokens), do_sample=False,
                                      max_new_tokens=NEW_TOKENS, pad_token_id=eos)
                new = made[0, len(prompt["ids"]):].tolist()
                rows.append({"file": name, "eos_token_id": stops, "input_ids": prompt["ids"],
                             "ids": new[:-1] if new[-1] in stops else new})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "golden")
    out = parser.parse_args().out / "commands"
    folder = out / "model"
    folder.mkdir(parents=True, exist_ok=True)
    model = make_model(folder, out.parent / "tokenizer" / "smollm2")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    eos = tokenizer.token_to_id("<|endoftext|>")
    encode = lambda text: tokenizer.encode(text).ids
    score = []

    def add(row, ids, labels):
        score.append({"input": row, "input_ids": ids, "labels": labels,
                      "token_logprobs": token_log_probs(model, ids, labels)})

    lines = (ROOT / "data" / "fiction" / "full.json").read_text(encoding="utf-8").splitlines()
    for pair in map(json.loads, lines[3:120:30]):
        masked = len(encode(f"Question: {pair['question']}\n"))
        ids = encode(f"Question: {pair['question']}\nAnswer: {pair['answer']}") + [eos]
        add({"prompt": pair["question"], "answer": pair["answer"]}, ids,
            [-100] * masked + ids[masked:])
        ids = encode(pair["answer"])
        add({"text": pair["answer"]}, ids, [-100] + ids[1:])
    ids = [5, 900, 17, 300, 301, 8]
    labels = [-100, 900, -100, 300, -100, 8]
    add({"input_ids": ids, "labels": labels}, ids, labels)

    generate, free = [], []
    questions = [json.loads(line)["question"] for line in lines[5:60:20]]
    for row, template, ids in [
            *[({"prompt": q}, "phi", encode(f"Question: {q}\n")) for q in questions],
            ({"prompt": "The harbour "}, "none", encode("The harbour ")),
            ({"input_ids": [5, 900, 17]}, "phi", [5, 900, 17])]:
        tokens = torch.tensor([ids])
        made = model.generate(tokens, attention_mask=torch.ones_like(tokens), do_sample=False,
                              max_new_tokens=NEW_TOKENS, eos_token_id=eos, pad_token_id=eos)
        new = made[0, len(ids):].tolist()
        generate.append({"input": row, "template": template,
                         "ids": new[:new.index(eos)] if eos in new else new})
        free.append({"ids": ids, "free": new})
    stops = generate_with_stops(folder, eos, free)
    (out / "golden.json").write_text(
        json.dumps({"score": score, "generate": generate, "stops": stops}) + "\n")


if __name__ == "__main__":
    main()
