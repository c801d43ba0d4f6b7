#!/usr/bin/env python3
"""50 optimizer steps under the update rules sam and gru by the trajectories' independent PyTorch loop.

The loop, model and examples are those of trajectory.py (run it first); what happens between the loss
and AdamW is written out here with torch.autograd.grad: arXiv 2502.05374 (SAM on the forget part) and
arXiv 2503.09117 (GRU). Writes <out>/train/trajectory/updates.json.
"""
import argparse
import json
import math
import pathlib

import torch
from transformers import LlamaForCausalLM

import trajectory

# Name of the run: rule and its settings, and the method.
RUNS = {f"sam_{method}": ({"name": "sam", "rho": 0.3}, method)
        for method in ("simnpo", "ga", "ga_forgetkl", "npo_kl", "npo_batch", "idk", "dpo_kl",
                       "kto_logsigmoid", "rmu", "pdu")}
RUNS |= {f"gru_{method}": ({"name": "gru"}, method)
         for method in ("simnpo", "kto_logsigmoid", "pdu")}
RUNS["gru_forget_simnpo"] = ({"name": "gru", "objective": "forget", "smoothing": 0.6}, "simnpo")
RUNS["gru_added_simnpo"] = ({"name": "gru", "objective": "forget", "added_retain": 1.0,
                             "cos_clip": True}, "simnpo")


def inner(a, b):
    return sum((x.double() * y.double()).sum().item() for x, y in zip(a, b))


class UpdateRun(trajectory.Run):
    def __init__(self, rule, name, options, start, data):
        super().__init__(name, options, start, data)
        self.rule = rule
        self.parameters = [p for _, p in self.trained]
        self.mean = [torch.zeros_like(p) for p in self.parameters]
        self.projected = 0

    def gradient(self, value):
        parts = torch.autograd.grad(value, self.parameters, retain_graph=True, allow_unused=True)
        return [torch.zeros_like(p) if g is None else g for p, g in zip(self.parameters, parts)]

    def forget_part(self, at):
        forget, retain, extra = self.terms(at)
        return self.options.get("forget_weight", 1.0) * forget + extra, forget, retain

    def sharpness_aware(self, at, part, retain):
        direction = self.gradient(part)
        scale = self.rule["rho"] / math.sqrt(inner(direction, direction))
        before = [p.detach().clone() for p in self.parameters]
        with torch.no_grad():
            for p, g in zip(self.parameters, direction):
                p.add_(g, alpha=scale)
        moved = self.gradient(self.forget_part(at)[0])
        with torch.no_grad():
            for p, old in zip(self.parameters, before):
                p.copy_(old)
        if retain is None:
            return moved
        kept = self.gradient(self.forget_part(at)[2])
        return [a + self.dual.value * b for a, b in zip(moved, kept)]

    def rectified(self, part, retain):
        a = self.rule.get("smoothing", 0.8)
        kept, gradient = self.gradient(retain), self.gradient(part)
        self.mean = [a * g + (1 - a) * m for g, m in zip(kept, self.mean)]
        if self.rule.get("objective", "all") == "all":
            gradient = [f + self.dual.value * g for f, g in zip(gradient, kept)]
        product = inner(gradient, self.mean)
        if product < 0:
            self.projected += 1
            length = math.sqrt(inner(self.mean, self.mean))
            cosine = product / (math.sqrt(inner(gradient, gradient)) * length)
            if self.rule.get("cos_clip"):
                cosine = max(cosine, -0.5)
            factor = cosine * math.sqrt(inner(gradient, gradient)) / length
            gradient = [g - factor * m for g, m in zip(gradient, self.mean)]
        added = self.rule.get("added_retain", 0.0)
        return [g + added * k for g, k in zip(gradient, kept)]

    def step(self, number):
        at = [number * trajectory.BATCH + i for i in range(trajectory.BATCH)]
        part, forget, retain = self.forget_part(at)
        loss = part
        record = {"forget": forget.item()}
        if retain is not None:
            loss = loss + self.dual.value * (retain - self.dual.eps)
            record["retain"] = retain.item()
        record["loss"] = loss.item()
        made = (self.sharpness_aware(at, part, retain) if self.rule["name"] == "sam"
                else self.rectified(part, retain))
        if retain is not None:
            self.dual.update("step", retain.item(),
                             number * trajectory.BATCH / len(self.data["forget"]))
        for p, g in zip(self.parameters, made):
            p.grad = g
        record["grad_norm"] = torch.nn.utils.clip_grad_norm_(self.parameters, 1.0).item()
        self.optimizer.step()
        self.schedule.step()
        return record


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out / "train" / "trajectory"
    torch.set_num_threads(1)
    model = LlamaForCausalLM.from_pretrained(out / "model", attn_implementation="eager").float()
    data = json.loads((out / "examples.json").read_text())
    known = json.loads((out / "runs.json").read_text())
    trajectory.METHODS["rmu"]["direction"] = known["rmu"]["options"]["direction"]
    results = {}
    for name, (rule, method) in RUNS.items():
        run = UpdateRun(rule, method, trajectory.METHODS[method], model, data)
        results[name] = {**run.result(), "update": rule}
        print(name, "projected", run.projected, "last loss", results[name]["steps"][-1]["loss"])
    (out / "updates.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
