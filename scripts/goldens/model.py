#!/usr/bin/env python3
"""Tiny checkpoints of every model family with what transformers computes from them.

Per variant, OUT/model/<variant>/ holds a Hugging Face folder (random weights) and golden.safetensors:
ids and offsets of a few sequences, log-probabilities of all tokens but each sequence's first, the
gradient of their mean negative log-probability for every parameter (all in fp64, stored as fp32),
and what greedy decoding appends to each sequence.

With --smollm2 FOLDER also OUT/model/smollm2.json: token ids of a few texts and their
log-probabilities under that checkpoint.
"""
import argparse
import json
import pathlib
import shutil

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

LENGTHS = [7, 13, 20]
# LongRoPE changes its factors at 16 tokens: no generation may cross that.
LONG_ROPE_LENGTHS = [7, 17, 20]
NEW_TOKENS = 8
VOCABULARY = 61

BASE = dict(
    vocab_size=VOCABULARY, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
    initializer_range=0.25, bos_token_id=None, eos_token_id=None, pad_token_id=None,
)


LEFT_OUT = object()  # as a setting: not even BASE's value is passed on


def rope(kind, **more):
    return dict(rope_parameters=dict(rope_type=kind, rope_theta=100.0, **more))


GPT2 = dict(n_embd=16, n_layer=2, n_head=4, n_positions=32, n_inner=24,
            **{key: LEFT_OUT for key in ("hidden_size", "num_hidden_layers", "num_attention_heads",
                                         "max_position_embeddings", "intermediate_size",
                                         "num_key_value_heads")})
NO_KV_HEADS = dict(num_key_value_heads=LEFT_OUT)
# Three layers: at least two kinds of them, in both orders.
GEMMA = dict(head_dim=6, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2)
LONG_ROPE = dict(max_position_embeddings=64, original_max_position_embeddings=16,
                 **rope("longrope", short_factor=[1.0, 1.5], long_factor=[2.0, 5.0]))


