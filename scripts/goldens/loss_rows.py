#!/usr/bin/env python3
"""Losses over vocabulary rows and hidden states, and the references' quirks, by PyTorch autograd in fp64.

Writes OUT/losses/rows.json. `rows`: methods that read whole rows, on the three rows of row_values.py as one
sequence in both roles, with the gradient with respect to the logits. `hidden`: RMU (arXiv 2403.03218; the
quirk as OpenUnlearning's src/trainer/unlearn/rmu.py sums it). `tokens`: quirks of methods over token
log-probabilities, on the sequences of losses.py (Unlearn-Simple's WMDP code takes one mean over all tokens).
"""
import argparse
import json
from pathlib import Path

import torch
from losses import Inputs, dpo
from row_values import LABELS, LOGITS, R, ceu, forward_kl, fp64, max_minus_mean, raw_kl, raw_npo, raw_simnpo, undial
from torch.nn.functional import logsigmoid

PLAIN = {"retain_loss": "none"}
MUSE = ["muse_logits"]


def nll(z):
    return -torch.log_softmax(z, 1)[range(3), LABELS].mean()


def kl_mean(z):
    return forward_kl(z).mean()


def muse_npo(z, beta):
    """MUSE's code of Unlearn-Simple: logits in the place of log-probabilities, a mean over entries."""
    return raw_npo(z, beta).mean()


PDU = {"retain_weight": 0.0, "primal_dual": False}
KL = {"retain_loss": "kl"}
ROWS = [
    ("undial", {}, [], lambda z: undial(z, 10).mean()),
    ("undial", {"beta": 3.0}, [], lambda z: undial(z, 3).mean()),
    ("ceu", {"ignore_first_n_answer_tokens": 0}, [], lambda z: ceu(z).mean()),
    ("ceu", {}, [], lambda z: ceu(z)[1:].mean()),
    ("pdu", PDU, [], lambda z: max_minus_mean(z).mean()),
    ("pdu", PDU, ["pdu_shift"], lambda z: max_minus_mean(z).mean()),
    ("ga_forgetkl", {}, [], lambda z: -nll(z) + kl_mean(z)),
    ("grad_diff", KL, [], lambda z: -nll(z) + kl_mean(z)),
    ("grad_diff", KL, ["kl_per_sequence"], lambda z: -nll(z) + forward_kl(z).sum()),
    ("npo", {"beta": 0.1, **PLAIN}, MUSE, lambda z: muse_npo(z, 0.1)),
    ("simnpo", {"beta": 0.7, **PLAIN}, MUSE, lambda z: raw_simnpo(z, 0.7, 0).mean()),
    ("simnpo", {"beta": 0.7, "delta": 0.1, **PLAIN}, MUSE, lambda z: raw_simnpo(z, 0.7, 0.07).mean()),
    # Beside its KL that code does not apply the forget coefficient.
    ("npo", {"beta": 0.1, "forget_weight": 0.25, **KL}, MUSE, lambda z: muse_npo(z, 0.1) + raw_kl(z).sum()),
    ("npo", {"beta": 0.1, "forget_weight": 0.25, "retain_loss": "nll"}, MUSE,
     lambda z: 0.25 * muse_npo(z, 0.1) + nll(z)),
]


def row_case(method, settings, quirks, formula):
    z = fp64(LOGITS).requires_grad_()
    loss = formula(z)
    loss.backward()
    return {"method": method, "settings": settings, "quirks": quirks, "loss": loss.item(),
            "gradient": z.grad.flatten().tolist()}


HIDDEN = [[0.5, -1.0, 0.25, 2.0], [1.0, 0.0, -0.5, 0.75], [0.1, 0.2, 0.3, 0.4]]
DIRECTION, COEFFICIENT = [0.6, 0.8, 0.0, 0.0], 2.0


def rmu(sequences, as_in_openunlearning):
    errors = [(h - COEFFICIENT * fp64(DIRECTION)).square().mean(1).sum() for h in sequences]
    counts = fp64([len(h) for h in sequences])
    if as_in_openunlearning:  # (B) / (B, 1): every sum by every count
        return (torch.stack(errors) / counts.unsqueeze(1)).mean()
    return (torch.stack(errors) / counts).mean()


def hidden_case(two, quirk):
    h = fp64(HIDDEN)
    leaves = [h[:2].clone().requires_grad_()] + ([(0.5 * h).requires_grad_()] if two else [])
    loss = rmu(leaves, quirk)
    loss.backward()
    return {"sequences": len(leaves), "quirks": ["rmu_ou"] if quirk else [], "loss": loss.item(),
            "gradient": torch.cat([leaf.grad for leaf in leaves]).flatten().tolist()}


def token_mean(rows):
    return -torch.cat(rows).mean()


def wmdp_npo(x, beta):
    return -2 / beta * logsigmoid(beta * (token_mean(x.forget) - token_mean(x.forget_ref)))


def wmdp_simnpo(x, beta):
    return -2 / beta * logsigmoid(beta * token_mean(x.forget))


TOKENS = [
    ("npo", {"beta": 0.0225, **PLAIN}, ["wmdp_batch_mean"], lambda x: wmdp_npo(x, 0.0225)),
    ("simnpo", {"beta": 0.1, **PLAIN}, ["wmdp_batch_mean"], lambda x: wmdp_simnpo(x, 0.1)),
    # Without the factor 2/beta.
    ("dpo", {"beta": 0.1, **PLAIN}, ["dpo_scale=1"], lambda x: dpo(x, 0.1) * 0.1 / 2),
]


def token_case(method, settings, quirks, formula):
    x = Inputs()
    loss = formula(x)
    loss.backward()
    return {"method": method, "settings": settings, "quirks": quirks, "loss": loss.item(),
            "gradient": [value for row in x.forget for value in row.grad.tolist()]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "tests" / "golden")
    out = parser.parse_args().out / "losses"
    out.mkdir(parents=True, exist_ok=True)
    values = {
        "logits": LOGITS, "reference": R.tolist(), "labels": LABELS,
        "rows": [row_case(*item) for item in ROWS],
        "hidden_states": HIDDEN, "direction": DIRECTION, "coefficient": COEFFICIENT,
        "hidden": [hidden_case(two, quirk) for two in (False, True) for quirk in (False, True)],
        "tokens": [token_case(*item) for item in TOKENS],
    }
    (out / "rows.json").write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
