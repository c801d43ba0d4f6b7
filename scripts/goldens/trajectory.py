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
import re

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
    "ga_forgetkl": {"retain_loss": "none"},
    "undial": {"retain_loss": "nll", "retain_weight": 0.5, "beta": 3.0},
    "ceu": {"retain_loss": "none"},
    "pdu": {"retain_loss": "nll", "retain_weight": 0.5, "retain_loss_eps": 4.0,
            "dual_step_size": 0.2, "dual_warmup_epochs": 2},
    "pdu_epoch": {"retain_loss": "nll", "retain_weight": 0.5, "retain_loss_eps": 4.0,
                  "dual_step_size": 0.2, "dual_warmup_epochs": 0, "dual_update_upon": "epoch"},
    "rmu": {"retain_loss": "embed_diff", "layer": 0, "steering_coeff": 3.0,
            "trainable_params_regex": [r"model\.layers\.0\.mlp\..*", r"model\.embed_tokens\.weight"]},
    "npo_batch": {"retain_loss": "nll", "beta": 0.5},
}
# Runs whose name is not the method's, and reference quirks (train.compat).
METHOD_OF = {"npo_kl": "npo", "pdu_epoch": "pdu", "npo_batch": "npo"}
COMPAT = {"npo_batch": ["wmdp_batch_mean"]}


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


def label_tokens(labels):
    """Positions of the label tokens themselves (unshifted)."""
    mask = labels != IGNORED
    mask[:, 0] = False
    return mask


def activation_distance(hidden, target, labels):
    """RMU: squared error's mean over d, over a sequence's label tokens, over sequences."""
    mask = label_tokens(labels).float()
    per_token = (hidden - target).pow(2).mean(-1) * mask
    return (per_token.sum(1) / mask.sum(1)).mean()


def soft_cross_entropy(teacher, logits, mask):
    per_position = -(teacher * torch.log_softmax(logits, -1)).sum(-1)
    return (per_position * mask).sum() / mask.sum()


def undial(options, logits, reference_logits, labels):
    target = labels[:, 1:]
    lowered = reference_logits[:, :-1].clone()
    lowered.scatter_add_(-1, target.clamp(min=0).unsqueeze(-1),
                         torch.full_like(target, -options["beta"], dtype=torch.float).unsqueeze(-1))
    return soft_cross_entropy(lowered.softmax(-1), logits[:, :-1], target != IGNORED)


def ceu(logits, labels):
    """The first label of every sequence is left out."""
    target = labels[:, 1:]
    mask = target != IGNORED
    mask &= mask.cumsum(1) > 1
    without = logits[:, :-1].detach().clone()
    without.scatter_(-1, target.clamp(min=0).unsqueeze(-1), float("-inf"))
    return soft_cross_entropy(without.softmax(-1), logits[:, :-1], mask)


def forget_term(name, options, out, before, labels, mask):
    logits, reference_logits = out.logits, before.logits
    if name == "nll":
        return nll(logits, labels)
    if name in ("ga", "grad_diff", "ga_forgetkl"):
        return -nll(logits, labels)
    if name == "undial":
        return undial(options, logits, reference_logits, labels)
    if name == "ceu":
        return ceu(logits, labels)
    if name.startswith("pdu"):
        at = label_tokens(labels)
        return (logits[at].max(-1).values - logits[at].mean(-1)).pow(2).mean()
    if name == "rmu":
        target = options["steering_coeff"] * torch.tensor(options["direction"])
        return activation_distance(out.hidden_states[options["layer"] + 1], target, labels)
    beta = options["beta"]
    if name == "npo_batch":
        ratio = nll(logits, labels) - nll(reference_logits, labels)
        return -2 / beta * F.logsigmoid(beta * ratio)
    logp, mask = token_logp(logits, labels)
    if name.startswith("npo"):
        reference, _ = token_logp(reference_logits, labels)
        return -2 / beta * F.logsigmoid(-beta * (logp.sum(1) - reference.sum(1))).mean()
    mean = logp.sum(1) / mask.sum(1)
    return -2 / beta * F.logsigmoid(-beta * mean - options["gamma"]).mean()


