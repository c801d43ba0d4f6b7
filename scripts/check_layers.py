#!/usr/bin/env python3
"""Fails on an #include that points to a higher layer or to a neighbour in the same row.

A file may include headers of its own folder and of lower rows only. Reads every
`#include "unlearn/<folder>/…"` below include/, src/ and prints each wrong arrow.
"""
import pathlib
import re
import sys

ROWS = [
    ["core"],
    ["config", "distributed", "jinja"],
    ["checkpoint", "tokenizer"],
    ["data", "model"],
    ["scoring"],
    ["losses", "metrics", "benchmarks", "report"],
    ["train", "eval", "markov"],
    ["commands"],
]
ROW_OF = {folder: row for row, folders in enumerate(ROWS) for folder in folders}
KERNEL_USERS = {"model", "scoring", "train"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"unlearn/([a-z_]+)/', re.M)


def layer_of(path: pathlib.Path, root: pathlib.Path) -> str:
    parts = path.relative_to(root).parts
    return parts[2] if parts[0] == "include" else parts[1]


def wrong_arrow(owner: str, target: str) -> bool:
    if owner == target:
        return False
    if target == "kernels":
        return owner not in KERNEL_USERS
    if owner == "kernels":
        return target != "core"
    return ROW_OF[target] >= ROW_OF[owner]


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    files = [p for top in ("include", "src") for p in (root / top).rglob("*")
             if p.suffix in {".h", ".cpp", ".cu", ".def"}]
    bad = []
    for path in files:
        owner = layer_of(path, root)
        if owner in ("main.cpp", "wait_policy.cpp"):  # the executable's own, above all layers
            continue
        if owner not in ROW_OF and owner != "kernels":
            bad.append(f"{path}: folder '{owner}' is no layer")
            continue
        for target in INCLUDE.findall(path.read_text()):
            if target not in ROW_OF and target != "kernels":
                bad.append(f"{path}: includes unknown layer '{target}'")
            elif wrong_arrow(owner, target):
                bad.append(f"{path}: {owner} may not include {target}")
    print("\n".join(bad) or f"layers: {len(files)} files, all arrows point down")
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main())
