#!/usr/bin/env python3
"""What Python's str.strip() takes away: every code point, and a few texts before and after.

Writes OUT/core/python_strip.json.
"""
import argparse
import json
import pathlib

TEXTS = ["", " \u00a0\u3000", "\u3000\u1f600 a\u0085b \x1f\u2028", "\x1ca\x1d", "\u200ba\u200b",
         "\ufeff a", "\u180ea\u00a0", "é \u202f\u205f\t\r\n", "\u2060 b \u2029"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("tests/golden"))
    folder = parser.parse_args().out / "core"
    folder.mkdir(parents=True, exist_ok=True)
    spaces = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF and not chr(c).strip()]
    golden = {"spaces": spaces, "texts": [[text, text.strip()] for text in TEXTS]}
    (folder / "python_strip.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
