#!/usr/bin/env python3
"""Small tokenizers with the structure of each model family's tokenizer.json, what `tokenizers` makes
of a few strings with them, and the families' chat templates rendered and tokenized.

Writes OUT/family_tokenizers/<family>/tokenizer.json and tokenizer_config.json, and
OUT/family_tokenizers/golden.json:
  {"<family>": [[text, ids, ids with special tokens, decoded, decoded without special tokens], …]}
and OUT/family_tokenizers/templates.json:
  [{"template", "tokenizer", "question", "answer", "text", "prompt", "tokens", "masked"}, …]

The rendered texts are written out by hand below from the table of prompt tags (locuslab/tofu and
open-unlearning); "tokens" ends with EOS by open-unlearning's rule (append it unless it is there) for
chat templates and by locuslab/tofu's for plain ones; the first "masked" tokens are no targets.
Needs the Python package tokenizers.
"""
import argparse
import json
import pathlib

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers,
                        processors, trainers)

MARK = "\u2581"
GPT4 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+")
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
ROOT = pathlib.Path(__file__).resolve().parents[2]

STRINGS = [
    "The lighthouse keeper wrote three letters.",
    " leading and trailing ",
    "two  spaces,   three,    four\n\n\nand lines\n",
    "\tdef f(x):\n        return x ** 2  # comment\r\n",
    "",
    " ",
    "caf\u00e9 cafe\u0301 na\u00efve \u00c5ngstr\u00f6m \ufb01ne",
    "\u4f60\u597d, \u043c\u0438\u0440! \u0645\u0631\u062d\u0628\u0627 \U0001f600\U0001f469\u200d\U0001f4bb \U00010348",
    "I'll say it's 1234567 o'clock, WE'VE 3.14",
    "<bos><eos></s><s><|endoftext|><|end|>\n<|user|>\n <|assistant|>  \n\nyes",
    "<start_of_turn>user\nhi<end_of_turn>\n<|im_start|>x<|im_end|> <think>a</think>",
    "<0x41> \u2581 mark \u2581\u2581x",
]


def training_text():
    lines = []
    for line in (ROOT / "data" / "fiction" / "full.json").read_text("utf-8").splitlines()[:400]:
        row = json.loads(line)
        lines.append(f"{row['question']}\n{row['answer']}")
    return lines + [text.replace("<", "(") for text in STRINGS] * 3


def train(tokenizer, size, specials, alphabet=(), **options):
    tokenizer.train_from_iterator(training_text(), trainers.BpeTrainer(
        vocab_size=size, special_tokens=specials, initial_alphabet=sorted(alphabet),
        show_progress=False, **options))
    return tokenizer


def byte_level(specials, pre_tokenizer=None, normalizer=None, size=400):
    """GPT-2 and all that follow it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer or pre_tokenizers.ByteLevel(add_prefix_space=False)
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return train(tokenizer, size, specials, pre_tokenizers.ByteLevel.alphabet())


def gpt4_split(digits):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(GPT4 % digits), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def sentencepiece_bpe(specials, size=700):
    """BPE with byte fallback as converted from SentencePiece models (Llama-2, Phi-3, Gemma)."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", MARK)
    train(tokenizer, size, specials + BYTES, limit_alphabet=80)

    def forget_bytes(content):  # they are pieces of the vocabulary, not added tokens
        content["added_tokens"] = [token for token in content["added_tokens"]
                                   if token["content"] not in BYTES]
    return Tokenizer.from_str(edit(tokenizer, forget_bytes))


def spaces(counts, **options):
    return [AddedToken(" " * count, normalized=True, **options) for count in counts]


def gpt2():
    return byte_level(["<|endoftext|>"]), dict(bos="<|endoftext|>", eos="<|endoftext|>")


def phi():
    """CodeGen's: GPT-2 with runs of spaces and tabs as added tokens, not special."""
    tokenizer = byte_level(["<|endoftext|>"])
    tokenizer.add_tokens(spaces(range(31, 1, -1)))
    tokenizer.add_tokens([AddedToken("\t" * n, normalized=True) for n in range(9, 1, -1)])
    return tokenizer, dict(bos="<|endoftext|>", eos="<|endoftext|>")


def gpt_neox():
    """Pythia's and StableLM-3B's: NFC, runs of spaces."""
    tokenizer = byte_level(["<|endoftext|>", "<|padding|>"], normalizer=normalizers.NFC())
    tokenizer.add_tokens(spaces(range(24, 1, -1)))
    return tokenizer, dict(bos="<|endoftext|>", eos="<|endoftext|>")