# variant -> (config class, settings, spelling of config.json, stored dtype)
VARIANTS = {
    "llama": ("LlamaConfig", dict(num_key_value_heads=4), 5, "float32"),
    "llama_bf16": ("LlamaConfig", dict(rope_parameters=dict(rope_type="default",
                                                            rope_theta=500.0)), 4, "bfloat16"),
    "llama_llama3_tied": ("LlamaConfig", dict(
        tie_word_embeddings=True, head_dim=8,
        **rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
               original_max_position_embeddings=16)), 4, "float32"),
    "llama_linear": ("LlamaConfig", rope("linear", factor=4.0), 4, "float32"),
    "llama_dynamic": ("LlamaConfig", dict(max_position_embeddings=16, head_dim=8,
                                          **rope("dynamic", factor=2.0)), 5, "float32"),
    "llama_yarn": ("LlamaConfig", dict(head_dim=8, **rope(
        "yarn", factor=4.0, original_max_position_embeddings=16)), 5, "float32"),
    "llama_bias": ("LlamaConfig", dict(attention_bias=True, mlp_bias=True), 5, "float32"),
    "mistral": ("MistralConfig", dict(sliding_window=5), 4, "float32"),
    "mistral_no_window": ("MistralConfig", dict(sliding_window=None, num_key_value_heads=1), 5,
                          "float32"),
    "qwen2": ("Qwen2Config", dict(tie_word_embeddings=True), 4, "float32"),
    "qwen2_window": ("Qwen2Config", dict(use_sliding_window=True, sliding_window=4,
                                         max_window_layers=1), 5, "float32"),
    "phi": ("PhiConfig", dict(num_key_value_heads=4), 4, "float32"),
    "phi_gqa": ("PhiConfig", dict(hidden_act="gelu", **rope("default", partial_rotary_factor=1.0)),
                5, "float32"),
    "phi_qk_norm": ("PhiConfig", dict(num_key_value_heads=4, qk_layernorm=True), 5, "float32"),
    "gpt2": ("GPT2Config", GPT2, 4, "float32"),
    "gpt2_untied": ("GPT2Config", dict(
        GPT2, tie_word_embeddings=False, scale_attn_by_inverse_layer_idx=True, n_inner=None), 5,
        "float32"),
    "gpt_neox": ("GPTNeoXConfig", dict(
        NO_KV_HEADS, hidden_size=32, **rope("default", partial_rotary_factor=0.5)), 4, "float32"),
    "gpt_neox_sequential": ("GPTNeoXConfig", dict(
        NO_KV_HEADS, use_parallel_residual=False, attention_bias=False, hidden_act="gelu_new",
        **rope("linear", factor=2.0, partial_rotary_factor=1.0)), 5, "float32"),
    "phi3": ("Phi3Config", dict(sliding_window=5), 4, "float32"),
    "phi3_longrope": ("Phi3Config", LONG_ROPE, 5, "float32"),
    "phi3_longrope_v4": ("Phi3Config", dict(LONG_ROPE, num_key_value_heads=4), 4, "float32"),
    "qwen3": ("Qwen3Config", dict(head_dim=6, tie_word_embeddings=True), 4, "float32"),
    "qwen3_window": ("Qwen3Config", dict(head_dim=8, attention_bias=True, use_sliding_window=True,
                                         sliding_window=4, max_window_layers=1), 5, "float32"),
    "olmo2": ("Olmo2Config", {}, 4, "float32"),
    "olmo2_bf16": ("Olmo2Config", dict(attention_bias=True, num_key_value_heads=4,
                                       **rope("default")), 5, "bfloat16"),
    "stablelm": ("StableLmConfig", dict(
        use_qkv_bias=True, hidden_size=32, num_key_value_heads=4,
        **rope("default", partial_rotary_factor=0.25)), 4, "float32"),
    "stablelm_parallel": ("StableLmConfig", dict(
        qk_layernorm=True, use_parallel_residual=True,
        **rope("default", partial_rotary_factor=0.5)), 5, "float32"),
    "gemma": ("GemmaConfig", dict(head_dim=8), 4, "float32"),
    "gemma2": ("Gemma2Config", dict(GEMMA, sliding_window=5, query_pre_attn_scalar=9,
                                    attn_logit_softcapping=2.0, final_logit_softcapping=3.0), 4,
               "float32"),
    "gemma2_uncapped": ("Gemma2Config", dict(
        GEMMA, sliding_window=4, query_pre_attn_scalar=6, attn_logit_softcapping=None,
        final_logit_softcapping=None, attention_bias=True, **rope("default")), 5, "bfloat16"),
    "gemma3": ("Gemma3TextConfig", dict(
        GEMMA, sliding_window=5, sliding_window_pattern=2, query_pre_attn_scalar=9,
        rope_parameters=dict(
            full_attention=dict(rope_type="linear", factor=4.0, rope_theta=1000.0),
            sliding_attention=dict(rope_type="default", rope_theta=50.0))), 4, "float32"),
    "gemma3_v5": ("Gemma3TextConfig", dict(
        GEMMA, sliding_window=4, sliding_window_pattern=3, query_pre_attn_scalar=6,
        final_logit_softcapping=3.0, rope_parameters=dict(
            full_attention=dict(rope_type="default", rope_theta=1000.0),
            sliding_attention=dict(rope_type="default", rope_theta=50.0))), 5, "float32"),
    # A config that ties, and a head that differs from the embedding: the stored one counts.
    "llama_other_head": ("LlamaConfig", dict(tie_word_embeddings=True, stored_head=True), 5,
                         "float32"),
}
# What 4.x calls the rotary settings outside of rope_scaling.
OLD_ROPE_KEYS = {"gpt_neox": ("rotary_emb_base", "rotary_pct")}

# Own sentences; the checks need text, not meaning.
TEXTS = [
    "The lighthouse keeper wrote three letters and burned two of them.",
    "Water boils at a lower temperature on a mountain than at the sea.",
    "def area(width, height):\n    return width * height\n",
    "Nine",
]


def spell_like_transformers_4(path):
    """Rewrites config.json as transformers 4.45 would have written it."""
    config = json.loads(path.read_text())
    rotary = config.pop("rope_parameters", None)
    theta_key, partial_key = OLD_ROPE_KEYS.get(config["model_type"],
                                               ("rope_theta", "partial_rotary_factor"))
    if rotary is not None:
        if "sliding_attention" in rotary:
            config["rope_local_base_freq"] = rotary["sliding_attention"]["rope_theta"]
            config["sliding_window_pattern"] = config.pop("_sliding_window_pattern")
            rotary = rotary["full_attention"]
        config[theta_key] = rotary.pop("rope_theta")
        if "partial_rotary_factor" in rotary:
            config[partial_key] = rotary.pop("partial_rotary_factor")
        if rotary["rope_type"] == "longrope":  # three keys and the old name of the type
            rotary.pop("original_max_position_embeddings")
            rotary["type"] = rotary.pop("rope_type")
        config["rope_scaling"] = None if rotary.get("rope_type") == "default" else rotary
    config["torch_dtype"] = config.pop("dtype")
    config.pop("layer_types", None)
    config["transformers_version"] = "4.45.2"
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def token_log_probs(model, ids):
    logits = model(input_ids=ids[None]).logits[0, :-1]
    return torch.log_softmax(logits, -1).gather(1, ids[1:, None]).squeeze(1)


