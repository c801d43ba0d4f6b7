#!/usr/bin/env python3
"""Writes model.safetensors for the Llama config.json of a folder: bf16 weights that are good enough
to time and to weigh, as fast as the disk takes them.

    bench/random_weights.py [--hollow] FOLDER

One block of normal numbers with the config's deviation is repeated; norms are 1. With --hollow the
file has its header and its size but takes no disk: enough for a plan (unlearn --dry-run).
"""
import json
import pathlib
import random
import struct
import sys

BLOCK = 1 << 20  # numbers


def shapes(config):
    """Parameter names of transformers' LlamaForCausalLM and their shapes, in order."""
    width, inner, vocabulary = (config[k] for k in ("hidden_size", "intermediate_size", "vocab_size"))
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    head = config.get("head_dim", width // heads)
    yield "model.embed_tokens.weight", (vocabulary, width)
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", (width,)
        yield prefix + "self_attn.q_proj.weight", (heads * head, width)
        yield prefix + "self_attn.k_proj.weight", (kv_heads * head, width)
        yield prefix + "self_attn.v_proj.weight", (kv_heads * head, width)
        yield prefix + "self_attn.o_proj.weight", (width, heads * head)
        yield prefix + "post_attention_layernorm.weight", (width,)
        yield prefix + "mlp.gate_proj.weight", (inner, width)
        yield prefix + "mlp.up_proj.weight", (inner, width)
        yield prefix + "mlp.down_proj.weight", (width, inner)
    yield "model.norm.weight", (width,)
    if not config.get("tie_word_embeddings", False):
        yield "lm_head.weight", (vocabulary, width)


def as_bf16(values):
    wide = struct.pack(f"<{len(values)}f", *values)
    narrow = bytearray(2 * len(values))
    narrow[0::2], narrow[1::2] = wide[2::4], wide[3::4]
    return bytes(narrow)


def main():
    folder = pathlib.Path(sys.argv[-1])
    config = json.loads((folder / "config.json").read_text())
    draw = random.Random(0)
    noise = as_bf16([draw.gauss(0.0, config.get("initializer_range", 0.02)) for _ in range(BLOCK)])
    ones = as_bf16([1.0])
    header, sizes, end = {}, [], 0
    for name, shape in shapes(config):
        size = 2
        for length in shape:
            size *= length
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [end, end + size]}
        sizes.append((size, len(shape) == 1))
        end += size
    text = json.dumps(header | {"__metadata__": {"format": "pt"}}).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb", buffering=0) as out:
        out.write(struct.pack("<Q", len(text)) + text)
        if sys.argv[1:-1] == ["--hollow"]:
            out.truncate(8 + len(text) + end)
            return
        for size, is_norm in sizes:
            if is_norm:
                out.write(ones * (size // 2))
                continue
            for begin in range(0, size, len(noise)):
                part = memoryview(noise)[: min(len(noise), size - begin)]
                if out.write(part) != len(part):
                    raise OSError(f"{folder}: cannot write all of model.safetensors")


if __name__ == "__main__":
    main()
