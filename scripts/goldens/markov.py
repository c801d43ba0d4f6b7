#!/usr/bin/env python3
"""Goldens of the synthetic experiment from an independent PyTorch decoder, in fp64.

A small decoder of the published form written the plain way (padded batches, three projections, a loop
over blocks), its logits, cross-entropy gradients and KL to the chains; a few epochs of pre-training
and a few iterations of NPO and SimNPO with Hugging Face's former AdamW, written out from its formula.
Writes <out>/markov/decoder.json.
"""
import argparse
import copy
import json
import math
import pathlib

import torch
import torch.nn.functional as F
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

STATES, WIDTH, BLOCKS, POSITIONS = 10, 8, 2, 6
LEAKAGE = 0.2
LR, PRETRAIN_EPOCHS, ITERATIONS = 5e-3, 4, 6
LENGTHS = {"retain": [7] * 5, "forget1": [7] * 4, "forget2": [4] * 3}
HOME = {"retain": (0, 1, 2), "forget1": (3, 4, 5), "forget2": (6, 7, 8)}
METHODS = {"npo": 0.5, "simnpo": 4.0}


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3))
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.up, self.down = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, h):
        scores = self.q(h) @ self.k(h).transpose(-1, -2) / math.sqrt(WIDTH)
        future = torch.ones(h.shape[1], h.shape[1], dtype=torch.bool).triu(1)
        weights = torch.softmax(scores.masked_fill(future, float("-inf")), -1)
        h = self.norm1(h + weights @ self.v(h))
        return self.norm2(h + self.down(torch.relu(self.up(h))))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(STATES, WIDTH)
        self.positions = nn.Parameter(torch.randn(POSITIONS, WIDTH) * 0.02)
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.output = nn.Linear(WIDTH, STATES)
        for block in self.blocks:  # norms that do something
            for norm in (block.norm1, block.norm2):
                nn.init.normal_(norm.weight, 1.0, 0.3)
                nn.init.normal_(norm.bias, 0.0, 0.3)

    def forward(self, states):
        h = self.tokens(states) + self.positions[: states.shape[1]]
        for block in self.blocks:
            h = block(h)
        return self.output(h)


def our_names(model, read):
    """Values by the names of the program: query, key and value lie in one matrix."""
    result = {"tokens": read(model.tokens.weight), "positions": read(model.positions)}
    for i, b in enumerate(model.blocks):
        result[f"block{i}_qkv"] = torch.cat([read(b.q.weight), read(b.k.weight), read(b.v.weight)])
        for n in ("norm1", "norm2", "up", "down"):
            part = getattr(b, n)
            result[f"block{i}_{n}_weight"] = read(part.weight)
            result[f"block{i}_{n}_bias"] = read(part.bias)
    result["output_weight"], result["output_bias"] = read(model.output.weight), read(model.output.bias)
    return {name: value.flatten().tolist() for name, value in result.items()}