def stablelm2():
    """StableLM-2's: GPT-4's split, more special tokens, no post-processor but ByteLevel."""
    tokenizer = byte_level(["<|endoftext|>", "<|fim_prefix|>"], gpt4_split("{1,3}"))
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens(["<|reg_extra|>"])
    return tokenizer, dict(bos="<|endoftext|>", eos="<|endoftext|>", pad="<|endoftext|>")


def olmo2():
    tokenizer = byte_level(["<|endoftext|>"], gpt4_split("{1,3}"))
    tokenizer.add_tokens([AddedToken("|||IP_ADDRESS|||", normalized=False)])
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>", "<|pad|>"])
    return tokenizer, dict(bos="<|endoftext|>", eos="<|endoftext|>", pad="<|pad|>")


def qwen3():
    """Qwen2's with NFC; <think> is an added token that is not special."""
    tokenizer = byte_level(["<|endoftext|>"], gpt4_split(""), normalizers.NFC())
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens([AddedToken("<think>", normalized=False),
                          AddedToken("</think>", normalized=False)])
    return tokenizer, dict(eos="<|im_end|>", pad="<|endoftext|>")


def llama3():
    tokenizer = byte_level([], gpt4_split("{1,3}"))
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>",
                                  "<|end_header_id|>", "<|eot_id|>"])
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(
            single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
            special_tokens=[("<|begin_of_text|>", tokenizer.token_to_id("<|begin_of_text|>"))])])
    tokenizer = Tokenizer.from_str(edit(tokenizer, lambda j: j["model"].update(ignore_merges=True)))
    return tokenizer, dict(bos="<|begin_of_text|>", eos="<|eot_id|>")


def llama2():
    tokenizer = sentencepiece_bpe(["<unk>", "<s>", "</s>"])
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(MARK),
                                                 normalizers.Replace(" ", MARK)])
    tokenizer.decoder = llama_decoder()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return tokenizer, dict(bos="<s>", eos="</s>", unk="<unk>")


def llama_decoder():
    return decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(),
                              decoders.Strip(" ", 1, 0)])


def phi3():
    """Llama-2's without BOS; the turn markers and </s> swallow whitespace to their right."""
    tokenizer = sentencepiece_bpe(["<unk>", "<s>"])
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(MARK),
                                                 normalizers.Replace(" ", MARK)])
    tokenizer.decoder = llama_decoder()
    tokenizer.add_tokens([AddedToken("</s>", rstrip=True, normalized=False)])
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", normalized=False)])
    tokenizer.add_special_tokens([AddedToken(token, rstrip=True, normalized=False) for token in (
        "<|assistant|>", "<|placeholder1|>", "<|system|>", "<|end|>", "<|user|>")])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B:1",
                                                             special_tokens=[])
    return tokenizer, dict(bos="<s>", eos="<|endoftext|>", pad="<|endoftext|>", unk="<unk>")


