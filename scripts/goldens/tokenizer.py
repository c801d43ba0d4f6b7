"""Small tokenizers of the common families, strings to tokenize, and what `tokenizers` and
`sentencepiece` make of them.

Writes OUT/tokenizer/<family>/ (a Hugging Face folder and golden.json). golden.json holds rows
[text, ids, ids with special tokens, decoded, decoded without special tokens].
Needs the Python packages tokenizers and sentencepiece. All text is generated here.
"""

import argparse
import io
import json
import random
import unicodedata
from pathlib import Path

import sentencepiece
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers,
                        processors, trainers)

GPT4 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+")
MARK = "\u2581"

SYLLABLES = "ka ri to ven mar sol in er an dor el is tha qui ber lo na the ing ion st re".split()
SCRIPTS = [(0x61, 0x7A), (0x41, 0x5A), (0xC0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x5D0, 0x5EA),
           (0x620, 0x64A), (0x904, 0x939), (0xE01, 0xE3A), (0x1100, 0x11FF), (0x3041, 0x30FF),
           (0x4E00, 0x4FFF), (0xAC00, 0xAD00), (0x10330, 0x1034A), (0x1D400, 0x1D500),
           (0x20000, 0x20100)]
MARKS = "\u0301\u0308\u0323\u0327\u0345\u05B0\u093C\u0E48\u200D\uFE0F\u20E3"
SPACES = [" ", " ", " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", "\u00A0", "\u0085", "\u2003",
          "\u3000", "\u180E", "\u200B", "\u2028", "\u000B", "\u1680", " \n ", "      "]
EMOJI = ["\U0001F600", "\U0001F468\u200D\U0001F469\u200D\U0001F467", "\U0001F1E9\U0001F1EA",
         "\u2764\uFE0F", "\U0001F44D\U0001F3FD", "1\uFE0F\u20E3"]
ODD = ["\x00", "\x01", "\x1b", "\x7f", "\u0080", "\uE000", "\uFFFE", "\uFFFF", "\U0010FFFF",
       "\U000F0000", "\uFEFF", "\uFFFD", "\uFDD0", "\u212A", "\u017F", "\u0130", "\u03A3", "\u00DF",
       "\uFB03", "\u1E9B\u0323", "\u00BD", "\u2167", "\u0660\u0661", "\u096F", "\u00B2", MARK,
       "\u0120", "\u010A", "\u2126", "\u0958", "\uAC01\u11A8"]
PUNCTUATION = list(".,;:!?'\"-()[]{}<>/\\|@#$%^&*_+=~`") + ["...", "\u2026", "\u2014", "\u3002",
                                                            "\u00AB", "\u061F", "''", "//", "--"]
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "'\u017F", "n't", " 's"]
LOOKALIKES = ["<s>", "</s>", "<unk>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<0x41>",
              "<0xE5>", "<|begin_of_text|>", "<|eot_id|>", "<bos>", "<eos>", "<pad>", "<mask>",
              "<|endof", "text|>", "<s", "<<s>>", "[INST]", "<fim_prefix>", "  <mask>  ", "word",
              "xwordx", " word ", "Caf\u00e9", "Cafe\u0301", "cafe\u0301s"]


def syllables(rng):
    word = "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 4)))
    return rng.choice([word, word, word.capitalize(), word.upper()])


def script(rng):
    low, high = rng.choice(SCRIPTS)
    return "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 6)))


def any_character(rng):
    while True:
        c = rng.choice([rng.randrange(0x110000), rng.randrange(0x10000), rng.randrange(0x3000)])
        if not 0xD800 <= c < 0xE000 and (c < 0x80 or unicodedata.category(chr(c)) != "Cn"):
            return chr(c)


