#!/usr/bin/env python3
"""Goldens of GGUF's block formats: bytes from ggml's own C code, values from the `gguf` package.

Writes <out>/checkpoint/gguf.safetensors: `weights` [rows, 512] fp32 and, per format, the stored bytes
and what they mean. Needs the packages gguf and, for its prebuilt libggml-base, pywhispercpp.
"""
import argparse
import ctypes
import pathlib
import sys

import gguf
import numpy as np
from safetensors.numpy import save_file

TYPES = {"q8_0": gguf.GGMLQuantizationType.Q8_0, "q4_0": gguf.GGMLQuantizationType.Q4_0,
         "q4_k": gguf.GGMLQuantizationType.Q4_K}


def ggml_library():
    for folder in map(pathlib.Path, sys.path):
        for file in sorted(folder.glob("libggml-base.so*")) + sorted(
                folder.glob("pywhispercpp.libs/libggml-base*.so*")):
            return ctypes.CDLL(str(file))
    sys.exit("error: no libggml-base below sys.path; pip install pywhispercpp")


def c_bytes(library, kind, weights):
    """ggml_quantize_chunk without an importance matrix."""
    rows, columns = weights.shape
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    size = gguf.quant_shape_to_byte_shape((rows, columns), kind)
    out = np.zeros(size, dtype=np.uint8)
    pointer = lambda a: a.ctypes.data_as(ctypes.c_void_p)
    written = library.ggml_quantize_chunk(
        ctypes.c_int(int(kind)), pointer(weights), pointer(out), ctypes.c_int64(0),
        ctypes.c_int64(rows), ctypes.c_int64(columns), ctypes.c_void_p(None))
    assert written == out.size, (written, out.size)
    return out


def cases():
    random = np.random.default_rng(16)
    rows = random.standard_normal((24, 512)).astype(np.float32) * np.float32(0.02)
    rows[1] *= 1000
    rows[2] = np.abs(rows[2])
    rows[3] = -np.abs(rows[3])
    rows[4, ::37] *= 40  # outliers
    rows[5, 64:96] = 0.25
    rows[5, 96:128] = -0.25
    rows[6, 32:] = 0
    rows[7] = 0
    rows[8] = np.round(rows[8] * 400) / 64  # many ties
    rows[9] = ((37 * np.arange(512) % 101) - 50) / 64
    rows[10] *= np.float32(1e-6)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out / "checkpoint"
    out.mkdir(parents=True, exist_ok=True)
    library, weights = ggml_library(), cases()
    tensors = {"weights": weights}
    for name, kind in TYPES.items():
        tensors[name + ".bytes"] = stored = c_bytes(library, kind, weights)
        tensors[name + ".values"] = gguf.quants.dequantize(stored, kind)
    save_file(tensors, out / "gguf.safetensors")


if __name__ == "__main__":
    main()
