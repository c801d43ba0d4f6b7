#!/usr/bin/env python3
"""The untrained model of scripts/reproduce/muse.sh: a byte-level BPE of 2,048 pieces made of the corpus, and a
Llama of 4 layers and width 128 with a tied embedding (1.0M parameters).

  scripts/reproduce/muse_base.py CORPUS OUT       needs the Python package `tokenizers`
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
try:
    from make_tiny_tokenizer import MODEL, parameter_count, train, write_folder
except ModuleNotFoundError as missing:
    sys.exit(f"error: this needs the Python package {missing.name} (pip install {missing.name}); PYTHON names an "
             "interpreter that has it")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    text = (Path(sys.argv[1]) / "raw" / "full.txt").read_text(encoding="utf-8")
    size, config = write_folder(Path(sys.argv[2]), train(text.split("\n\n"), 2048), MODEL)
    print(f"{size} tokens, {parameter_count(config)} parameters")


if __name__ == "__main__":
    main()
