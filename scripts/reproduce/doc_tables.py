"""Tables that stand in documents and come from an experiment's results.json.

A document has a table between the lines `<!-- KIND: NAME -->` and `<!-- end -->`. A script of tables is
called with RESULTS.json alone (it prints them), or with --write or --check and documents behind it.
"""
import json
import re
import sys
from pathlib import Path


def markdown(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head),
                      *("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows)])


def filled(kind, text, made, where):
    def replace(match):
        if match[1] not in made:
            sys.exit(f"error: {where}: no table '{match[1]}'; known: {', '.join(made)}")
        return f"<!-- {kind}: {match[1]} -->\n\n{made[match[1]]}\n\n<!-- end -->"

    return re.sub(rf"<!-- {kind}: ([^>]+) -->\n.*?<!-- end -->", replace, text, flags=re.S)


def run(usage, script, kind, tables, figures=None):
    """The command line of `script`. kind(results): the first word of its marks; tables(results): name → Markdown;
    figures(results): file name → text, for an argument that is a folder."""
    if len(sys.argv) < 2 or (len(sys.argv) > 2 and sys.argv[2] not in ("--write", "--check")):
        sys.exit(usage.strip())
    results = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    made = tables(results)
    if len(sys.argv) == 2:
        for name, table in made.items():
            print(f"## {name}\n\n{table}\n")
        return
    wanted = {}
    for path in map(Path, sys.argv[3:]):
        if path.suffix == ".md":
            wanted[path] = filled(kind(results), path.read_text(encoding="utf-8"), made, path)
        elif figures is None:
            sys.exit(f"error: {path}: only documents (.md) are written")
        else:
            wanted.update({path / name: drawing for name, drawing in figures(results).items()})
    differ = [path for path, text in wanted.items()
              if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if sys.argv[2] == "--check":
        for path in differ:
            print(f"{path} is not what {sys.argv[1]} gives; scripts/reproduce/{script} --write makes it again",
                  file=sys.stderr)
        sys.exit(1 if differ else 0)
    for path in differ:
        path.write_text(wanted[path], encoding="utf-8")
        print(path)
