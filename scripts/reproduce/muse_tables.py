#!/usr/bin/env python3
"""Tables of muse.sh from its results.json.

  scripts/reproduce/muse_tables.py RESULTS.json                    prints them
  scripts/reproduce/muse_tables.py RESULTS.json --write DOC…       into the documents
  scripts/reproduce/muse_tables.py RESULTS.json --check DOC…       fails where a document differs

A document has a table between the lines `<!-- muse: CORPUS NAME -->` and `<!-- end -->`.
"""
import statistics

from doc_tables import markdown, run

COLUMNS = (("forget_verbmem_ROUGE", "VerbMem forget"), ("forget_knowmem_ROUGE", "KnowMem forget"),
           ("privleak", "PrivLeak"), ("retain_knowmem_ROUGE", "KnowMem retain"))


def number(name, value):
    return "–" if value is None else f"{value:.1f}" if name == "privleak" else f"{100 * value:.1f}"


def cells(runs):
    """Means over runs, ± standard deviation where there are several."""
    found = []
    for name, _ in COLUMNS:
        values = [run["values"][name] for run in runs if run["values"][name] is not None]
        text = number(name, statistics.mean(values) if values else None)
        found.append(f"{text} ± {number(name, statistics.stdev(values))}" if len(values) > 1 else text)
    return found


def final(corpus):
    head = ["", "chosen", *(title for _, title in COLUMNS), "CPU seconds a run"]
    rows = [[name, "", *cells([run]), f"{run['cpu_seconds']:.0f}"] for name, run in corpus["models"].items()]
    for method, runs in corpus["final"].items():
        if runs:
            search = corpus["search"][method]
            seconds = statistics.mean(run["cpu_seconds"] for run in runs.values())
            setting = search["searched"].removeprefix("train.")
            rows.append([search["name"], f"{setting} {search['chosen']:g}", *cells(list(runs.values())), f"{seconds:.0f}"])
    return markdown(head, rows)


def search(corpus):
    head = ["", "point", *(title for _, title in COLUMNS)]
    rows = []
    for entry in corpus["search"].values():
        for value, summary in entry["points"]:
            mark = "**" if value == entry["chosen"] else ""
            if summary:
                rows.append([entry["name"], f"{mark}{value:g}{mark}", *cells([{"values": summary}])])
    return markdown(head, rows)


def curve(corpus, kind):
    head = ["", "after" if kind == "sust" else "size", *(title for _, title in COLUMNS)]
    rows = [[corpus["search"][method]["name"], str(k), *cells([run])]
            for method, runs in corpus.get(kind, {}).items() for k, run in enumerate(runs, 1)]
    return markdown(head, rows)


def tables(results):
    """Name → Markdown."""
    found = {}
    for name, corpus in results["corpora"].items():
        if not corpus:
            continue
        found[f"{name} final"], found[f"{name} search"] = final(corpus), search(corpus)
        for kind in ("scal", "sust"):
            if kind in corpus:
                found[f"{name} {kind}"] = curve(corpus, kind)
    return found


if __name__ == "__main__":
    run(__doc__, "muse_tables.py", lambda results: "muse", tables)
