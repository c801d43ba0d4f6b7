"""The results of bench/compare_pytorch.py as Markdown."""


def gib(value):
    return f"{value / 2**30:.2f}"


def heading(group, on_gpu):
    base = group["contestants"][0]["name"]
    agreement = f"{group['loss_difference']:.1e}"
    lines = [f"Compared with {base}; losses of all steps agree to {agreement}."]
    if group["apart"]:
        lines.append("One contestant after the other: ratios are those of the medians.")
    if group["micro_batch"]:
        lines.append(f"The peers' batches are cut into parts of {group['micro_batch']} + "
                     f"{group['micro_batch']} sequences.")
    memory = "peak device memory" if on_gpu else "peak RSS"
    share = "ours / its memory" if on_gpu else "ours / its RSS"
    return lines + ["", "| contestant | step, s (median, IQR) | time / ours (median, IQR) | "
                    f"CPU time / ours | {memory}, GiB | {share} | first loss, gradient norm "
                    "differ by |",
                    "|---|---|---|---|---|---|---|"]


def group_table(group, on_gpu):
    lines = heading(group, on_gpu)
    digits = 4 if on_gpu else 3
    for c in group["contestants"]:
        s, r = c["seconds"], c["ratio"]
        step = f"{s['median']:.{digits}f} ({s['q1']:.{digits}f}–{s['q3']:.{digits}f})"
        lines.append(f"| {c['name']} | {step} | "
                     f"{r['median']:.2f} ({r['q1']:.2f}–{r['q3']:.2f}) | "
                     f"{c['cpu_ratio']['median']:.2f} | {gib(c['peak_bytes'])} | "
                     f"{c['memory_share']:.2f} | {c['first_loss_difference']:.1e}, "
                     f"{c['first_norm_difference']:.1e} |")
    for name, error in group["failures"].items():
        lines.append(f"| {name} | failed: {error.strip().splitlines()[-1][:100]} | | | | | |")
    if group["disagreement"]:
        lines += ["", f"NOT THE SAME WORK: {group['disagreement']}"]
    compiled = [c for c in group["contestants"] if c["name"].startswith("P2")]
    return lines + [f"\n{c['name']} needed {c['first_step_seconds']:.0f} s for its first step "
                    "(compiling)." for c in compiled] + [""]


def table(result):
    lines = []
    for group in result.get("groups", []):
        lines += group_table(group, result["on_gpu"])
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
    threads = "" if result["on_gpu"] else f" {result['threads']} threads,"
    body = (f"{begin}\n### {name}\n\n{result['device']},{threads} torch {result['torch']}, "
            f"{result['steps']} timed steps after {result['warmup']}, "
            f"{result['batch']}+{result['batch']} sequences per step.\n\n{table(result)}{end}")
    if begin in text:
        text = text[:text.index(begin)] + body + text[text.index(end) + len(end):]
    else:
        text = text.rstrip() + "\n\n" + body + "\n"
    path.write_text(text)