ATOMS = [
    (12, syllables),
    (10, lambda rng: rng.choice(SPACES)),
    (4, lambda rng: rng.choice(PUNCTUATION)),
    (3, script),
    (2, lambda rng: rng.choice(CONTRACTIONS)),
    (2, lambda rng: rng.choice(LOOKALIKES)),
    (2, lambda rng: str(rng.randrange(10 ** rng.randint(1, 25)))),
    (2, lambda rng: rng.choice(ODD)),
    (1, lambda rng: rng.choice("aeoucnA") + "".join(rng.choices(MARKS, k=rng.randint(1, 4)))),
    (1, lambda rng: rng.choice(EMOJI)),
    (1, any_character),
    (1, lambda rng: rng.choice([" ", "a", "=", "\n", "9", "\u3042"]) * rng.randint(2, 40)),
]


def hostile(seed, count):
    """Random mixes of everything that tokenizers trip over."""
    rng = random.Random(seed)
    weights = [weight for weight, _ in ATOMS]
    out = ["", " ", "a", MARK, " a", "\n"]
    while len(out) < count:
        atoms = rng.choices(ATOMS, weights, k=rng.choice([1, 2, 3, 5, 8, 13, 21]))
        out.append("".join(make(rng) for _, make in atoms))
    return out


def training_text(seed=7, lines=3000):
    rng = random.Random(seed)
    return [" ".join(rng.choice([syllables, syllables, syllables, script])(rng)
                     + rng.choice(["", "", "", ",", ".", "'s", "!", " 12", "\n"])
                     for _ in range(rng.randint(3, 14))) for _ in range(lines)]


def train(tokenizer, size, specials, alphabet=(), trainer=trainers.BpeTrainer, **options):
    tokenizer.train_from_iterator(training_text(), trainer(
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
    tokenizer = train(tokenizer, 2600, ["<pad>", "</s>", "<unk>"], trainer=trainers.UnigramTrainer,
                      unk_token="<unk>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))])
    return tokenizer


FAMILIES = [gpt2, llama3, qwen2, gpt_neox, smollm2, roberta, llama2_json, mistral_json, gemma,
            metaspace, word_bpe, prefix_bpe, behaviors, unigram]


def train_sentencepiece():
    """Llama-2's settings: BPE, byte fallback, single digits, a space in front, no normalisation."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(training_text()), model_writer=model, model_type="bpe",
        vocab_size=1500, byte_fallback=True, split_digits=True, add_dummy_prefix=True,
        remove_extra_whitespaces=False, normalization_rule_name="identity",
        allow_whitespace_only_pieces=True, character_coverage=0.98, minloglevel=2, num_threads=1)
    return model.getvalue()


def row(tokenizer, text):
    full = tokenizer.encode(text, add_special_tokens=True).ids
    return [text, tokenizer.encode(text, add_special_tokens=False).ids, full,
            tokenizer.decode(full, skip_special_tokens=False),
            tokenizer.decode(full, skip_special_tokens=True)]


def write_golden(folder, rows):
    lines = ",\n".join(json.dumps(r, separators=(",", ":")) for r in rows)
    (folder / "golden.json").write_text(f"[{lines}]\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=150, help="rows of each golden.json")
    arguments = parser.parse_args()
    texts = hostile(1, arguments.rows)
    for family in FAMILIES:
        folder = arguments.out / "tokenizer" / family.__name__
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = family()
        content = json.loads(tokenizer.to_str())
        if family is gpt2 and content["model"]["merges"]:  # the older spelling of merges
            content["model"]["merges"] = [" ".join(pair) for pair in content["model"]["merges"]]
        (folder / "tokenizer.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")
        write_golden(folder, [row(tokenizer, text) for text in texts])
    folder = arguments.out / "tokenizer" / "llama2"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.model").write_bytes(train_sentencepiece())
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    # Plain texts only: the lookalikes are added tokens, which SentencePiece does not know.
    plain = [t for t in texts if not any(s in t for s in ("<s>", "</s>", "<unk>"))]
    rows = []
    for text in plain:
        ids = processor.encode(text)
        rows.append([text, ids, [processor.bos_id()] + ids, None, processor.decode(ids)])
    write_golden(folder, rows)


if __name__ == "__main__":
    main()
