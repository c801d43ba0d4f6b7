#!/usr/bin/env python3
"""Prints the commands of README.md and docs/*.md, one a line: FILE:LINE, a tab, the command.

Commands are the lines of ```sh blocks, of blocks without a language, and of indented blocks that begin with a
known program; lines that go on behind a backslash are joined, comments behind two spaces are left out.
"""

import pathlib
import re
import sys

PROGRAMS = (
    "unlearn build/unlearn scripts/ sed pip cmake docker cd tar sudo torchrun srun TARGET= source conda"
).split()


def is_command(line: str) -> bool:
    return any(line == name or line.startswith(name + " ") or (name[-1] in "/=" and line.startswith(name))
               for name in PROGRAMS)


def commands_of(text: str):
    """Pairs of a line's number, from 1, and the command that begins there."""
    in_block, begin, parts = None, 0, []
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("```"):
            in_block = line[3:].strip() if in_block is None else None
            continue
        code = in_block in ("sh", "") or (in_block is None and line.startswith("    "))
        if not code and not parts:
            continue
        stripped = re.sub(r"\s\s+# .*$|\s+# .*$", "", line).strip()
        if not parts:
            if not is_command(stripped):
                continue
            begin = number
        parts.append(stripped.removesuffix("\\").strip())
        if not stripped.endswith("\\"):
            yield begin, " ".join(parts)
            parts = []


def main() -> None:
    root = pathlib.Path(__file__).resolve().parent.parent
    for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        for number, command in commands_of(path.read_text(encoding="utf-8")):
            print(f"{path.relative_to(root)}:{number}\t{command}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    main()
