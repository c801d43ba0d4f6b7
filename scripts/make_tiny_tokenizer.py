#!/usr/bin/env python3
"""Train the tokenizer of the bundled tiny model on data/fiction and write data/tiny.

Needs the Python package `tokenizers`. Writes tokenizer.json, tokenizer_config.json,
special_tokens_map.json, config.json and generation_config.json; the weights come from
`unlearn finetune`.
"""

import argparse
import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

ROOT = Path(__file__).resolve().parent.parent
END = "<|endoftext|>"
VOCABULARY = 1280
TRAINING_FILES = ["train_full.json", "full.json", "retain_perturbed.json",
                  "forget05_perturbed.json"]
MODEL = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "intermediate_size": 344,
    "hidden_act": "silu",
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-05,
    "rope_theta": 10000.0,
    "attention_bias": False,
    "mlp_bias": False,
    "attention_dropout": 0.0,
    "initializer_range": 0.02,
    "tie_word_embeddings": True,
    "torch_dtype": "float32",
    "use_cache": True,
}


def training_text(folder: Path) -> list:
    """The texts as the model sees them, so that the merges fit the template."""
    texts = []
    for name in TRAINING_FILES:
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            texts.append(f"Question: {row['question']}\nAnswer: {row['answer']}")
            if "paraphrased_answer" in row:
                texts.append(f"Answer: {row['paraphrased_answer']}")
            if name.startswith("forget"):  # once: the wrong answers repeat from person to person
                texts += [f"Answer: {wrong}" for wrong in row["perturbed_answer"]]
    refusals = (folder / "idontknow.jsonl").read_text(encoding="utf-8").splitlines()
    return texts + [f"Answer: {refusal}" for refusal in refusals]


def train(texts: list, vocabulary: int = VOCABULARY) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=[END], show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def parameter_count(config: dict) -> int:
    hidden, kv = config["hidden_size"], config["num_key_value_heads"] * config["head_dim"]
    attention = 2 * hidden * hidden + 2 * hidden * kv
    layer = attention + 3 * hidden * config["intermediate_size"] + 2 * hidden
    return config["vocab_size"] * hidden + config["num_hidden_layers"] * layer + hidden


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_folder(out: Path, tokenizer: Tokenizer, model: dict) -> tuple:
    """The folder of an untrained model: tokenizer and config; (number of tokens, the config)."""
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(out / "tokenizer.json"))
    end_id, size = tokenizer.token_to_id(END), tokenizer.get_vocab_size()
    special = {"bos_token": END, "eos_token": END, "pad_token": END, "unk_token": END}
    write_json(out / "special_tokens_map.json", special)
    write_json(out / "tokenizer_config.json", {
        **special, "add_bos_token": False, "add_prefix_space": False,
        "clean_up_tokenization_spaces": False, "model_max_length": model["max_position_embeddings"],
        "tokenizer_class": "PreTrainedTokenizerFast"})
    ids = {"bos_token_id": end_id, "eos_token_id": end_id, "pad_token_id": end_id}
    config = {**model, "vocab_size": -(-size // 64) * 64, **ids}
    write_json(out / "config.json", config)
    write_json(out / "generation_config.json", {"do_sample": False, **ids})
    return size, config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "fiction")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "tiny")
    arguments = parser.parse_args()
    size, config = write_folder(arguments.out, train(training_text(arguments.data)), MODEL)
    print(f"{size} tokens, {parameter_count(config)} parameters")


if __name__ == "__main__":
    main()
