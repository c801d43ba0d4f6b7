#!/usr/bin/env python3
"""Folders whose side files, class and tokenizer.json say different things, as transformers' AutoTokenizer
reads them.

Writes OUT/tokenizer_folders/transformers5.json (or transformers4.json, when run with transformers 4):
  [{"name", "family", "files": {"<file>": content}, "vocabulary", "skip_json", "wide",
    "ids": {"bos", "eos", "pad", "unk"}, "rows": [[text, ids, decoded, decoded without special]]}]
"family" is a folder of OUT/family_tokenizers (made by family_tokenizers.py), whose tokenizer.json the
folder has, with "extra" added tokens; "vocabulary": its vocabulary as vocab.json and merges.txt instead.
Needs transformers 5.17, and transformers 4.57 for transformers4.json.
"""
import argparse
import itertools
import json
import os
import pathlib
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import transformers  # noqa: E402
from transformers import AutoTokenizer, PreTrainedTokenizerFast  # noqa: E402

FLAGS = ("special", "lstrip", "rstrip", "single_word", "normalized")
TEXTS = [
    "Who are you?",
    "a <|x|>  b <|x|>c<|x|> d  <|x|>  e",
    "  two  1234 x</s> y<s>b <|endoftext|> c",
    "a<|im_start|>  b <|im_end|>\n<bos>e <eos> <unk>",
    "caf\u00e9 cafe\u0301 \ufb01",
    " x",
    "",
    "\n",
]


def token(content, **flags):
    return {"content": content, **{flag: False for flag in FLAGS}, **flags}


def case(name, family="gpt2", extra=(), vocabulary=False, config=None, model_type=None, **files):
    own = dict(files)
    if config is not None:
        own["tokenizer_config.json"] = config
    if model_type is not None:
        own["config.json"] = {"model_type": model_type}
    return {"name": name, "family": family, "extra": list(extra), "vocabulary": vocabulary,
            "files": {key.replace("__", "."): value for key, value in own.items()}}


def flag_cases(classes):
    """Every flag on one side only, both ways, with and without the decoder in the config."""
    for kind in classes:
        base = {"tokenizer_class": kind} if kind else {}
        for flag, in_config in itertools.product(FLAGS, (True, False)):
            other = token("<|x|>", **{flag: True})
            plain = token("<|x|>")
            in_json, config = (plain, other) if in_config else (other, plain)
            yield case(f"{flag} {'only' if in_config else 'not'} in the config, {kind}",
                       extra=[in_json],
                       config={**base, "added_tokens_decoder": {"400": config}})
        yield case(f"all flags without a decoder, {kind}", extra=[token("<|x|>", rstrip=True)],
                   config={**base, "pad_token": "<|x|>"})
        yield case(f"unknown tokens in the decoder, {kind}", config={
            **base, "eos_token": "<|x|>",
            "added_tokens_decoder": {"0": token("<|endoftext|>", special=True),
                                     "401": token("<|x|>", lstrip=True),
                                     "400": token("<|im_start|>", normalized=True)}})
        yield case(f"flags left out in the decoder, {kind}", config={
            **base, "eos_token": "<|x|>",
            "added_tokens_decoder": {"400": {"content": "<|x|>", "rstrip": True},
                                     "401": {"content": "<|im_start|>", "special": True}}})


def role_cases(classes):
    """Which of the files names BOS, EOS, PAD and UNK."""
    two = {"bos_token": "A", "eos_token": "B", "pad_token": "C", "unk_token": "D"}
    mapped = {"bos_token": "E", "eos_token": {**token("F"), "lstrip": True}, "pad_token": "G",
              "unk_token": "H"}
    for kind in classes:
        base = {"tokenizer_class": kind} if kind else {}
        yield case(f"config and map, {kind}", config={**base, **two}, special_tokens_map__json=mapped)
        yield case(f"config, map and decoder, {kind}",
                   config={**base, **two, "added_tokens_decoder": {
                       "0": token("<|endoftext|>", special=True)}},
                   special_tokens_map__json=mapped, added_tokens__json={"<|x|>": 400})
        yield case(f"config, map and an empty decoder, {kind}",
                   config={**base, **two, "added_tokens_decoder": {}},
                   special_tokens_map__json=mapped)
        yield case(f"map alone, {kind}", config=base, special_tokens_map__json=mapped)
        yield case(f"nulls in the map, {kind}", config={**base, **two},
                   special_tokens_map__json={"eos_token": None, "pad_token": None})
        yield case(f"nulls in the config, {kind}",
                   config={**base, "bos_token": None, "eos_token": None, "pad_token": None})
        yield case(f"no names, {kind}", config=base)
        yield case(f"added_tokens.json, {kind}", config={**base, "eos_token": "<|x|>"},
                   added_tokens__json={"<|x|>": 400, "<|im_start|>": 401})
        yield case(f"more special tokens, {kind}", config={
            **base, "additional_special_tokens": ["<|im_start|>", "<|x|>"]})
        yield case(f"more special tokens in the map, {kind}", config=base, special_tokens_map__json={
            "additional_special_tokens": ["<|im_start|>", "<|x|>"]})
        flags = {flag: flag == "rstrip" for flag in FLAGS if flag != "special"}
        yield case(f"extra special tokens in the map, {kind}", config=base, special_tokens_map__json={
            "extra_special_tokens": ["<|im_start|>", {"content": "<|x|>", **flags}]})