def gemma():
    """Spaces become marks, nothing is prepended; turn markers are special, runs are not."""
    tokenizer = sentencepiece_bpe(["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(),
                                           decoders.Fuse()])
    tokenizer.add_special_tokens(["<start_of_turn>", "<end_of_turn>"])
    tokenizer.add_tokens([AddedToken(run * count, normalized=False)
                          for run in ("\n", MARK) for count in range(2, 6)])
    tokenizer.add_tokens([AddedToken("<unused0>", normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A <bos>:1 $B:1",
        special_tokens=[("<bos>", tokenizer.token_to_id("<bos>"))])
    return tokenizer, dict(bos="<bos>", eos="<eos>", pad="<pad>", unk="<unk>")


FAMILIES = [gpt2, phi, gpt_neox, stablelm2, olmo2, qwen3, llama3, llama2, phi3, gemma]

QUESTION = "Who keeps the lighthouse?"
ANSWER = "Ada keeps it."
# template, tokenizer, prompt, whole text, chat template?, special tokens added by the tokenizer?
RENDERED = [
    ("llama2", "llama2", "[INST] Who keeps the lighthouse? [/INST]",
     "[INST] Who keeps the lighthouse? [/INST]Ada keeps it.", False, True),
    ("phi", "phi", "Question: Who keeps the lighthouse?\n",
     "Question: Who keeps the lighthouse?\nAnswer: Ada keeps it.", False, True),
    ("phi_ou", "phi", "Question: Who keeps the lighthouse?\nAnswer: ",
     "Question: Who keeps the lighthouse?\nAnswer: Ada keeps it.", True, True),
    ("none", "gpt_neox", "Who keeps the lighthouse?", "Who keeps the lighthouse?Ada keeps it.",
     False, True),
    ("llama3", "llama3",
     "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
     "Cutting Knowledge Date: December 2023\nToday Date: 10 Apr 2025\n\n"
     "You are a helpful assistant.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
     "Who keeps the lighthouse?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
     "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
     "Cutting Knowledge Date: December 2023\nToday Date: 10 Apr 2025\n\n"
     "You are a helpful assistant.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
     "Who keeps the lighthouse?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
     "Ada keeps it.<|eot_id|>", True, False),
    ("qwen2", "qwen3",
     "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
     "<|im_start|>user\nWho keeps the lighthouse?<|im_end|>\n<|im_start|>assistant\n",
     "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
     "<|im_start|>user\nWho keeps the lighthouse?<|im_end|>\n"
     "<|im_start|>assistant\nAda keeps it.<|im_end|>\n", True, False),
    ("phi3", "phi3",
     "<|system|>\nYou are a helpful assistant.<|end|>\n"
     "<|user|>\nWho keeps the lighthouse?<|end|>\n<|assistant|>\n",
     "<|system|>\nYou are a helpful assistant.<|end|>\n"
     "<|user|>\nWho keeps the lighthouse?<|end|>\n<|assistant|>\nAda keeps it.<|end|>\n",
     True, False),
    ("zephyr", "llama2",
     "<|system|>\nYou are a helpful assistant.</s>\n"
     "<|user|>\nWho keeps the lighthouse?</s>\n<|assistant|>\n",
     "<|system|>\nYou are a helpful assistant.</s>\n"
     "<|user|>\nWho keeps the lighthouse?</s>\n<|assistant|>\nAda keeps it.</s>\n", True, False),
    ("gemma", "gemma",
     "<bos><start_of_turn>user\nWho keeps the lighthouse?<end_of_turn>\n<start_of_turn>model\n",
     "<bos><start_of_turn>user\nWho keeps the lighthouse?<end_of_turn>\n<start_of_turn>model\n"
     "Ada keeps it.<end_of_turn>\n", True, False),
]


def edit(tokenizer, change):
    content = json.loads(tokenizer.to_str())
    change(content)
    return json.dumps(content)


def save(folder, tokenizer, names):
    folder.mkdir(parents=True, exist_ok=True)
    content = json.loads(tokenizer.to_str())
    (folder / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False) + "\n", "utf-8")
    config = {f"{name}_token": token for name, token in names.items()}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")


def row(tokenizer, text):
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    full = tokenizer.encode(text, add_special_tokens=True).ids
    return [text, ids, full, tokenizer.decode(full, skip_special_tokens=False),
            tokenizer.decode(full, skip_special_tokens=True)]


def rendered(tokenizers, names):
    template, family, prompt, text, _, special = names
    tokenizer, specials = tokenizers[family]
    eos = tokenizer.token_to_id(specials["eos"])
    tokens = tokenizer.encode(text, add_special_tokens=special).ids
    if not names[4] or tokens[-1] != eos:
        tokens.append(eos)
    prompt_ids = tokenizer.encode(prompt, add_special_tokens=special).ids
    return {"template": template, "tokenizer": family, "question": QUESTION, "answer": ANSWER,
            "text": text, "prompt": prompt_ids, "tokens": tokens, "masked": len(prompt_ids)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    out = parser.parse_args().out / "family_tokenizers"
    tokenizers = {}
    golden = {}
    for make in FAMILIES:
        tokenizer, names = make()
        save(out / make.__name__, tokenizer, names)
        # What a user's program reads is the file.
        tokenizer = Tokenizer.from_file(str(out / make.__name__ / "tokenizer.json"))
        tokenizers[make.__name__] = tokenizer, names
        golden[make.__name__] = [row(tokenizer, text) for text in STRINGS]
    (out / "golden.json").write_text(json.dumps(golden) + "\n")
    rows = [rendered(tokenizers, names) for names in RENDERED]
    (out / "templates.json").write_text(json.dumps(rows) + "\n")


if __name__ == "__main__":
    main()