class FormerHfAdamW:
    def __init__(self, parameters, lr):
        self.state = [(p, torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
        self.lr, self.t = lr, 0

    @torch.no_grad()
    def step(self):
        self.t += 1
        size = self.lr * math.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t)
        for p, m, v in self.state:
            m.mul_(0.9).add_(p.grad, alpha=0.1)
            v.mul_(0.999).addcmul_(p.grad, p.grad, value=0.001)
            p.sub_(size * m / (v.sqrt() + 1e-6))
            p.grad = None


def padded(rows):
    width = max(len(r) for r in rows)
    inputs = torch.zeros(len(rows), width - 1, dtype=torch.long)
    labels = torch.full((len(rows), width - 1), -100)
    for i, r in enumerate(rows):
        inputs[i, : len(r) - 1] = torch.tensor(r[:-1])
        labels[i, : len(r) - 1] = torch.tensor(r[1:])
    return inputs, labels


def cross_entropy(model, rows):
    inputs, labels = padded(rows)
    return F.cross_entropy(model(inputs).flatten(0, 1), labels.flatten(), ignore_index=-100)


def sequence_logp(model, rows):
    inputs, labels = padded(rows)
    real = labels != -100
    logp = torch.log_softmax(model(inputs), -1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return (logp * real).sum(1), real.sum(1)


def chain_row(name, state):
    if state not in HOME[name]:
        return [1 / STATES] * STATES
    return [(1 - LEAKAGE) / 3 if s in HOME[name] else LEAKAGE / 7 for s in range(STATES)]


@torch.no_grad()
def distance(model, sets):
    """Mean KL over the transitions of {name: rows}, one sequence at a time."""
    values = []
    for name, rows in sets.items():
        for r in rows:
            logp = torch.log_softmax(model(torch.tensor([r[:-1]]))[0], -1)
            for t, state in enumerate(r[:-1]):
                values.append(sum(p * (math.log(p) - q) for p, q in zip(chain_row(name, state), logp[t].tolist())))
    return sum(values) / len(values)


def distances(model, sets):
    forget = {n: sets[n] for n in ("forget1", "forget2")}
    return {"retain": distance(model, {"retain": sets["retain"]}), "forget": distance(model, forget),
            "forget1": distance(model, {"forget1": sets["forget1"]}),
            "forget2": distance(model, {"forget2": sets["forget2"]})}


def unlearn(start, method, beta, rows, sets):
    model, reference = copy.deepcopy(start), copy.deepcopy(start)
    optimizer = FormerHfAdamW(model.parameters(), LR)
    path = [distances(model, sets)]
    for _ in range(ITERATIONS):
        total, lengths = sequence_logp(model, rows)
        if method == "npo":
            with torch.no_grad():
                before, _ = sequence_logp(reference, rows)
            argument = -beta * (total - before)
        else:
            argument = -beta * total / lengths
        loss = -2 / beta * F.logsigmoid(argument).mean()
        loss.backward()
        optimizer.step()
        path.append(distances(model, sets))
    return path


def gpt2_values(rows):
    """The paper's text calls the decoder a GPT-2: transformers' logits, cross-entropy and gradients."""
    options = {"width": WIDTH, "blocks": BLOCKS, "positions": POSITIONS, "heads": 2}
    model = GPT2LMHeadModel(GPT2Config(
        vocab_size=STATES, n_embd=WIDTH, n_layer=BLOCKS, n_head=options["heads"],
        n_positions=POSITIONS, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        attn_implementation="eager")).double()
    generator = torch.Generator().manual_seed(8)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.3 * torch.randn(p.shape, generator=generator))
    logits = torch.cat([model(torch.tensor([r[:-1]])).logits[0] for r in rows])
    loss = F.cross_entropy(logits, torch.tensor([s for r in rows for s in r[1:]]))
    loss.backward()
    named = {f"model.{name}": p for name, p in model.named_parameters()}
    return {"options": options, "logits": logits.flatten().tolist(), "cross_entropy": loss.item(),
            "weights": {name: p.detach().flatten().tolist() for name, p in named.items()},
            "gradients": {name: p.grad.flatten().tolist() for name, p in named.items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out / "markov"
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(5)
    torch.set_default_dtype(torch.float64)
    model = Model()
    generator = torch.Generator().manual_seed(6)
    sets = {name: [torch.randint(0, STATES, (n,), generator=generator).tolist() for n in lengths]
            for name, lengths in LENGTHS.items()}
    everything = [r for rows in sets.values() for r in rows]
    result = {"options": {"width": WIDTH, "blocks": BLOCKS, "positions": POSITIONS, "lr": LR,
                          "leakage": LEAKAGE, "iterations": ITERATIONS, "epochs": PRETRAIN_EPOCHS},
              "sets": sets, "weights": our_names(model, lambda p: p.detach()),
              "logits": [model(torch.tensor([r[:-1]]))[0].tolist() for r in everything]}
    loss = cross_entropy(model, everything)
    loss.backward()
    result["cross_entropy"] = loss.item()
    result["gradients"] = our_names(model, lambda p: p.grad)
    model.zero_grad()
    result["distances"] = distances(model, sets)
    forget = sets["forget1"] + sets["forget2"]
    result["paths"] = {m: unlearn(model, m, beta, forget, sets) for m, beta in METHODS.items()}
    result["betas"] = METHODS
    optimizer = FormerHfAdamW(model.parameters(), LR)
    for _ in range(PRETRAIN_EPOCHS):
        loss = cross_entropy(model, everything)
        loss.backward()
        optimizer.step()
    result["pretrain"] = {"last_loss": loss.item(), "weights": our_names(model, lambda p: p.detach())}
    result["gpt2"] = gpt2_values(everything)
    (out / "decoder.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
