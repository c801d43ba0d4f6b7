#!/usr/bin/env python3
"""Times PyTorch's attention backends, forward and backward, causal, equal lengths: which of cuDNN and
FlashAttention-2 a step should use at which length.

    bench/attention_times.py [--device cpu] [--tiny] [--json FILE]
"""
import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

# sequences, tokens of each, query heads, key heads, head size
SHAPES = [(64, 93, 32, 8, 128), (16, 512, 32, 8, 128), (2, 2048, 32, 32, 128), (4, 2048, 32, 8, 128),
          (1, 8192, 32, 8, 128), (1, 32768, 32, 8, 128), (8, 2048, 32, 8, 64)]
TINY = [(2, 33, 4, 2, 16), (1, 64, 4, 4, 16)]
BACKENDS = {"cuda": {"cuDNN": SDPBackend.CUDNN_ATTENTION, "FlashAttention": SDPBackend.FLASH_ATTENTION},
            "cpu": {"fused": SDPBackend.FLASH_ATTENTION, "plain": SDPBackend.MATH}}


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


def median_ms(shape, backend, device, repetitions):
    """Milliseconds of a forward and backward pass; None where the backend does not take the shape."""
    sequences, length, heads, kv_heads, size = shape
    dtype = torch.bfloat16 if device == "cuda" else torch.float32

    def tensor(count):
        return torch.randn(sequences, count, length, size, dtype=dtype, device=device,
                           requires_grad=True)

    q, k, v = tensor(heads), tensor(kv_heads), tensor(kv_heads)
    gradient = torch.randn_like(q)
    times = []
    try:
        with sdpa_kernel([backend]):
            for _ in range(repetitions + 3):
                wait(device)
                start = time.perf_counter()
                out = F.scaled_dot_product_attention(q, k, v, is_causal=True,
                                                     enable_gqa=heads != kv_heads)
                torch.autograd.grad(out, (q, k, v), gradient)
                wait(device)
                times.append(1e3 * (time.perf_counter() - start))
    except RuntimeError:
        return None
    return statistics.median(times[3:])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=list(BACKENDS), default="cuda")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--json")
    args = parser.parse_args()
    torch.manual_seed(0)
    backends = BACKENDS[args.device]
    rows = []
    print(f"| sequences x tokens, heads, size | {' | '.join(f'{b}, ms' for b in backends)} |")
    print("|---|" + "---|" * len(backends))
    for shape in TINY if args.tiny else SHAPES:
        repetitions = 3 if args.tiny else 10
        times = {name: median_ms(shape, backend, args.device, repetitions)
                 for name, backend in backends.items()}
        rows.append({"shape": shape, "ms": times})
        cells = ["none" if t is None else f"{t:.3f}" for t in times.values()]
        sequences, length, heads, kv_heads, size = shape
        print(f"| {sequences} x {length}, {heads}/{kv_heads}, {size} | {' | '.join(cells)} |")
    if args.json:
        with open(args.json, "w") as out:
            json.dump({"device": args.device, "torch": torch.__version__, "rows": rows}, out, indent=1)


if __name__ == "__main__":
    main()