def randomise(model, generator):
    """Biases and norms away from 0 and 1, so that leaving one out shows."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() < 2:
                center = 0.0 if name.endswith("bias") else 1.0
                parameter.copy_(center + 0.2 * torch.randn(parameter.shape, generator=generator))
            else:
                parameter.copy_(0.25 * torch.randn(parameter.shape, generator=generator))


def make_variant(folder, seed, config_class, settings, spelling, dtype):
    generator = torch.Generator().manual_seed(seed)
    passed = {key: value for key, value in {**BASE, **settings}.items() if value is not LEFT_OUT}
    stored_head = passed.pop("stored_head", False)
    config = getattr(transformers, config_class)(**passed)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    randomise(model, generator)
    model.to(getattr(torch, dtype)).save_pretrained(folder)
    if stored_head:
        tensors = load_file(folder / "model.safetensors")
        embedding = tensors["model.embed_tokens.weight"]
        tensors["lm_head.weight"] = 0.25 * torch.randn(embedding.shape, generator=generator)
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    if spelling == 4:
        spell_like_transformers_4(folder / "config.json")

    def load():
        return AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float64, attn_implementation="eager").eval()

    lengths = LONG_ROPE_LENGTHS if "short_factor" in passed.get("rope_parameters", {}) else LENGTHS
    sequences = [torch.randint(VOCABULARY, (n,), generator=generator) for n in lengths]
    model = load()
    log_probs = torch.cat([token_log_probs(model, ids) for ids in sequences])
    (-log_probs.mean()).backward()
    # A fresh model each: dynamic RoPE scaling remembers the longest sequence it has seen.
    greedy = torch.stack([
        load().generate(ids[None], attention_mask=torch.ones_like(ids[None]), do_sample=False,
                        max_new_tokens=NEW_TOKENS)[0, len(ids):] for ids in sequences])
    tensors = {
        "ids": torch.cat(sequences),
        "offsets": torch.tensor([0, *torch.tensor(lengths).cumsum(0).tolist()]),
        "log_probs": log_probs.detach().float(),
        "greedy": greedy,
    }
    for name, parameter in model.named_parameters():
        # transformers 5.x renames this one in memory, not in files.
        name = name.replace("lm_head", "embed_out") if config_class == "GPTNeoXConfig" else name
        tensors["grad." + name] = parameter.grad.float().contiguous()
    save_file(tensors, folder / "golden.safetensors")


def make_smollm2(folder, out):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    rows = []
    with torch.no_grad():
        for text in TEXTS:
            ids = torch.tensor([tokenizer.bos_token_id, *tokenizer(text).input_ids])
            log_probs = token_log_probs(model, ids)
            rows.append({"ids": ids.tolist(), "log_probs": [round(x, 6) for x in log_probs.tolist()]})
        prompt = tokenizer("The capital of France is", return_tensors="pt")
        answer = model.generate(**prompt, do_sample=False, repetition_penalty=1.0, max_new_tokens=12)
        rows.append({"prompt": prompt.input_ids[0].tolist(),
                     "greedy": answer[0, prompt.input_ids.shape[1]:].tolist()})
    (out / "smollm2.json").write_text(json.dumps(rows) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--smollm2", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", metavar="VARIANT", help="leave the others as they are")
    arguments = parser.parse_args()
    out = arguments.out / "model"
    out.mkdir(parents=True, exist_ok=True)
    for seed, (name, variant) in enumerate(VARIANTS.items()):
        if arguments.only and name not in arguments.only:
            continue
        torch.manual_seed(seed)
        shutil.rmtree(out / name, ignore_errors=True)
        make_variant(out / name, seed, *variant)
    if arguments.smollm2:
        make_smollm2(arguments.smollm2, out)


if __name__ == "__main__":
    main()
