#!/usr/bin/env python3
"""Turns a Llama model with a byte-level BPE in a GGUF file into a Hugging Face folder in float32.

usage: scripts/gguf_to_folder.py FILE.gguf FOLDER

The folder holds what transformers 5.17 makes of the same file (`from_pretrained(..., gguf_file=...)` and
`save_pretrained`): the same weights, bit by bit, and the same token ids. Needs gguf and safetensors, and no
PyTorch. Other architectures and tokenizers are refused.
"""

import json
import pathlib
import sys

import gguf
import numpy as np
from safetensors.numpy import save_file

TENSORS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
OUTER = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
CONTROL = 3  # llama.cpp's type of a special token


def tensor_name(name: str) -> str:
    stem = name.removesuffix(".weight")
    if stem in OUTER:
        return OUTER[stem] + ".weight"
    block, layer, part = stem.split(".", 2)
    if block != "blk" or part not in TENSORS:
        sys.exit(f"tensor {name}: no place for it in a Llama")
    return f"model.layers.{layer}.{TENSORS[part]}.weight"


def unpermuted(weight: np.ndarray, heads: int) -> np.ndarray:
    """[heads·D, H] with llama.cpp's order of a head's rows (pairs side by side) in Hugging Face's (halves)."""
    half = weight.shape[0] // heads // 2
    return weight.reshape(heads, half, 2, *weight.shape[1:]).swapaxes(2, 1).reshape(weight.shape)


def read_weights(reader: gguf.GGUFReader, heads: int, kv_heads: int) -> dict[str, np.ndarray]:
    weights = {}
    for tensor in reader.tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False)
        if ".attn_q." in tensor.name:
            values = unpermuted(values, heads)
        elif ".attn_k." in tensor.name:
            values = unpermuted(values, kv_heads)
        weights[tensor_name(tensor.name)] = np.ascontiguousarray(values)
    return weights


def tokenizer(tokens: list[str], types: list[int], merges: list[str], unknown: str) -> dict:
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}
            for i, (token, kind) in enumerate(zip(tokens, types, strict=True)) if kind == CONTROL
        ],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": unknown, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": [merge.split(" ") for merge in merges],
        },
    }


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: scripts/gguf_to_folder.py FILE.gguf FOLDER")
    reader = gguf.GGUFReader(sys.argv[1])
    folder = pathlib.Path(sys.argv[2])

    def field(name: str):
        found = reader.get_field(name)
        if found is None:
            sys.exit(f"{sys.argv[1]}: no field {name}")
        return found.contents()

    for name, wanted in (("general.architecture", "llama"), ("tokenizer.ggml.model", "gpt2")):
        if field(name) != wanted:
            sys.exit(f"{sys.argv[1]}: {name} is {field(name)!r}; only {wanted!r} is read")
    heads, kv_heads = field("llama.attention.head_count"), field("llama.attention.head_count_kv")
    weights = read_weights(reader, heads, kv_heads)
    tokens = field("tokenizer.ggml.tokens")
    ids = {role: field(f"tokenizer.ggml.{key}_token_id") for role, key in
           (("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown"))}
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float32",
        "hidden_act": "silu",
        "hidden_size": field("llama.embedding_length"),
        "intermediate_size": field("llama.feed_forward_length"),
        "num_hidden_layers": field("llama.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": field("llama.embedding_length") // heads,
        "max_position_embeddings": field("llama.context_length"),
        "rms_norm_eps": field("llama.attention.layer_norm_rms_epsilon"),
        "rope_parameters": {"rope_type": "default", "rope_theta": field("llama.rope.freq_base")},
        "tie_word_embeddings": "lm_head.weight" not in weights,
        "vocab_size": len(tokens),
        "attention_bias": False,
        "mlp_bias": False,
        **{f"{role}_token_id": ids[role] for role in ("bos", "eos", "pad")},
    }
    names = {f"{role}_token": tokens[ids[role]] for role in ids}
    folder.mkdir(parents=True)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    texts = {
        "config.json": config,
        "generation_config.json": {key: config[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id")},
        "tokenizer.json": tokenizer(tokens, field("tokenizer.ggml.token_type"), field("tokenizer.ggml.merges"),
                                    names["unk_token"]),
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": False,
                                  "clean_up_tokenization_spaces": False, "model_max_length": config["max_position_embeddings"], **names},
    }
    for name, content in texts.items():
        (folder / name).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "chat_template.jinja").write_text(field("tokenizer.chat_template"), encoding="utf-8")


if __name__ == "__main__":
    main()
