"""SentencePiece models as the Python LlamaTokenizer of transformers 4 uses them.

Writes OUT/tokenizer/{sp_llama2,sp_legacy,sp_unknown}/ (tokenizer.model, side files, golden.json) and, with
--shared DIR, OUT/tokenizer/sp_shared.json for DIR/test_sentencepiece.model.
transformers 5 has no such tokenizer: needs transformers==4.46.3, sentencepiece and protobuf.
"""

import argparse
import io
import json
import shutil
import tempfile
from pathlib import Path

import checksums
import sentencepiece
from tokenizer import MARK, ROOT, STRINGS, training_text
from transformers import LlamaTokenizer


class OneSpace(LlamaTokenizer):
    """Encoding puts one space in front of a text. Decoding with legacy: true this class takes one off and
    SentencePiece another; transformers 5, and SentencePiece alone, take one."""

    def convert_tokens_to_string(self, tokens):
        if self.legacy and tokens[0].startswith(MARK):
            tokens = [MARK + tokens[0], *tokens[1:]]
        return super().convert_tokens_to_string(tokens)


class Oracle:
    def __init__(self, folder):
        self.tokenizer = OneSpace.from_pretrained(folder)

    def encode(self, text, special):
        return self.tokenizer.encode(text, add_special_tokens=special)

    def decode(self, ids, skip):
        return self.tokenizer.decode(ids, skip_special_tokens=skip, spaces_between_special_tokens=False,
                                     clean_up_tokenization_spaces=False)


def train(byte_fallback=True):
    """Llama-2's settings: BPE, byte fallback, single digits, a space in front, no normalisation."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(training_text()), model_writer=model, model_type="bpe",
        vocab_size=1500, byte_fallback=byte_fallback, split_digits=True, add_dummy_prefix=True,
        remove_extra_whitespaces=False, normalization_rule_name="identity",
        allow_whitespace_only_pieces=True, character_coverage=0.98, minloglevel=2, num_threads=1)
    return model.getvalue()


def token(content, special=True, **flags):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False,
            "single_word": False, "special": special, **flags}


def side_files(legacy):
    added = {0: token("<unk>"), 1: token("<s>"), 2: token("</s>")}
    if not legacy:
        added |= {1500: token("<|im_start|>"), 1501: token("<mask>", lstrip=True, rstrip=True),
                  1502: token("Bergmann", special=False), 1503: token("[INST]")}
    return {"add_bos_token": True, "add_eos_token": False, "legacy": legacy, "bos_token": "<s>",
            "eos_token": "</s>", "unk_token": "<unk>", "tokenizer_class": "LlamaTokenizer",
            "added_tokens_decoder": {str(i): t for i, t in added.items()},
            "clean_up_tokenization_spaces": False}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "golden")
    parser.add_argument("--tofu", type=Path, help="folder with TOFU's files")
    parser.add_argument("--shared", type=Path, help="folder with test_sentencepiece.model")
    parser.add_argument("--only", help="sp_llama2, sp_legacy or sp_unknown")
    parser.add_argument("--show", nargs=2, metavar=("FAMILY", "BLOCK"),
                        help="print the rows of one block instead of writing files")
    arguments = parser.parse_args()
    out = arguments.out / "tokenizer"
    if arguments.show:
        checksums.show(Oracle(out / arguments.show[0]), int(arguments.show[1]))
        return
    for name, legacy, strings in [("sp_llama2", False, STRINGS), ("sp_legacy", True, STRINGS // 4),
                                  ("sp_unknown", False, STRINGS // 10)]:
        if arguments.only not in (None, name):
            continue
        folder = out / name
        folder.mkdir(exist_ok=True)
        (folder / "tokenizer.model").write_bytes(train(byte_fallback=name != "sp_unknown"))
        (folder / "tokenizer_config.json").write_text(json.dumps(
            side_files(legacy or name == "sp_unknown") | {"legacy": legacy}) + "\n")
        # TOFU's texts have no unknown character.
        checksums.write_golden(folder / "golden.json", Oracle(folder), strings,
                               None if name == "sp_unknown" else arguments.tofu)
    if arguments.shared and not arguments.only:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(arguments.shared / "test_sentencepiece.model",
                        Path(folder) / "tokenizer.model")
            checksums.write_golden(out / "sp_shared.json", Oracle(folder), STRINGS // 4,
                                   arguments.tofu)


if __name__ == "__main__":
    main()