def prefix_cases():
    for family, kind, model_type in [
            ("gpt2", "GPT2Tokenizer", None), ("gpt2", "GPT2TokenizerFast", "gpt2"),
            ("gpt2", None, "gpt2"), ("gpt2", "PreTrainedTokenizerFast", "llama"), ("gpt2", None, None),
            ("phi", "CodeGenTokenizer", "phi"), ("phi", None, "phi"),
            ("gpt_neox", "GPTNeoXTokenizer", "gpt_neox"), ("gpt_neox", None, "gpt_neox"),
            ("gpt_neox", "PreTrainedTokenizerFast", "gpt_neox"),
            ("qwen3", "Qwen2Tokenizer", "qwen3"), ("qwen3", None, "qwen2"),
            ("llama2", "LlamaTokenizer", "llama"), ("llama2", "LlamaTokenizerFast", "mistral"),
            ("llama2", "PreTrainedTokenizerFast", "llama"), ("llama2", None, "llama"),
            ("phi3", "LlamaTokenizerFast", "phi3"), ("phi3", "LlamaTokenizer", "llama"),
            ("gemma", "GemmaTokenizer", "gemma2"), ("gemma", None, "gemma")]:
        for prefix in (None, True, False):
            config = {} if prefix is None else {"add_prefix_space": prefix}
            if kind:
                config["tokenizer_class"] = kind
            yield case(f"add_prefix_space {prefix}, {kind}, {model_type} over {family}", family,
                       config=config, model_type=model_type)
    for legacy in (True, False):
        yield case(f"legacy {legacy}", "llama2", model_type="llama",
                   config={"tokenizer_class": "LlamaTokenizer", "legacy": legacy})


def split_cases():
    for kind, family in [(None, "gpt2"), ("GPT2Tokenizer", "gpt2"), (None, "qwen3"),
                         ("Qwen2Tokenizer", "qwen3"), ("LlamaTokenizer", "llama2"), (None, "llama2"),
                         (None, "gemma")]:
        base = {"tokenizer_class": kind} if kind else {}
        yield case(f"split_special_tokens, {kind} over {family}", family,
                   config={**base, "split_special_tokens": True})
    yield case("split_special_tokens and a token that is not special", extra=[token("<|x|>")],
               config={"split_special_tokens": True, "additional_special_tokens": ["<|im_start|>"]})


def bos_cases():
    for bos, eos in itertools.product((None, True, False), repeat=2):
        flags = {key: value for key, value in (("add_bos_token", bos), ("add_eos_token", eos))
                 if value is not None}
        for family, kind, model_type in [
                ("llama2", "LlamaTokenizerFast", "llama"), ("gemma", "GemmaTokenizerFast", "gemma"),
                ("gpt_neox", "GPTNeoXTokenizerFast", "gpt_neox"), ("gpt2", "GPT2TokenizerFast", "gpt2"),
                ("llama3", "PreTrainedTokenizerFast", "llama"),
                ("qwen3", "LlamaTokenizerFast", "qwen2")]:
            names = {"bos_token": "<|endoftext|>", "eos_token": "<|im_end|>"} if family == "qwen3" else {}
            yield case(f"add_bos_token {bos}, add_eos_token {eos}, {kind} over {family}", family,
                       config={"tokenizer_class": kind, **flags, **names}, model_type=model_type)


