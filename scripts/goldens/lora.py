#!/usr/bin/env python3
"""LoRA and packed weights against PEFT and an independent dequantisation.

For a few of the tiny checkpoints that scripts/goldens/model.py made (OUT/model/<variant>), writes
OUT/lora/<variant>/: an adapter with random A and B as PEFT saves it, and golden.safetensors with
log-probabilities of all tokens but each sequence's first and the gradients of A and B under PEFT, and
the same log-probabilities (no adapter) of the model whose linear layers were quantised to 8 and 4
bits and back by the code below. The variants of LOADED hold what PEFT computes after
PeftModel.from_pretrained, in fp32: kinds whose initialisation changes the base, and pairs beside the
head, with the base's copies that PEFT stores. OUT/lora/matrix.safetensors holds one odd-sized matrix and what the
two formats make of it.
"""
import argparse
import pathlib

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

# variant -> settings of the adapter
VARIANTS = {
    "llama": dict(r=3, lora_alpha=8, target_modules="all-linear"),
    "phi": dict(r=2, lora_alpha=5, use_rslora=True, target_modules=["q_proj", "v_proj", "fc2"]),
    "qwen2": dict(r=4, lora_alpha=4, target_modules=r".*layers\.1\..*(k_proj|down_proj)",
                  alpha_pattern={"k_proj": 12}),
}

# folder -> (checkpoint, settings): loaded by PEFT from what it saved
LOADED = {
    "llama_pissa": ("llama", dict(r=3, lora_alpha=5, init_lora_weights="pissa",
                                  target_modules="all-linear", rank_pattern={"o_proj": 2})),
    "gpt2_pissa": ("gpt2", dict(r=2, lora_alpha=6, init_lora_weights="pissa", use_rslora=True,
                                target_modules=["c_attn", "mlp.c_proj"])),
    "llama_olora": ("llama", dict(r=3, lora_alpha=5, init_lora_weights="olora",
                                  target_modules=["q_proj", "down_proj"])),
    "llama_mica": ("llama", dict(r=2, lora_alpha=5, init_lora_weights="mica",
                                 target_modules=["q_proj", "down_proj"])),
    "llama_orthogonal": ("llama", dict(r=2, lora_alpha=5, init_lora_weights="orthogonal",
                                       target_modules=["v_proj"])),
    "llama_layers": ("llama", dict(
        r=2, lora_alpha=5, target_modules=["q_proj", "up_proj", "down_proj"],
        exclude_modules=["layers.1.mlp.up_proj"], layers_to_transform=[1], layers_pattern="layers",
        rank_pattern={"^model.layers.1.self_attn.q_proj": 4}, alpha_pattern={"mlp.*": 9})),
    "llama_head": ("llama", dict(r=2, lora_alpha=5, target_modules=["lm_head", "q_proj"])),
    "llama_llama3_tied_head": ("llama_llama3_tied", dict(r=2, lora_alpha=5,
                                                         target_modules=["lm_head", "v_proj"])),
    "gpt_neox_head": ("gpt_neox", dict(r=2, lora_alpha=5,
                                       target_modules=["lm_head", "query_key_value"])),
}

# NF4's levels (QLoRA, arXiv 2305.14314, appendix E).
NF4 = np.array([-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
                -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
                0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
                0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0], np.float32)


def int8_rows(w):
    scale = np.abs(w).max(1, keepdims=True) / np.float32(127)
    safe = np.where(scale == 0, np.float32(1), scale)
    return np.rint(w / safe) * scale


