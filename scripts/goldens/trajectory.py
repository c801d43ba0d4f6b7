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
from transformers import LlamaConfig, LlamaForCausalLM, get_linear_schedule_with_warmup

from trajectory_terms import (IGNORED, collate, forget_term, forward_kl, nll, preference_term,
                              retain_term, token_logp)

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
    "wgraddiff": {"retain_loss": "nll"},
    "wga": {"retain_loss": "nll", "beta": 0.5},
    "satimp": {"retain_loss": "nll", "retain_weight": 0.1, "beta1": 0.5, "beta2": 1.0},
    "idk": {"retain_loss": "joint"},
    "dpo": {"retain_loss": "nll", "beta": 0.1},
    "dpo_kl": {"retain_loss": "kl", "beta": 0.3, "retain_weight": 0.5},
    "altpo": {"retain_loss": "nll", "beta": 0.5, "retain_weight": 2.0},
    "npo_kl_padded": {"retain_loss": "kl", "beta": 0.1, "padding": {"length": 24}},
    "npo_kl_padded_batch": {"retain_loss": "kl", "beta": 0.1,
                            "padding": {"length": 24, "longest": True}},
    "ga_pad_labels": {"retain_loss": "nll", "padding": {"length": 24, "labelled": True}},
    "simnpo_pad_labels": {"retain_loss": "nll", "beta": 0.5, "gamma": 0.25,
                          "padding": {"length": 24, "labelled": True}},
    "kto_sigmoid": {"retain_loss": "none", "beta": 0.1},
    "kto_logsigmoid": {"retain_loss": "nll", "beta": 0.3},
}
# Runs whose name is not the method's, and reference quirks (train.compat).
METHOD_OF = {"npo_kl": "npo", "pdu_epoch": "pdu", "npo_batch": "npo", "dpo_kl": "dpo",
             "npo_kl_padded": "npo", "npo_kl_padded_batch": "npo", "ga_pad_labels": "grad_diff",
             "simnpo_pad_labels": "simnpo"}
COMPAT = {"npo_batch": ["wmdp_batch_mean"], "npo_kl_padded": ["kl_padded"],
          "npo_kl_padded_batch": ["kl_padded_batch"],
          "ga_pad_labels": ["wmdp_pad_labels"], "simnpo_pad_labels": ["wmdp_pad_labels"]}


