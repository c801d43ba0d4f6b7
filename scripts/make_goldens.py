#!/usr/bin/env python3
"""Makes the tests' expected values again, from outside oracles (transformers, tokenizers, SciPy, …).

    make_goldens.py                      lists the makers and what each one needs
    make_goldens.py NAME [--out DIR] …   runs scripts/goldens/NAME.py; further options go to it

Every maker says in its first lines where its numbers come from. The default --out is tests/golden.
Needs a Python with torch 2.11, transformers 5.17, tokenizers, sentencepiece, rouge-score, scipy,
scikit-learn and peft (tokenizer_llama: transformers 4.46.3; harness, tasks: lm_eval 0.4.8 as well).
"""
import ast
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent / "goldens"
LIBRARIES = {"checksums", "hostile", "made_up_words", "tiny_model", "trajectory_terms"}  # imported by makers


def makers() -> dict:
    return {
        path.stem: (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0]
        for path in sorted(FOLDER.glob("*.py"))
        if path.stem not in LIBRARIES
    }


def main() -> int:
    known = makers()
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        for name, purpose in known.items():
            print(f"  {name:18} {purpose}")
        return 0
    name, options = sys.argv[1], sys.argv[2:]
    if name not in known:
        print(f"error: no maker '{name}'; known: {', '.join(known)}", file=sys.stderr)
        return 2
    if "--out" not in options:
        options += ["--out", str(FOLDER.parents[1] / "tests" / "golden")]
    return subprocess.run([sys.executable, str(FOLDER / f"{name}.py"), *options]).returncode


if __name__ == "__main__":
    sys.exit(main())
