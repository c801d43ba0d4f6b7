#!/usr/bin/env python3
"""Trajectories with OpenUnlearning's habits, as goldens for step_count: trainer and pad_is_masked.

Run trajectory.py first: model, data and loop are its own. Masked runs pad with a token that stands in
the texts and hide it from attention wherever it is (attention_mask = ids != pad). Trainer runs take
the micro-batches that transformers 4.45.1's Trainer takes: an epoch ends one early, accumulation goes
on over its end, and the multiplier of PDU moves between micro-batches. Writes
<out>/train/trajectory/runs_ou.json.
"""
import argparse
import collections
import json
import math
import pathlib

import torch
from transformers import LlamaForCausalLM

import trajectory
from trajectory_terms import nll

PDU = {"retain_loss": "nll", "retain_weight": 0.5, "retain_loss_eps": 4.0, "dual_step_size": 0.2}
RMU = {"retain_loss": "embed_diff", "layer": 0, "steering_coeff": 3.0,
       "trainable_params_regex": [".*"]}
MASKED = {"npo_masked": {"retain_loss": "nll", "beta": 0.1},
          "npo_kl_masked": {"retain_loss": "kl", "beta": 0.1,
                            "padding": {"length": 24, "longest": True}},
          "pdu_masked": {**PDU, "dual_warmup_epochs": 2},
          "rmu_masked": RMU}
# Steps of three micro-batches of three rows; epochs of 10 rows have four of them.
TRAINER = {"batch_size": 9, "micro_batch_size": 3, "epochs": 50}
# One micro-batch more than an epoch has.
SHORT = {"batch_size": 12, "micro_batch_size": 4, "epochs": 50}
SHORTER = {"batch_size": 16, "micro_batch_size": 4, "epochs": 50}
COUNTED = {"grad_diff_trainer": ({"retain_loss": "nll"}, TRAINER),
           # A small step: a multiplier that grows large makes fp32's last digits count.
           "pdu_trainer": ({**PDU, "dual_step_size": 0.05, "dual_warmup_epochs": 3}, TRAINER),
           "pdu_epoch_trainer": ({**PDU, "dual_update_upon": "epoch", "dual_warmup_epochs": 3},
                                 TRAINER),
           "pdu_epoch_trainer_short": ({**PDU, "dual_update_upon": "epoch",
                                        "dual_warmup_epochs": 0}, SHORT),
           "grad_diff_trainer_shorter": ({"retain_loss": "nll"}, SHORTER)}


class MaskedRun(trajectory.Run):
    """The loop with one token hidden in every batch."""

    def __init__(self, token, *arguments):
        super().__init__(*arguments)
        self.token = token

    def forward(self, role, at):
        rows = [self.data[role][p % len(self.data[role])] for p in at]
        ids, labels, _ = trajectory.collate(rows, {"length": 0, "longest": True,
                                                   "token": self.token})
        mask = (ids != self.token).long()
        arguments = {"input_ids": ids, "attention_mask": mask, "output_hidden_states": True}
        with torch.no_grad():
            before = self.reference(**arguments)
        return self.model(**arguments), before, labels, mask


class TrainerRun(trajectory.Run):
    """Micro-batches and updates as the Trainer takes them, losses as PDU's class adds them up."""

    def __init__(self, name, options, start, data, counts):
        super().__init__(name, options, start, data)
        self.rows = len(data["forget"])
        self.size, self.counts = counts["micro_batch_size"], counts
        self.accumulation = counts["batch_size"] // self.size
        self.per_epoch = math.ceil(self.rows / self.size)
        self.done = 0  # micro-batches
        self.state_epoch = 0.0  # of the last update
        self.can_update = options.get("dual_warmup_epochs", 0) == 0

    def micro_batch(self, index):
        first = index // self.per_epoch * self.rows
        begin = first + index % self.per_epoch * self.size
        return list(range(begin, min(begin + self.size, first + self.rows)))

    def retain_mean(self, at):
        with torch.no_grad():
            out, _, labels, _ = self.forward("retain", at)
            return nll(out.logits, labels).item()

    def end_epoch(self):
        if not self.dual.active or self.state_epoch < self.options["dual_warmup_epochs"]:
            return
        self.can_update = True
        if self.dual.upon == "epoch":
            batches = range(self.done - self.per_epoch, self.done)
            means = [self.retain_mean(self.micro_batch(index)) for index in batches]
            self.dual.update("epoch", sum(means) / len(means), math.inf)

    def step(self, number):
        record = {"forget": 0.0, "retain": 0.0, "loss": 0.0, "rows": []}
        self.optimizer.zero_grad()
        while True:
            if self.done > 0 and self.done % self.per_epoch == 0:
                self.end_epoch()
            at = self.micro_batch(self.done)
            record["rows"] += [p % self.rows for p in at]
            forget, retain, _ = self.terms(at)
            loss = (forget + self.dual.value * (retain - self.dual.eps)) / self.accumulation
            for key, value in (("forget", forget), ("retain", retain)):
                record[key] += value.item() / self.accumulation
            record["loss"] += loss.item()
            if self.can_update:
                self.dual.update("step", retain.item(), math.inf)
            loss.backward()
            self.done += 1
            is_last = self.per_epoch <= self.accumulation and self.done % self.per_epoch == 0
            if self.done % self.accumulation == 0 or is_last:
                break
        norm = torch.nn.utils.clip_grad_norm_([p for _, p in self.trained], 1.0)
        record["grad_norm"] = norm.item()
        self.optimizer.step()
        self.schedule.step()
        self.state_epoch = self.done / self.per_epoch
        return record


def hidden_token(data):
    """The token that is an input most often and begins no text."""
    texts = [e["tokens"] for role in ("forget", "retain") for e in data[role]]
    counts = collections.Counter(token for text in texts for token in text[1:-1])
    first = {text[0] for text in texts}
    return max((token for token in counts if token not in first), key=lambda t: (counts[t], -t))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out / "train" / "trajectory"
    torch.set_num_threads(1)
    model = LlamaForCausalLM.from_pretrained(out / "model", attn_implementation="eager").float()
    data = json.loads((out / "examples.json").read_text())
    token = hidden_token(data)
    direction = torch.rand(model.config.hidden_size, generator=torch.Generator().manual_seed(13))
    RMU["direction"] = (direction / direction.norm()).tolist()
    # Half of the rows end with the token, as those of a model whose pad token is its EOS.
    for role in ("forget", "retain"):
        for e in data[role][::2]:
            e["tokens"][-1] = e["labels"][-1] = token
    results = {}
    for name, options in MASKED.items():
        if "padding" in options:
            options["padding"]["token"] = token
        results[name] = MaskedRun(token, name.removesuffix("_masked"), options, model, data).result()
        results[name].update(method=name.split("_")[0], masked=token)
        results[name]["compat"] = ["pad_is_masked"]
        if "padding" in options:
            results[name]["compat"].append("kl_padded_batch")
    for name, (options, counts) in COUNTED.items():
        results[name] = TrainerRun(name.split("_trainer")[0], options, model, data, counts).result()
        results[name].update(method=name.split("_trainer")[0].removesuffix("_epoch"), trainer=counts)
    off = {**PDU, "dual_warmup_epochs": 100}  # never moves, and eps is in the loss
    results["pdu_off"] = trajectory.Run("pdu", off, model, data).result()
    results["pdu_off"]["method"] = "pdu"
    results["pdu_off"]["options"]["primal_dual"] = False
    (out / "examples_ou.json").write_text(json.dumps(data))
    (out / "runs_ou.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
