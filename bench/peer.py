"""The PyTorch loops `unlearn` is compared with, as a worker under remote control (same protocol as
bench/train_steps.cpp): padded batches, one forward for forget and one for retain, full logits, AdamW
with gradient clipping at 1.0, a second model for the reference.

P1  transformers' modules, eager, SDPA. As OpenUnlearning calls them, the forget batch passes its
    labels to the model too, so the model's own (unused) loss is computed beside SimNPO's.
P2  P1 with torch.compile(dynamic=True).
"""
import copy
import json
import pathlib
import resource
import sys
import time

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts/goldens"))
from trajectory_terms import IGNORED, collate  # noqa: E402


def batch_of(examples):
    return dict(zip(("input_ids", "labels", "attention_mask"), collate(examples)))


def sequence_nll(model, batch):
    """Sum of -log p over each sequence's labels [B], from full logits."""
    logits = model(**batch).logits[:, :-1]
    target = batch["labels"][:, 1:]
    losses = F.cross_entropy(logits.transpose(1, 2), target, ignore_index=IGNORED, reduction="none")
    return losses.sum(1), logits


def forward_kl(reference_logits, logits, mask):
    """Mean over attended input positions (the masked definition; pads never count)."""
    inputs = mask[:, 1:].to(logits.dtype)  # position t is an input when token t + 1 exists
    p, q = F.log_softmax(reference_logits, -1), F.log_softmax(logits, -1)
    return ((p.exp() * (p - q)).sum(-1) * inputs).sum() / inputs.sum()


def loss_of(model, reference, method, options, forget, retain):
    nll, _ = sequence_nll(model, forget)
    if method == "simnpo":
        count = (forget["labels"][:, 1:] != IGNORED).sum(1)
        beta = options["beta"]
        loss = -2 / beta * F.logsigmoid(beta * nll / count - options.get("gamma", 0.0)).mean()
    else:
        with torch.no_grad():
            before, _ = sequence_nll(reference, forget)
        beta = options["beta"]
        loss = -2 / beta * F.logsigmoid(beta * (nll - before)).mean()
    loss = options.get("forget_weight", 1.0) * loss
    if options.get("retain_loss", "nll") == "nll":
        return loss + model(**retain).loss
    logits = model(**retain).logits[:, :-1]
    with torch.no_grad():
        before = reference(**retain).logits[:, :-1]
    return loss + forward_kl(before, logits, retain["attention_mask"])


def make_optimizer(model, lr):
    """The Hugging Face Trainer's default: fused AdamW, no decay for biases and norms."""
    decayed = [p for n, p in model.named_parameters() if p.dim() >= 2]
    plain = [p for n, p in model.named_parameters() if p.dim() < 2]
    return torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01},
                              {"params": plain, "weight_decay": 0.0}], lr=lr, fused=True)


def say(line):
    print(json.dumps(line), flush=True)


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main():
    spec = json.load(open(sys.argv[1]))
    rows = json.load(open(spec["examples"]))
    forget, retain = rows["forget"], rows["retain"]
    model = AutoModelForCausalLM.from_pretrained(spec["model"], dtype=torch.float32,
                                                 attn_implementation="sdpa").train()
    model.config.use_cache = False
    needs_reference = spec["method"] != "simnpo" or spec["options"].get("retain_loss") == "kl"
    reference = copy.deepcopy(model).eval().requires_grad_(False) if needs_reference else None
    optimizer = make_optimizer(model, spec["lr"])
    runner = torch.compile(model, dynamic=True) if spec.get("compile") else model
    batch = spec["batch_size"]
    say({"ready": True, "peak_bytes": peak_bytes()})
    for step in range(spec["steps"]):
        if not sys.stdin.readline():
            return
        start, cpu = time.perf_counter(), time.process_time()
        at = [step * batch + i for i in range(batch)]
        loss = loss_of(runner, reference, spec["method"], spec["options"],
                       batch_of([forget[p % len(forget)] for p in at]),
                       batch_of([retain[p % len(retain)] for p in at]))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        say({"loss": loss.item(), "grad_norm": norm.item(),
             "seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu,
             "peak_bytes": peak_bytes()})


if __name__ == "__main__":
    main()
