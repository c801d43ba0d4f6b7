#!/usr/bin/env python3
"""Fails on an #include that points to a higher layer or to a neighbour in the same row.

A file may include headers of its own folder and of lower rows only. The folders in MODULES hold
modules, one a folder, that share headers beside them but never include each other. Reads every
`#include "unlearn/<folder>/…"` and `#include "<folder>/…"` below include/, src/ and prints each
wrong arrow.
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
    ["losses", "metrics", "report"],
    ["train", "eval", "markov"],
    ["benchmarks", "attacks"],
    ["run"],
    ["commands"],
]
ROW_OF = {folder: row for row, folders in enumerate(ROWS) for folder in folders}
KERNEL_USERS = {"model", "scoring", "train"}
MODULES = {"benchmarks"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"(?:unlearn/)?([a-z_]+)/(?:([a-z_0-9]+)/)?', re.M)


def layer_of(path: pathlib.Path, root: pathlib.Path) -> str:
    parts = path.relative_to(root).parts
    return parts[2] if parts[0] == "include" else parts[1]


def module_of(path: pathlib.Path, root: pathlib.Path) -> str:
    """The module's folder in a layer of modules; empty for what they share."""
    parts = path.relative_to(root).parts
    return parts[2] if parts[0] == "src" and len(parts) > 3 else ""


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
        for target, module in INCLUDE.findall(path.read_text()):
            if target not in ROW_OF and target != "kernels":
                bad.append(f"{path}: includes unknown layer '{target}'")
            elif wrong_arrow(owner, target):
                bad.append(f"{path}: {owner} may not include {target}")
            elif target in MODULES and module and module != module_of(path, root):
                bad.append(f"{path}: {owner} may not include the module {target}/{module}")
    print("\n".join(bad) or f"layers: {len(files)} files, all arrows point down")
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main())