def vocabulary_cases():
    for kind, family, model_type in [
            ("GPT2Tokenizer", "gpt2", None), (None, "gpt2", "gpt2"), (None, "phi", "phi"),
            ("GPTNeoXTokenizer", "gpt_neox", None), (None, "gpt_neox", "gpt_neox"),
            ("Qwen2Tokenizer", "qwen3", "qwen3"), (None, "qwen3", "qwen2")]:
        base = {"tokenizer_class": kind} if kind else {}
        for flags in ({}, {"add_prefix_space": True}, {"add_bos_token": True},
                      {"add_bos_token": True, "add_eos_token": True, "bos_token": "A"}):
            yield case(f"vocab.json and merges.txt, {kind}, {model_type} over {family}, {flags}", family,
                       vocabulary=True, config={**base, **flags}, model_type=model_type)
        yield case(f"vocab.json and merges.txt with added tokens, {kind}, {model_type} over {family}",
                   family, vocabulary=True, model_type=model_type,
                   config={**base, "eos_token": "<|im_end|>", "added_tokens_decoder": {
                       "400": token("<|im_start|>", special=True), "401": token("<|x|>", lstrip=True)}})
        yield case(f"vocab.json, merges.txt, added_tokens.json, {kind}, {model_type} over {family}",
                   family, vocabulary=True, config=base, model_type=model_type,
                   added_tokens__json={"<|im_start|>": 400, "<|x|>": 401},
                   special_tokens_map__json={"eos_token": "<|x|>"})


def own_name_cases():
    yield case("another name that ends in _token", config={"image_token": "<|x|>"})
    yield case("a map of special tokens", config={"extra_special_tokens": {"image_token": "<|x|>"}})
    yield case("other vocabulary than the class's", "qwen3", model_type="llama",
               config={"tokenizer_class": "LlamaTokenizerFast", "add_bos_token": True,
                       "bos_token": "<|endoftext|>"})
    yield case("other vocabulary than the class's, Llama 3", "llama3", model_type="llama",
               config={"tokenizer_class": "LlamaTokenizerFast"})
    yield case("GPT-2's class over SentencePiece's vocabulary", "llama2", model_type="gpt2",
               config={"tokenizer_class": "GPT2Tokenizer"})


def cases(version):
    classes = [None, "PreTrainedTokenizerFast", "GPT2Tokenizer", "Qwen2Tokenizer"]
    yield from flag_cases(classes)
    yield from role_cases(classes)
    yield from prefix_cases()
    yield from split_cases()
    yield from bos_cases()
    if version == 5:
        yield from vocabulary_cases()
    yield from own_name_cases()


def readable_by_4(one):
    """Without a class and a model type transformers 4 refuses a folder; it makes LlamaTokenizerFast with
    add_prefix_space from tokenizer.model, and knows no other names of special tokens."""
    config = one["files"].get("tokenizer_config.json", {})
    kind = config.get("tokenizer_class", "")
    if not kind and "config.json" not in one["files"]:
        return False
    llama = kind.startswith("Llama") or \
        (not kind and one["files"]["config.json"]["model_type"] in ("llama", "mistral"))
    return not (llama and "add_prefix_space" in config) and "extra special" not in one["name"]


def write(folder, families, one):
    content = json.loads((families / one["family"] / "tokenizer.json").read_text("utf-8"))
    size = 1 + max([*content["model"]["vocab"].values(), *(t["id"] for t in content["added_tokens"])])
    content["added_tokens"] += [{"id": size + i, **t} for i, t in enumerate(one["extra"])]
    if one["vocabulary"]:
        (folder / "vocab.json").write_text(json.dumps(content["model"]["vocab"]), "utf-8")
        lines = ["#version: 0.2", *(" ".join(merge) for merge in content["model"]["merges"])]
        (folder / "merges.txt").write_text("\n".join(lines) + "\n", "utf-8")
    else:
        (folder / "tokenizer.json").write_text(json.dumps(content), "utf-8")
    for name, value in one["files"].items():
        (folder / name).write_text(json.dumps(value))


def reads(tokenizer, one):
    roles = ("bos", "eos", "pad", "unk")
    rows = []
    for text in TEXTS:
        ids = tokenizer(text)["input_ids"]
        plain = dict(clean_up_tokenization_spaces=False)
        rows.append([text, ids, tokenizer.decode(ids, **plain),
                     tokenizer.decode(ids, skip_special_tokens=True, **plain)])
    one["ids"] = {role: getattr(tokenizer, f"{role}_token_id") for role in roles}
    one["rows"] = rows
    return one


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    out = parser.parse_args().out
    version = int(transformers.__version__.split(".")[0])
    result = []
    for one in cases(version):
        if version == 4 and not readable_by_4(one):
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write(folder, out / "family_tokenizers", one)
            # A class over a vocabulary without its mark for spaces loses every space in transformers 5;
            # there the plain class, which transformers 5 takes for known folders of this kind.
            kind = PreTrainedTokenizerFast if "other vocabulary" in one["name"] or \
                "SentencePiece's" in one["name"] else AutoTokenizer
            if version == 4:
                kind = AutoTokenizer
            result.append(reads(kind.from_pretrained(folder), one))
    (out / "tokenizer_folders").mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in result)
    (out / "tokenizer_folders" / f"transformers{version}.json").write_text(f"[\n{lines}\n]\n")
    print(len(result), "folders")


if __name__ == "__main__":
    main()
