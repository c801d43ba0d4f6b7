"""Small tokenizers of the common families, and what `tokenizers` makes of hostile strings (and of
TOFU's texts, with --tofu) by them.

Writes OUT/tokenizer/atoms.json and OUT/tokenizer/<family>/{tokenizer,golden}.json; golden.json is
described in checksums.py. The SentencePiece models are made by tokenizer_llama.py.
Needs the Python package tokenizers.
"""

import argparse
import json
from pathlib import Path

import checksums
import hostile
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers,
                        processors, trainers)

GPT4 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+")
MARK = "\u2581"

ROOT = Path(__file__).resolve().parents[2]
# Tokenizers of this many strings; the rest, which no supported model needs, get a tenth.
STRINGS = 20000
MAIN = {"gpt2", "llama3", "qwen2", "gpt_neox", "smollm2", "llama2_json"}


def training_text():
    """The bundled people, and as many hostile strings, so that there are merges in every script."""
    lines = []
    for name in ("full.json", "retain_perturbed.json"):
        for line in (ROOT / "data" / "fiction" / name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            lines.append(f"Question: {row['question']}\nAnswer: {row['answer']}")
    table = hostile.table()
    return lines + [hostile.text(10 ** 9 + number, table) for number in range(2000)]


class Oracle:
    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def encode(self, text, special):
        return self.tokenizer.encode(text, add_special_tokens=special).ids

    def decode(self, ids, skip):
        return self.tokenizer.decode(ids, skip_special_tokens=skip)


def train(tokenizer, size, specials, alphabet=(), trainer=trainers.BpeTrainer, **options):
    # A learned piece must not be spelled like a special token: Unigram would list it twice.
    texts = [t for t in training_text() if not any(s in t for s in ("<unk>", "<pad>", "</s>"))]
    tokenizer.train_from_iterator(texts, trainer(
        vocab_size=size, special_tokens=specials, initial_alphabet=sorted(alphabet),
        show_progress=False, **options))
    return tokenizer


def byte_bpe(pre_tokenizer, specials, normalizer=None, size=1000, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return train(tokenizer, size, specials, pre_tokenizers.ByteLevel.alphabet())


def byte_level(use_regex=False, prefix=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=use_regex)


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert=invert)


def gpt2():
    return byte_bpe(byte_level(True), ["<|endoftext|>"])


def llama3():
    out = byte_bpe(pre_tokenizers.Sequence([split(GPT4 % "{1,3}"), byte_level()]),
                   ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"], ignore_merges=True)
    begin = "<|begin_of_text|>"
    out.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single=f"{begin} $A", pair=f"{begin} $A {begin}:1 $B:1",
                                      special_tokens=[(begin, out.token_to_id(begin))])])
    return out


def qwen2():
    out = byte_bpe(pre_tokenizers.Sequence([split(GPT4 % ""), byte_level()]), [],
                   normalizers.NFC())
    out.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return out


def gpt_neox():
    out = byte_bpe(byte_level(True), ["<|endoftext|>", "<|padding|>"], normalizers.NFC())
    # NeoX's own tokens for runs of spaces are not special, and are found in normalised text.
    out.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
    out.add_tokens([AddedToken("word", single_word=True), AddedToken("Caf\u00e9", normalized=True),
                    AddedToken("<mask>", lstrip=True, rstrip=True, normalized=False)])
    return out


def smollm2():
    return byte_bpe(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                             byte_level(True)]),
                    ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<fim_prefix>"])


def roberta():
    out = byte_bpe(byte_level(True, True), ["<s>", "<pad>", "</s>", "<unk>"])
    out.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    out.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return out


