#!/usr/bin/env python3
"""Losses and their gradients on two sequences a role, by PyTorch autograd from the papers' formulas.

Writes OUT/losses/values.json: per case the method and its settings, the loss, and its gradient with
respect to every token log-probability of each role (zeros: the method does not read the role). Every
formula is written here once more, in fp64, from its paper; the sources stand beside them. `weights` are
the papers' weights w of NPO (arXiv 2404.05868) and SimNPO (arXiv 2410.07163, eq. 5), one per sequence.
"""
import argparse
import json
from pathlib import Path

import torch
from torch.nn.functional import logsigmoid

# Per sequence: token log-probabilities of the model, and of the reference. The same numbers are fixture
# A of tests/losses/fixture.h.
FORGET = [[-0.5, -1.0, -0.25], [-2.0, -0.1, -1.5, -0.7, -0.3]]
FORGET_REF = [[-0.4, -0.9, -0.3], [-1.0, -0.2, -1.2, -0.6, -0.1]]
RETAIN = [[-0.2, -0.3], [-0.6, -0.1, -0.4, -0.5]]
ALTERNATE = [[-3.0, -1.2], [-2.2, -0.8, -1.1]]
ALTERNATE_REF = [[-3.5, -1.0], [-2.0, -1.1, -0.9]]


def tensors(rows, leaf=True):
    return [torch.tensor(row, dtype=torch.float64, requires_grad=leaf) for row in rows]


class Inputs:
    def __init__(self):
        self.forget, self.retain, self.alternate = (tensors(r) for r in (FORGET, RETAIN, ALTERNATE))
        self.forget_ref, self.alternate_ref = (tensors(r, False) for r in (FORGET_REF, ALTERNATE_REF))


def sums(rows):
    return torch.stack([row.sum() for row in rows])


def means(rows):
    return torch.stack([row.mean() for row in rows])


def nll(*roles):
    """Negative log-likelihood, mean over all tokens (a causal language model's loss)."""
    return -torch.cat([row for rows in roles for row in rows]).mean()


def ratio(rows, reference):
    return sums(rows) - sums(reference)


# Negative preference optimisation, arXiv 2404.05868, eq. 3.
def npo(x, beta):
    return -2 / beta * logsigmoid(-beta * ratio(x.forget, x.forget_ref)).mean()


# SimNPO, arXiv 2410.07163, eq. 4: the margin gamma stands outside beta.
def simnpo(x, beta, gamma=0.0):
    return -2 / beta * logsigmoid(-beta * means(x.forget) - gamma).mean()


def weighted_ascent(x, weight):
    """WGA and SatImp (OpenUnlearning, src/trainer/unlearn): token weights without gradient."""
    logp = torch.cat(x.forget)
    return (weight(logp.detach().exp()) * logp).mean()


# DPO, arXiv 2305.18290, with the alternate answer preferred, and NPO's factor 2/beta.
def dpo(x, beta):
    margin = ratio(x.alternate, x.alternate_ref) - ratio(x.forget, x.forget_ref)
    return -2 / beta * logsigmoid(beta * margin).mean()


def kto(x, beta, squash):
    """Unlearn-Simple, TOFU/dataloader.py: the alternates' mean log-ratio is a constant."""
    centre = ratio(x.alternate, x.alternate_ref).mean().detach()
    return 1 - 2 / beta * squash(centre - beta * ratio(x.forget, x.forget_ref)).mean()


PLAIN = {"retain_loss": "none"}  # only the forget term

CASES = [
    ("ga", {}, lambda x: -nll(x.forget)),
    ("grad_diff", {}, lambda x: -nll(x.forget) + nll(x.retain)),
    ("wgraddiff", PLAIN, lambda x: means(x.forget).mean()),
    ("nll", {}, lambda x: nll(x.forget)),
    ("nll", {"stream": "retain"}, lambda x: nll(x.retain)),
    *[("npo", {"beta": beta, **PLAIN}, lambda x, beta=beta: npo(x, beta)) for beta in (0.1, 1.0, 2.0, 1e-6)],
    ("npo_grad_diff", {"beta": 0.1}, lambda x: npo(x, 0.1) + nll(x.retain)),
    *[("simnpo", {"beta": beta, **PLAIN}, lambda x, beta=beta: simnpo(x, beta))
      for beta in (1.0, 2.5, 4.5, 1e-6)],
    # Both forms of the margin: delta stands inside beta, as in the reference codes.
    ("simnpo", {"beta": 2.5, "delta": 0.2, **PLAIN}, lambda x: simnpo(x, 2.5, 2.5 * 0.2)),
    ("simnpo", {"beta": 2.5, "gamma": 0.5, **PLAIN}, lambda x: simnpo(x, 2.5, 0.5)),
    ("simnpo", {"beta": 2.5, "gamma": 0.2, **PLAIN}, lambda x: simnpo(x, 2.5, 0.2)),
    *[("simnpo_grad_diff", {"beta": beta, "forget_weight": weight},
       lambda x, beta=beta, weight=weight: weight * simnpo(x, beta) + nll(x.retain))
      for beta, weight in ((2.5, 0.1375), (4.5, 0.125))],
    ("wga", PLAIN, lambda x: weighted_ascent(x, lambda p: p)),
    ("satimp", PLAIN, lambda x: weighted_ascent(x, lambda p: p**5 * (1 - p))),
    # One mean over the tokens of both roles (TOFU, dataloader.py).
    ("idk", {}, lambda x: nll(x.alternate, x.retain)),
    # Our own combination: SimNPO beside the refusals' token mean.
    ("simnpo_idk", {"beta": 2.5, **PLAIN}, lambda x: simnpo(x, 2.5) + nll(x.alternate)),
    ("simnpo_idk", {"beta": 1.0, "forget_weight": 0.5, "refusal_weight": 0.3, "retain_weight": 2.0},
     lambda x: 0.5 * simnpo(x, 1.0) + 0.3 * nll(x.alternate) + 2 * nll(x.retain)),
    ("dpo", {"beta": 0.1, **PLAIN}, lambda x: dpo(x, 0.1)),
    ("altpo", {"beta": 1.0, **PLAIN}, lambda x: dpo(x, 1.0)),
    ("kto_sigmoid", {}, lambda x: kto(x, 0.1, torch.sigmoid)),
    ("kto_logsigmoid", {}, lambda x: kto(x, 0.1, logsigmoid)),
]


def case(method, settings, formula):
    inputs = Inputs()
    loss = formula(inputs)
    loss.backward()
    gradient = {}
    for role in ("forget", "retain", "alternate"):
        rows = getattr(inputs, role)
        gradient[role] = [value for row in rows
                          for value in (torch.zeros_like(row) if row.grad is None else row.grad).tolist()]
    return {"method": method, "settings": settings, "loss": loss.item(), "gradient": gradient}


def weights():
    x = Inputs()
    lengths = torch.tensor([len(row) for row in FORGET], dtype=torch.float64)
    return [
        {"method": "npo", "beta": 0.1,
         "w": (2 * torch.sigmoid(0.1 * ratio(x.forget, x.forget_ref))).tolist()},
        {"method": "simnpo", "beta": 2.5,
         "w": (2 / lengths * torch.sigmoid(2.5 * means(x.forget))).tolist()},
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "tests" / "golden")
    out = parser.parse_args().out / "losses"
    out.mkdir(parents=True, exist_ok=True)
    values = {"cases": [case(*item) for item in CASES], "weights": weights(),
              "forget_logprob": torch.cat(Inputs().forget).mean().item()}
    (out / "values.json").write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