def nf4_blocks(w):
    flat = w.ravel()
    padded = np.zeros(-(-flat.size // 64) * 64, np.float32)
    padded[:flat.size] = flat
    blocks = padded.reshape(-1, 64)
    peaks = np.abs(blocks).max(1)
    normal = blocks / np.where(peaks == 0, np.float32(1), peaks)[:, None]
    codes = np.abs(normal[:, :, None] - NF4).argmin(-1)
    mean = np.float32(peaks.astype(np.float64).mean())
    restored = np.empty_like(peaks)
    for start in range(0, peaks.size, 256):
        part = peaks[start:start + 256] - mean
        scale = np.abs(part).max() / np.float32(127)
        code = np.rint(part / scale) if scale > 0 else np.zeros_like(part)
        restored[start:start + 256] = mean + code.astype(np.float32) * scale
    return (NF4[codes] * restored[:, None]).ravel()[:flat.size].reshape(w.shape)


QUANTISE = {8: int8_rows, 4: nf4_blocks}


def quantise_model(model, bits):
    for name, module in model.named_modules():
        if name.endswith("lm_head") or not isinstance(module, (torch.nn.Linear, Conv1D)):
            continue
        w = module.weight.detach().float()
        transposed = isinstance(module, Conv1D)  # stored [in, out]; quantised as [out, in]
        w = (w.T if transposed else w).contiguous().numpy()
        w = torch.from_numpy(QUANTISE[bits](w)).to(module.weight.dtype)
        module.weight.data.copy_(w.T if transposed else w)


def log_probs(model, ids, offsets):
    parts = []
    for begin, end in zip(offsets[:-1], offsets[1:]):
        sequence = ids[begin:end].unsqueeze(0)
        logp = torch.log_softmax(model(input_ids=sequence).logits[0, :-1].double(), -1)
        parts.append(logp.gather(1, sequence[0, 1:, None]).squeeze(1))
    return torch.cat(parts)


def make_variant(folder, out, settings):
    golden = load_file(folder / "golden.safetensors")
    ids, offsets = golden["ids"], golden["offsets"].tolist()
    load = lambda: AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64,
                                                        attn_implementation="eager").eval()
    result = {}
    for bits in QUANTISE:
        model = load()
        quantise_model(model, bits)
        with torch.no_grad():
            result[f"log_probs.{bits}"] = log_probs(model, ids, offsets).float()
    model = get_peft_model(load(), LoraConfig(task_type="CAUSAL_LM", **settings)).double()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            if "lora_" in name:
                value = 0.2 * torch.randn(p.shape, generator=generator, dtype=torch.float64)
                p.copy_(value.float().double())
    logp = log_probs(model, ids, offsets)
    (-logp.mean()).backward()
    result["log_probs"] = logp.detach().float()
    for name, p in model.named_parameters():
        if p.requires_grad:
            name = name.removeprefix("base_model.model.").replace(".default.", ".")
            result[f"grad.{name}"] = p.grad.float()
    model.peft_config["default"].base_model_name_or_path = "tiny"
    model.float().save_pretrained(out)
    (out / "README.md").unlink(missing_ok=True)
    save_file(result, out / "golden.safetensors")


def make_loaded(folder, out, settings):
    golden = load_file(folder / "golden.safetensors")
    load = lambda: AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32,
                                                        attn_implementation="eager").eval()
    model = get_peft_model(load(), LoraConfig(task_type="CAUSAL_LM", **settings))
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            if "lora_" in name:
                p.add_(0.2 * torch.randn(p.shape, generator=generator))
        head = model.get_output_embeddings()
        if hasattr(head, "base_layer"):  # what PEFT stores of the base counts
            weight = head.base_layer.weight
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    model.peft_config["default"].base_model_name_or_path = "tiny"
    model.save_pretrained(out)
    (out / "README.md").unlink(missing_ok=True)
    loaded = PeftModel.from_pretrained(load(), out).eval()
    with torch.no_grad():
        logp = log_probs(loaded, golden["ids"], golden["offsets"].tolist())
    save_file({"log_probs": logp.float()}, out / "golden.safetensors")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    root = parser.parse_args().out
    torch.set_num_threads(1)
    for name, settings in VARIANTS.items():
        if not (root / "model" / name).is_dir():
            continue
        out = root / "lora" / name
        out.mkdir(parents=True, exist_ok=True)
        make_variant(root / "model" / name, out, settings)
    for name, (base, settings) in LOADED.items():
        if (root / "model" / base).is_dir():
            make_loaded(root / "model" / base, root / "lora" / name, settings)
    generator = torch.Generator().manual_seed(9)
    matrix = torch.randn(70, 301, generator=generator)  # 330 blocks: two groups, a short last block
    matrix[3] = 0
    save_file({"matrix": matrix, **{str(bits): torch.from_numpy(f(matrix.numpy()))
                                    for bits, f in QUANTISE.items()}},
              root / "lora" / "matrix.safetensors")


if __name__ == "__main__":
    main()