def retain_term(options, out, before, labels, mask):
    if options["retain_loss"] == "nll":
        return nll(out.logits, labels)
    if options["retain_loss"] == "embed_diff":
        at = options["layer"] + 1
        return activation_distance(out.hidden_states[at], before.hidden_states[at], labels)
    return forward_kl(before.logits, out.logits, mask)


class Dual:
    """PDU's multiplier: the retain weight, moved by the retain loss after each step or epoch."""

    def __init__(self, name, options):
        self.active = name.startswith("pdu")
        self.options = options
        self.value = options.get("retain_weight", 1.0)
        self.eps = options["retain_loss_eps"] if self.active else 0.0
        self.upon = options.get("dual_update_upon", "step")

    def update(self, upon, retain_loss, epoch):
        if self.active and upon == self.upon and epoch >= self.options["dual_warmup_epochs"]:
            self.value = max(0.0, self.value + self.options["dual_step_size"] *
                             (retain_loss - self.eps))


def retain_loss_of_epoch(model, retain, first, count):
    """Token mean over the retain rows that stream positions first … first + count - 1 get."""
    ids, labels, mask = collate([retain[p % len(retain)] for p in range(first, first + count)])
    with torch.no_grad():
        return nll(model(input_ids=ids, attention_mask=mask).logits, labels).item()


def run(name, options, start, forget, retain):
    model, reference = copy.deepcopy(start), copy.deepcopy(start).eval()
    patterns = options.get("trainable_params_regex", [".*"])
    for n, p in model.named_parameters():
        p.requires_grad_(any(re.fullmatch(pattern, n) for pattern in patterns))
    trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    decayed = [p for n, p in trained if "norm" not in n]
    plain = [p for n, p in trained if "norm" in n]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01},
                                   {"params": plain, "weight_decay": 0.0}], lr=LR)
    schedule = get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    dual = Dual(name, options)
    steps = []

    def both(ids, mask):
        arguments = {"input_ids": ids, "attention_mask": mask, "output_hidden_states": True}
        with torch.no_grad():
            before = reference(**arguments)
        return model(**arguments), before

    for step in range(STEPS):
        at = [step * BATCH + i for i in range(BATCH)]
        ids, labels, mask = collate([forget[p % len(forget)] for p in at])
        out, before = both(ids, mask)
        forget_loss = forget_term(name, options, out, before, labels, mask)
        loss = options.get("forget_weight", 1.0) * forget_loss
        record = {"forget": forget_loss.item()}
        if name == "ga_forgetkl":
            loss = loss + forward_kl(before.logits, out.logits, mask)
        if options["retain_loss"] != "none":
            ids, labels, mask = collate([retain[p % len(retain)] for p in at])
            out, before = both(ids, mask)
            retain_loss = retain_term(options, out, before, labels, mask)
            loss = loss + dual.value * (retain_loss - dual.eps)
            record["retain"] = retain_loss.item()
            dual.update("step", retain_loss.item(), step * BATCH / len(forget))
        record["loss"] = loss.item()
        optimizer.zero_grad()
        loss.backward()
        record["grad_norm"] = torch.nn.utils.clip_grad_norm_([p for _, p in trained], 1.0).item()
        optimizer.step()
        schedule.step()
        # Epochs as the trainer counts them: floor(rows / batch) steps.
        if dual.upon == "epoch" and (step + 1) % (len(forget) // BATCH) == 0:
            end = (step + 1) * BATCH
            first = max(0, end - len(forget))
            dual.update("epoch", retain_loss_of_epoch(model, retain, first, end - first),
                        end / len(forget))
        steps.append(record)
    samples = {n: p.detach().flatten()[:: max(1, p.numel() // 64)][:64].tolist()
               for n, p in model.named_parameters()}
    return {"method": METHOD_OF.get(name, name), "compat": COMPAT.get(name, []),
            "options": options, "steps": steps, "final": samples}


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
    direction = torch.rand(config.hidden_size, generator=torch.Generator().manual_seed(13))
    METHODS["rmu"]["direction"] = (direction / direction.norm()).tolist()
    results = {name: run(name, options, model, forget, retain) for name, options in METHODS.items()}
    (out / "examples.json").write_text(json.dumps({"forget": forget, "retain": retain}))
    (out / "runs.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
