#!/usr/bin/env python3
"""Fails on an #include that points to a higher layer or to a neighbour in the same row.

A file may include headers of its own folder and of lower rows only. The folders in MODULES hold
modules, one a folder, that share headers beside them but never include each other. Reads every
`#include "…"` below include/ and src/ (CUDA sources too) and prints each wrong arrow. Includes have
one form, so that none is overlooked: `"unlearn/<folder>/…"` is a file below include/, and
`"<folder>/…"` one below src/.
"""
import pathlib
import re
import sys

ROWS = [
    ["core"],
    ["config", "distributed", "jinja"],
    ["checkpoint", "tokenizer"],
    ["runtime"],
    ["data", "model"],
    ["scoring"],
    ["losses", "metrics"],
    ["report"],
    ["train", "eval", "markov"],
    ["benchmarks", "attacks"],
    ["run"],
    ["cli"],
    ["openunlearning"],
    ["commands"],
]
ROW_OF = {folder: row for row, folders in enumerate(ROWS) for folder in folders}
KERNEL_USERS = {"runtime"}
MODULES = {"benchmarks"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
SUFFIXES = {".h", ".cpp", ".cu", ".cuh", ".def"}


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


def wrong_include(name: str, path: pathlib.Path, root: pathlib.Path) -> str:
    """What is wrong with an include of this name in this file; empty: nothing."""
    owner = layer_of(path, root)
    top = "include" if name.startswith("unlearn/") else "src"
    if "/./" in f"/{name}" or "/../" in f"/{name}" or not (root / top / name).is_file():
        return f'include "{name}" is neither "unlearn/<layer>/…" nor "<layer>/…" of src/'
    target, *rest = name.removeprefix("unlearn/").split("/")
    module = rest[0] if len(rest) > 1 else ""
    if target not in ROW_OF and target != "kernels":
        return f"includes unknown layer '{target}'"
    if wrong_arrow(owner, target):
        return f"{owner} may not include {target}"
    if target in MODULES and module and module != module_of(path, root):
        return f"{owner} may not include the module {target}/{module}"
    return ""


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    files = [p for top in ("include", "src") for p in (root / top).rglob("*")
             if p.suffix in SUFFIXES]
    bad = []
    for path in files:
        owner = layer_of(path, root)
        if owner in ("main.cpp", "wait_policy.cpp"):  # the executable's own, above all layers
            continue
        if owner not in ROW_OF and owner != "kernels":
            bad.append(f"{path}: folder '{owner}' is no layer")
            continue
        wrong = [wrong_include(name, path, root) for name in INCLUDE.findall(path.read_text())]
        bad += [f"{path}: {text}" for text in wrong if text]
    print("\n".join(bad) or f"layers: {len(files)} files, all arrows point down")
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main())
