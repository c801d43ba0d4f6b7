#!/usr/bin/env python3
"""Functions of whole vocabulary rows and their gradients, by PyTorch autograd over full logits.

Writes OUT/scoring/row_values.json: the logits, the reference's and the labels of three rows; per case the
function (RowFunction of include/unlearn/scoring), beta and margin, its value per row, and the gradient of
their mean with respect to the logits; and the logits of Who's Harry Potter (arXiv 2310.02238, eq. 1). The
formulas are written here once more in fp64: CE-U, UNDIAL and PDU as in OpenUnlearning
(src/trainer/unlearn), the raw-logit forms as in Unlearn-Simple's MUSE code.
"""
import argparse
import json
from pathlib import Path

import torch
from torch.nn.functional import logsigmoid, one_hot, softmax

LOGITS = [[1.0, 0.0, -1.0, 0.5], [0.2, 1.5, -0.3, 0.0], [-0.4, 0.6, 0.9, -1.2]]
REFERENCE = [[0.8, 0.3, -0.5, 0.1], [0.0, 1.0, 0.2, -0.6], [0.1, 0.1, 1.1, -0.7]]
LABELS = [0, 1, 2]


def fp64(rows):
    return torch.tensor(rows, dtype=torch.float64)


R = fp64(REFERENCE)
AT_LABEL = one_hot(torch.tensor(LABELS), 4).double()


def cross_entropy(target, z):
    return -(target * torch.log_softmax(z, 1)).sum(1)


def forward_kl(z):
    p = softmax(R, 1)
    return cross_entropy(p, z) - cross_entropy(p, R)


def ceu(z):
    """Against the model's own distribution without the label."""
    return cross_entropy(softmax(z.detach().masked_fill(AT_LABEL.bool(), -torch.inf), 1), z)


def undial(z, beta):
    """Against the reference's with the label's logit lowered by beta."""
    return cross_entropy(softmax(R - beta * AT_LABEL, 1), z)


def max_minus_mean(z):
    return (z.max(1).values - z.mean(1)) ** 2


def raw_npo(z, beta):
    return -2 / beta * logsigmoid(beta * (R - z)).mean(1)


def raw_simnpo(z, beta, margin):
    """The margin is the paper's: outside beta."""
    return -2 / beta * logsigmoid(-beta * z - margin).mean(1)


def raw_kl(z):
    return (R.exp() * (R - z)).sum(1)


CASES = [
    ("forward_kl", 0, 0, forward_kl),
    ("ceu", 0, 0, ceu),
    ("undial", 10, 0, lambda z: undial(z, 10)),
    ("undial", 3, 0, lambda z: undial(z, 3)),
    ("max_minus_mean", 0, 0, max_minus_mean),
    ("raw_npo", 0.1, 0, lambda z: raw_npo(z, 0.1)),
    ("raw_simnpo", 0.7, 0, lambda z: raw_simnpo(z, 0.7, 0)),
    ("raw_simnpo", 0.7, 0.07, lambda z: raw_simnpo(z, 0.7, 0.07)),
    ("raw_kl", 0, 0, raw_kl),
]


def case(function, beta, margin, formula):
    z = fp64(LOGITS).requires_grad_()
    rows = formula(z)
    rows.mean().backward()
    return {"function": function, "beta": beta, "margin": margin, "values": rows.tolist(),
            "gradient": z.grad.tolist()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "tests" / "golden")
    out = parser.parse_args().out / "scoring"
    out.mkdir(parents=True, exist_ok=True)
    z = fp64(LOGITS)
    values = {"logits": LOGITS, "reference": REFERENCE, "labels": LABELS, "cases": [case(*c) for c in CASES],
              "whp": {"alpha": 1.0, "logits": (z - 1.0 * torch.relu(R - z)).tolist()}}
    (out / "row_values.json").write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
