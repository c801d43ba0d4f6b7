"""The results of bench/compare_pytorch.py as Markdown."""


def gib(value):
    return f"{value / 2**30:.2f}"


def table(result):
    lines = []
    for group in result.get("groups", []):
        base = group["contestants"][0]["name"]
        lines += [f"Compared with {base}; losses of all steps agree to {group['loss_difference']:.1e}.",
                  "", "| contestant | step, s (median, IQR) | time / ours (median, IQR) | CPU time / "
                  "ours | peak RSS, GiB | ours / its RSS |", "|---|---|---|---|---|---|"]
        for c in group["contestants"]:
            s, r = c["seconds"], c["ratio"]
            lines.append(f"| {c['name']} | {s['median']:.3f} ({s['q1']:.3f}–{s['q3']:.3f}) | "
                         f"{r['median']:.2f} ({r['q1']:.2f}–{r['q3']:.2f}) | "
                         f"{c['cpu_ratio']['median']:.2f} | {gib(c['peak_bytes'])} | "
                         f"{c['memory_share']:.2f} |")
        for name, error in group["failures"].items():
            lines.append(f"| {name} | failed: {error.splitlines()[-1][:100]} | | | | |")
        compiled = [c for c in group["contestants"] if c["name"].startswith("P2")]
        lines += [f"\n{c['name']} needed {c['first_step_seconds']:.0f} s for its first step "
                  "(compiling)." for c in compiled] + [""]
    if "flat" in result:
        lines += ["| forget rows | µs per token (median, IQR) | CPU µs per token | peak RSS, GiB |",
                  "|---|---|---|---|"]
        for rows, f in result["flat"].items():
            t = f["microseconds_per_token"]
            lines.append(f"| {rows} | {t['median']:.1f} ({t['q1']:.1f}–{t['q3']:.1f}) | "
                         f"{f['cpu_microseconds_per_token']:.1f} | {gib(f['peak_bytes'])} |")
        lines.append("")
    return "\n".join(lines)


def write_document(path, name, result):
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    text = path.read_text() if path.exists() else "# Performance\n"
    body = (f"{begin}\n### {name}\n\n{result['device']}, {result['threads']} threads, torch "
            f"{result['torch']}, {result['steps']} timed steps after {result['warmup']}, "
            f"{result['batch']}+{result['batch']} sequences per step.\n\n{table(result)}{end}")
    if begin in text:
        text = text[:text.index(begin)] + body + text[text.index(end) + len(end):]
    else:
        text = text.rstrip() + "\n\n" + body + "\n"
    path.write_text(text)