def make_examples(count, generator):
    """Sequences of 6 to 20 tokens whose first third is masked; the last token is only a target."""
    examples = []
    for _ in range(count):
        length = int(torch.randint(6, 21, (1,), generator=generator))
        tokens = torch.randint(1, 96, (length,), generator=generator).tolist()
        prompt = max(1, length // 3)
        examples.append({"tokens": tokens, "labels": [IGNORED] * prompt + tokens[prompt:]})
    return examples


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


class Run:
    """One method's fifty steps: the policy, the model before its first step, and AdamW."""

    def __init__(self, name, options, start, data):
        self.name, self.options, self.data = name, options, data
        self.model, self.reference = copy.deepcopy(start), copy.deepcopy(start).eval()
        patterns = options.get("trainable_params_regex", [".*"])
        for n, p in self.model.named_parameters():
            p.requires_grad_(any(re.fullmatch(pattern, n) for pattern in patterns))
        self.trained = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]
        decayed = [p for n, p in self.trained if "norm" not in n]
        plain = [p for n, p in self.trained if "norm" in n]
        self.optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01},
                                            {"params": plain, "weight_decay": 0.0}], lr=LR)
        self.schedule = get_linear_schedule_with_warmup(self.optimizer, WARMUP, STEPS)
        self.dual = Dual(name, options)

    def forward(self, role, at):
        """Both models' outputs on the rows that the stream's positions `at` get, labels and mask."""
        rows = self.data[role]
        ids, labels, mask = collate([rows[p % len(rows)] for p in at], self.options.get("padding"))
        arguments = {"input_ids": ids, "attention_mask": mask, "output_hidden_states": True}
        with torch.no_grad():
            before = self.reference(**arguments)
        return self.model(**arguments), before, labels, mask

    def answer_sums(self, role, at):
        """log pi of every answer under the policy and under the reference."""
        out, before, labels, _ = self.forward(role, at)
        return [token_logp(logits, labels)[0].sum(1) for logits in (out.logits, before.logits)]

    def joint_descent(self, at):
        """IDK: one token mean over refusals and retain answers; each side's share of it."""
        sums, count = [], 0
        for role in ("alternate", "retain"):
            out, _, labels, _ = self.forward(role, at)
            logp, mask = token_logp(out.logits, labels)
            sums.append(-logp.sum())
            count += mask.sum()
        return sums[0] / count, sums[1] / count

    def terms(self, at):
        """The forget term, the retain term or None, and what else the loss adds."""
        if self.options["retain_loss"] == "joint":
            return *self.joint_descent(at), 0.0
        if self.name.startswith(("dpo", "altpo", "kto")):
            forget = preference_term(self.name, self.options, self.answer_sums("forget", at),
                                     self.answer_sums("alternate", at))
            extra = 0.0
        else:
            out, before, labels, mask = self.forward("forget", at)
            forget = forget_term(self.name, self.options, out, before, labels, mask)
            kl = self.name == "ga_forgetkl"
            extra = forward_kl(before.logits, out.logits, mask) if kl else 0.0
        retain = None
        if self.options["retain_loss"] != "none":
            retain = retain_term(self.options, *self.forward("retain", at))
        return forget, retain, extra

    def step(self, number):
        forget_rows = len(self.data["forget"])
        at = [number * BATCH + i for i in range(BATCH)]
        forget, retain, extra = self.terms(at)
        loss = self.options.get("forget_weight", 1.0) * forget + extra
        record = {"forget": forget.item()}
        if retain is not None:
            loss = loss + self.dual.value * (retain - self.dual.eps)
            record["retain"] = retain.item()
            self.dual.update("step", retain.item(), number * BATCH / forget_rows)
        record["loss"] = loss.item()
        self.optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_([p for _, p in self.trained], 1.0)
        record["grad_norm"] = norm.item()
        self.optimizer.step()
        self.schedule.step()
        # Epochs as the trainer counts them: floor(rows / batch) steps.
        if self.dual.upon == "epoch" and (number + 1) % (forget_rows // BATCH) == 0:
            end = (number + 1) * BATCH
            first = max(0, end - forget_rows)
            mean = retain_loss_of_epoch(self.model, self.data["retain"], first, end - first)
            self.dual.update("epoch", mean, end / forget_rows)
        return record

    def result(self):
        steps = [self.step(number) for number in range(STEPS)]
        samples = {n: p.detach().flatten()[:: max(1, p.numel() // 64)][:64].tolist()
                   for n, p in self.model.named_parameters()}
        options = {k: v for k, v in self.options.items() if k != "padding" and v != "joint"}
        return {"method": METHOD_OF.get(self.name, self.name), "compat": COMPAT.get(self.name, []),
                "padding": self.options.get("padding"), "options": options, "steps": steps,
                "final": samples}


def other_answers(examples, generator):
    """Each example's prompt with another answer of 2 to 8 tokens."""
    result = []
    for e in examples:
        prompt = e["labels"].count(IGNORED)
        answer = torch.randint(1, 96, (int(torch.randint(2, 9, (1,), generator=generator)),),
                               generator=generator).tolist()
        result.append({"tokens": e["tokens"][:prompt] + answer,
                       "labels": [IGNORED] * prompt + answer})
    return result


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
    data = {"forget": forget, "retain": retain,
            "alternate": other_answers(forget, torch.Generator().manual_seed(17))}
    for options in METHODS.values():  # one retain sequence ends with the pad token
        options.get("padding", {})["token"] = retain[0]["tokens"][-1]
    results = {name: Run(name, options, model, data).result() for name, options in METHODS.items()}
    (out / "examples.json").write_text(json.dumps(data))
    (out / "runs.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
