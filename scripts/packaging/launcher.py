"""Starts the native program with the LibTorch of this environment's torch package, which is not imported."""

import importlib.util
import os
import re
import sys
from pathlib import Path

WANTED = "2.11"


def find_torch() -> tuple[Path | None, str]:
    """Folder and version ("2.11.0") of the torch package; None and "" where there is none."""
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        return None, ""
    folder = Path(spec.submodule_search_locations[0])
    try:
        text = (folder / "version.py").read_text(encoding="utf-8")
    except OSError:
        return None, ""
    match = re.search(r"^__version__ = '([0-9.]+)", text, re.MULTILINE)
    return folder, match.group(1) if match else "of an unknown version"


def main() -> None:
    folder, version = find_torch()
    if folder is None or not (version + ".").startswith(WANTED + "."):
        found = "has none" if folder is None else f"has {version}"
        print(f"error: unlearn needs torch {WANTED}, and {sys.prefix} {found}: pip install torch=={WANTED}.0", file=sys.stderr)
        sys.exit(2)
    program = Path(__file__).resolve().parent / "libexec" / "unlearn"
    paths = [str(folder / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]
    environment = dict(os.environ, LD_LIBRARY_PATH=":".join(filter(None, paths)))
    os.execve(program, [str(program), *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()