def fallback_bpe(normalizer, pre_tokenizer, decoder, specials, size=900, **model):
    """A character BPE with byte fallback: its byte tokens follow the special ones, as in Llama-2."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    train(tokenizer, size, specials + [f"<0x{b:02X}>" for b in range(256)], limit_alphabet=200)
    content = json.loads(tokenizer.to_str())
    content["model"].update(byte_fallback=True, fuse_unk=True, **model)
    content["added_tokens"] = [t for t in content["added_tokens"] if t["content"] in specials]
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.decoder = decoder
    return tokenizer


def with_bos(tokenizer, bos):
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1",
        special_tokens=[(bos, tokenizer.token_to_id(bos))])
    return tokenizer


def llama2_json():
    return with_bos(fallback_bpe(
        normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)]), None,
        decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(),
                           decoders.Strip(" ", 1, 0)]), ["<unk>", "<s>", "</s>"]), "<s>")


def mistral_json():
    return with_bos(fallback_bpe(
        None, pre_tokenizers.Metaspace(MARK, prepend_scheme="first", split=False),
        decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(),
                           decoders.Strip(" ", 1, 0)]), ["<unk>", "<s>", "</s>", "[INST]"]), "<s>")


def gemma():
    return with_bos(fallback_bpe(
        normalizers.Replace(" ", MARK), pre_tokenizers.Split(" ", "merged_with_previous"),
        decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse()]),
        ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]), "<bos>")


def metaspace():
    """Everything lower case, characters outside the alphabet unknown, split at spaces."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(),
        normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return train(tokenizer, 600, ["<unk>", "<s>"])


def word_bpe():
    """GPT-1's kind: word ends are marked; punctuation and white space cut words."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.BPEDecoder("</w>")
    return train(tokenizer, 600, ["<unk>"], end_of_word_suffix="</w>")


def prefix_bpe():
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.WordPiece("##")
    return train(tokenizer, 600, ["[UNK]", "[CLS]", "[SEP]"], continuing_subword_prefix="##")


def behaviors():
    """Every way to cut around a match."""
    return byte_bpe(pre_tokenizers.Sequence([
        pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits(False),
        split("[aeiou]r?", "merged_with_next"), split(r"\w+|\s", "merged_with_previous"),
        split(r"\d+\b", "isolated", True), pre_tokenizers.WhitespaceSplit(),
        split("^.t|n$", "removed"), byte_level(False, True)]), ["<|endoftext|>"])


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer = train(tokenizer, 2300, ["<pad>", "</s>", "<unk>"], trainer=trainers.UnigramTrainer,
                      unk_token="<unk>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))])
    return tokenizer


FAMILIES = [gpt2, llama3, qwen2, gpt_neox, smollm2, roberta, llama2_json, mistral_json, gemma,
            metaspace, word_bpe, prefix_bpe, behaviors, unigram]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "golden")
    parser.add_argument("--tofu", type=Path, help="folder with TOFU's files")
    parser.add_argument("--only", help="one family")
    parser.add_argument("--smollm2", type=Path, help="folder that scripts/fetch_smollm2.sh made")
    parser.add_argument("--show", nargs=2, metavar=("FAMILY", "BLOCK"),
                        help="print the rows of one block instead of writing files")
    arguments = parser.parse_args()
    out = arguments.out / "tokenizer"
    if arguments.show:
        family, block = arguments.show
        checksums.show(Oracle(Tokenizer.from_file(str(out / family / "tokenizer.json"))), int(block))
        return
    out.mkdir(parents=True, exist_ok=True)
    checksums.write_json(out / "atoms.json", hostile.table())
    if arguments.smollm2:
        checksums.write_golden(out / "real_smollm2.json",
                               Oracle(Tokenizer.from_file(str(arguments.smollm2 / "tokenizer.json"))),
                               STRINGS // 4, arguments.tofu)
    for make in FAMILIES:
        family = make.__name__
        if arguments.only not in (None, family):
            continue
        folder = out / family
        folder.mkdir(exist_ok=True)
        tokenizer = make()
        content = json.loads(tokenizer.to_str())
        if family == "gpt2":  # the older spelling of merges
            content["model"]["merges"] = [" ".join(pair) for pair in content["model"]["merges"]]
        checksums.write_json(folder / "tokenizer.json", content)
        checksums.write_golden(folder / "golden.json", Oracle(tokenizer),
                               STRINGS if family in MAIN else STRINGS // 10,
                               arguments.tofu if family in MAIN else None)
        print(family, tokenizer.get_vocab_size())


if __name__ == "__main__":
    main()
