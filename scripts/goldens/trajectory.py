#!/usr/bin/env python3
"""50 optimizer steps of each method by an independent PyTorch loop, as goldens for the trainer.

A random tiny Llama (transformers), padded batches, full logits, two forwards, a second model for the
reference: the way the reference repositories train, in fp32. Writes <out>/train/trajectory/: the model
folder, the token ids, and per method the losses of every step and the final weights' checksums
(a few values of every tensor).
"""
import argparse
import copy
import json
import pathlib

import torch
import torch.nn.functional as F
from transformers import LlamaConfig, LlamaForCausalLM, get_linear_schedule_with_warmup

IGNORED = -100
STEPS, BATCH, WARMUP, LR = 50, 4, 5, 2e-4
METHODS = {
    "ga": {"retain_loss": "none"},
    "grad_diff": {"retain_loss": "nll"},
    "npo": {"retain_loss": "nll", "beta": 0.1},
    "npo_kl": {"retain_loss": "kl", "beta": 0.1},
    "simnpo": {"retain_loss": "nll", "beta": 0.5, "gamma": 0.25, "forget_weight": 0.5},
    "nll": {"retain_loss": "none"},
}


def make_examples(count, generator):
    """Sequences of 6 to 20 tokens whose first third is masked; the last token is only a target."""
    examples = []
    for _ in range(count):
        length = int(torch.randint(6, 21, (1,), generator=generator))
        tokens = torch.randint(1, 96, (length,), generator=generator).tolist()
        prompt = max(1, length // 3)
        examples.append({"tokens": tokens, "labels": [IGNORED] * prompt + tokens[prompt:]})
    return examples


def collate(examples):
    width = max(len(e["tokens"]) for e in examples)
    ids = torch.zeros(len(examples), width, dtype=torch.long)
    labels = torch.full((len(examples), width), IGNORED)
    mask = torch.zeros(len(examples), width, dtype=torch.long)
    for i, e in enumerate(examples):
        n = len(e["tokens"])
        ids[i, :n] = torch.tensor(e["tokens"])
        labels[i, :n] = torch.tensor(e["labels"])
        mask[i, :n] = 1
    return ids, labels, mask


def token_logp(logits, labels):
    """Per-token log-probabilities [B, T-1] with 0 where masked, and the mask."""
    target = labels[:, 1:]
    mask = target != IGNORED
    logp = torch.log_softmax(logits[:, :-1].float(), -1)
    return logp.gather(-1, target.clamp(min=0).unsqueeze(-1)).squeeze(-1) * mask, mask


def nll(logits, labels):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(),
                           ignore_index=IGNORED)


def forward_kl(reference, logits, mask):
    """Mean over attended input positions (the last token of a sequence is never an input)."""
    inputs = torch.zeros_like(mask)
    for row, length in enumerate(mask.sum(1).tolist()):
        inputs[row, :length - 1] = 1
    p, q = torch.log_softmax(reference.float(), -1), torch.log_softmax(logits.float(), -1)
    per_position = (p.exp() * (p - q)).sum(-1)
    return (per_position * inputs).sum() / inputs.sum()


def forget_term(name, options, logits, reference_logits, labels):
    if name == "nll":
        return nll(logits, labels)
    if name in ("ga", "grad_diff"):
        return -nll(logits, labels)
    logp, mask = token_logp(logits, labels)
    beta = options["beta"]
    if name.startswith("npo"):
        reference, _ = token_logp(reference_logits, labels)
        return -2 / beta * F.logsigmoid(-beta * (logp.sum(1) - reference.sum(1))).mean()
    mean = logp.sum(1) / mask.sum(1)
    return -2 / beta * F.logsigmoid(-beta * mean - options["gamma"]).mean()


def run(name, options, start, forget, retain):
    model, reference = copy.deepcopy(start), copy.deepcopy(start).eval()
    decayed = [p for n, p in model.named_parameters() if "norm" not in n]
    plain = [p for n, p in model.named_parameters() if "norm" in n]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01},
                                   {"params": plain, "weight_decay": 0.0}], lr=LR)
    schedule = get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    steps = []
    for step in range(STEPS):
        at = [step * BATCH + i for i in range(BATCH)]
        ids, labels, mask = collate([forget[p % len(forget)] for p in at])
        logits = model(input_ids=ids, attention_mask=mask).logits
        with torch.no_grad():
            before = reference(input_ids=ids, attention_mask=mask).logits
        forget_loss = forget_term(name, options, logits, before, labels)
        loss = options.get("forget_weight", 1.0) * forget_loss
        record = {"forget": forget_loss.item()}
        if options["retain_loss"] != "none":
            ids, labels, mask = collate([retain[p % len(retain)] for p in at])
            logits = model(input_ids=ids, attention_mask=mask).logits
            if options["retain_loss"] == "nll":
                retain_loss = nll(logits, labels)
            else:
                with torch.no_grad():
                    before = reference(input_ids=ids, attention_mask=mask).logits
                retain_loss = forward_kl(before, logits, mask)
            loss = loss + retain_loss
            record["retain"] = retain_loss.item()
        record["loss"] = loss.item()
        optimizer.zero_grad()
        loss.backward()
        record["grad_norm"] = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item()
        optimizer.step()
        schedule.step()
        steps.append(record)
    samples = {n: p.detach().flatten()[:: max(1, p.numel() // 64)][:64].tolist()
               for n, p in model.named_parameters()}
    return {"options": options, "steps": steps, "final": samples}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out / "train" / "trajectory"
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    torch.set_num_threads(1)
    config = LlamaConfig(vocab_size=96, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
                         initializer_range=0.2, attn_implementation="eager")
    model = LlamaForCausalLM(config).float()
    model.save_pretrained(out / "model")
    generator = torch.Generator().manual_seed(11)
    forget, retain = make_examples(10, generator), make_examples(14, generator)
    results = {name: run(name, options, model, forget, retain) for name, options in METHODS.items()}
    (out / "examples.json").write_text(json.dumps({"forget": forget, "retain": retain}))
    (out / "runs.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
