#!/usr/bin/env python3
"""Goldens of the 8- and 4-bit round trips, in NumPy, with NF4's code rebuilt from normal quantiles.

Writes <out>/checkpoint/quantise.json: matrices and what is left of them.
"""
import argparse
import json
import pathlib

import numpy as np
from scipy.stats import norm

OFFSET = 0.9677083  # of bitsandbytes' create_normal_map


def nf4_code():
    positive = norm.ppf(np.linspace(OFFSET, 0.5, 9)[:-1])
    negative = -norm.ppf(np.linspace(OFFSET, 0.5, 8)[:-1])
    code = np.sort(np.concatenate([positive, [0.0], negative]))
    return code / code.max()


def int8(weight):
    result = np.zeros_like(weight)
    for i, row in enumerate(weight):
        largest = np.abs(row).max()
        if largest > 0:
            result[i] = np.rint(row * 127 / largest) * largest / 127
    return result


def nf4(weight):
    code, flat = nf4_code(), weight.ravel()
    result = np.zeros_like(flat)
    for start in range(0, flat.size, 64):
        block = flat[start:start + 64]
        largest = np.abs(block).max()
        if largest > 0:
            nearest = np.abs(block[:, None] / largest - code[None, :]).argmin(1)
            result[start:start + 64] = code[nearest] * largest
    return result.reshape(weight.shape)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out / "checkpoint"
    out.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(4)
    cases = []
    for shape in ((4, 64), (5, 27), (3, 70)):  # the last block is short in the second and third
        weight = random.standard_normal(shape).astype(np.float32).astype(np.float64)
        weight[1] *= 20  # an outlier row
        weight[2] = 0 if shape == (4, 64) else weight[2]
        cases.append({"shape": shape, "weight": weight.ravel().tolist(),
                      "int8": int8(weight).ravel().tolist(), "nf4": nf4(weight).ravel().tolist()})
    (out / "quantise.json").write_text(json.dumps({"cases": cases}) + "\n")


if __name__ == "__main__":
    main()
