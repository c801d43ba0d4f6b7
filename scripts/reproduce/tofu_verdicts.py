"""The paper's claims (arXiv 2410.07163) against the runs in results.json: criteria as in claims.py, where a
run is another; one row per claim: (claim, measured, verdict). A claim is confirmed when its criterion
holds on every seed that was run; a claim without runs is "not run"."""
import math
import statistics

from claims_runs import mean, number, r_squared, verdict

# Student's t for n - 1 = 1 … 4: 97.5 % and 80 %.
T_95, T_80 = (12.706, 4.303, 3.182, 2.776), (1.376, 1.061, 0.978, 0.941)


def interval(values):
    """Mean and the half width of its 95 % interval over the seeds."""
    if len(values) < 2:
        return f"{number(values[0])} (one seed)"
    half = T_95[len(values) - 2] * statistics.stdev(values) / math.sqrt(len(values))
    return f"{number(mean(values))} ± {number(half)}"


def visible(differences):
    """The mean difference that as many seeds with this spread would have shown (5 %, power 0.8)."""
    if len(differences) < 2:
        return ""
    at = len(differences) - 2
    size = (T_95[at] + T_80[at]) * statistics.stdev(differences) / math.sqrt(len(differences))
    return f"; visible from {number(size)}"


def each(values):
    return " / ".join(number(value) for value in values)


class Seeds:
    """The seeds on which every named run is there."""

    def __init__(self, entry):
        self.entry = entry
        self.original = entry["models"]["full"]["values"]
        self.retain = entry["models"]["retain"]["values"]

    def claims(self, *names):
        found = [runs for _, runs in sorted(self.entry.get("claims", {}).items()) if all(n in runs for n in names)]
        return [[runs[name] for runs in found] for name in names]

    def final(self, *methods):
        runs = [self.entry["final"].get(method, {}) for method in methods]
        seeds = sorted(set.intersection(*map(set, runs))) if runs else []
        return [[part[seed] for seed in seeds] for part in runs]

    def both(self, methods, names):
        """Of the seeds that have finals of the methods and claims' runs of the names."""
        finals = [self.entry["final"].get(method, {}) for method in methods]
        runs = self.entry.get("claims", {})
        seeds = sorted(seed for seed in runs if all(n in runs[seed] for n in names) and all(seed in f for f in finals))
        return [[f[seed] for seed in seeds] for f in finals] + [[runs[seed][n] for seed in seeds] for n in names]


def field(runs, name):
    return [run["values"][name] for run in runs]


def log_quality(runs):
    return [math.log10(max(value, 1e-300)) for value in field(runs, "forget_quality")]


def weights(at):
    npo, simnpo = at.claims("weights-npo_gd", "weights-simnpo")
    own = [run["weights"] for run in npo]
    yield ("C1 NPO starts like GA", own and (
        f"max abs(w-1) before any update {number(max(abs(w - 1) for o in own for w in o['first']))}; "
        f"median {each([o['early_median'] for o in own])} in epoch 1, {each([o['late_median'] for o in own])} in the last"),
        [max(abs(w - 1) for w in o["first"]) < 1e-5 and o["early_median"] > 0.5 and o["early_median"] > o["late_median"]
         for o in own])
    other = [run["weights"] for run in simnpo]
    yield ("C2 early weights follow length", other and (
        f"r with the length in epoch 1: SimNPO {each([o['early_r'] for o in other])}, NPO {each([o['early_r'] for o in own])}; "
        f"SimNPO in the last epoch {each([o['late_r'] for o in other])}"),
        [s["early_r"] < -0.3 and abs(n["early_r"]) < abs(s["early_r"]) and abs(s["late_r"]) < abs(s["early_r"])
         for s, n in zip(other, own)])


def lengths(at):
    npo, simnpo = at.final("npo_gd", "simnpo")
    by = {name: ([abs(r["halves"]["short"]["excess"] - r["halves"]["long"]["excess"]) for r in runs],
                 [abs(math.log10(max(r["halves"]["short"]["quality"], 1e-300)) -
                      math.log10(max(r["halves"]["long"]["quality"], 1e-300))) for r in runs])
          for name, runs in (("NPO", npo), ("SimNPO", simnpo))}
    for which, claim in ((0, "C3 SimNPO even over lengths, by loss"), (1, "… by FQ (log10)")):
        n, s = by["NPO"][which], by["SimNPO"][which]
        differences = [a - b for a, b in zip(n, s)]
        yield (claim, n and f"gap of the halves: NPO {interval(n)}, SimNPO {interval(s)}{visible(differences)}",
               [d > 0 for d in differences])


def reference(at):
    plain, other = at.both(["npo_gd"], ["perturbed"])
    yield ("C5 a perturbed reference hurts NPO's FQ", plain and (
        f"FQ {each(field(plain, 'forget_quality'))} → {each(field(other, 'forget_quality'))}; utility "
        f"{interval(field(plain, 'quick_utility'))} → {interval(field(other, 'quick_utility'))}; forget probability "
        f"{interval(field(plain, 'forget_Q_A_Prob'))} → {interval(field(other, 'forget_Q_A_Prob'))}"),
        [p >= 2 * o for p, o in zip(field(plain, "forget_quality"), field(other, "forget_quality"))])


def collapse(at):
    npo, simnpo, ascent = at.both(["npo_gd", "simnpo"], ["ascent"])
    full = at.original["model_utility"]
    yield ("C6 GA collapses utility", ascent and (
        f"as many steps at NPO's rate: MU {interval(field(ascent, 'model_utility'))} of {number(full)}, forget "
        f"probability {interval(field(ascent, 'forget_Q_A_Prob'))}; NPO keeps {interval(field(npo, 'model_utility'))}, "
        f"SimNPO {interval(field(simnpo, 'model_utility'))}"),
        [a < 0.1 * full and p < 0.01 and min(n, s) >= 0.7 * full for a, p, n, s in zip(
            field(ascent, "model_utility"), field(ascent, "forget_Q_A_Prob"), field(npo, "model_utility"),
            field(simnpo, "model_utility"))])


def distance(at):
    runs = at.claims("distance-ga", "distance-npo_gd", "distance-simnpo")
    curves = [[[(int(step), values["forget_KL_Divergence"]) for step, values in sorted(
        run["steps"].items(), key=lambda item: int(item[0]))] for run in method] for method in runs]
    fits = [[(r_squared([math.log(t) for t, _ in curve], [v for _, v in curve]),
              r_squared([t for t, _ in curve], [v for _, v in curve])) for curve in method] for method in curves]
    ratio = [ga[-1][1] / simnpo[-1][1] for ga, simnpo in zip(curves[0], curves[2])]
    yield ("C7 KL grows like log(steps)", ratio and "R² log, linear: " + ", ".join(
        f"{name} " + " / ".join(f"{a:.2f}, {b:.2f}" for a, b in method) for name, method in
        (("NPO", fits[1]), ("SimNPO", fits[2]))), [n[0] > n[1] and s[0] > s[1] for n, s in zip(fits[1], fits[2])])
    yield ("… GA's is over 5 times SimNPO's", ratio and f"after the last step {each(ratio)} times", [r > 5 for r in ratio])


def normalisation(at):
    plain, divided = at.both(["grad_diff"], ["wgraddiff"])
    differences = [b - a for a, b in zip(log_quality(plain), log_quality(divided))]
    yield ("C8 W-GradDiff's FQ above GradDiff's", plain and (
        f"log10 FQ {interval(log_quality(divided))}, GradDiff {interval(log_quality(plain))}{visible(differences)}; "
        f"utility {interval(field(divided, 'quick_utility'))} and {interval(field(plain, 'quick_utility'))}"),
        [d > 0 for d in differences])


def margins(at):
    found = at.both(["simnpo"], ["gamma-0.5", "gamma-1", "gamma-2"])
    utility = [field(runs, "model_utility") for runs in found]
    if not utility[0]:
        yield ("C9 γ > 0 lowers utility", None, [])
        return
    means = [mean(u) for u in utility]
    spread = [statistics.stdev(u) if len(u) > 1 else 0 for u in utility]
    rises = [(b - a, max(s, t)) for a, b, s, t in zip(means, means[1:], spread, spread[1:]) if b > a]
    yield ("C9 γ > 0 lowers utility", "γ 0 / 0.5 / 1 / 2: MU " + " / ".join(map(interval, utility)) + "; FQ "
           + " / ".join(number(mean(field(runs, "forget_quality"))) for runs in found),
           not rises or (len(rises) == 1 and rises[0][0] <= rises[0][1]))


def sweep(at, method, betas):
    """β → runs, the chosen point's among them, on the seeds that have all of them."""
    chosen = (at.entry["search"].get(method, {}).get("chosen") or {}).get("method.beta", 2.5)
    names = {beta: f"beta-{method}-{beta}" for beta in betas if beta != chosen}
    found = at.both([method], list(names.values()))
    runs = dict(zip(names, found[1:]))
    if chosen in betas:
        runs[chosen] = found[0]
    return {beta: runs[beta] for beta in betas}


def betas(at):
    simnpo = sweep(at, "simnpo", (0.1, 0.5, 1.5, 2.5, 3.5, 4.5))
    npo = sweep(at, "npo_gd", (0.02, 0.05, 0.1, 0.2, 0.5, 1))
    for claim, runs, good in (("C10 too small a β ruins SimNPO", simnpo, (0.5, 1.5, 2.5, 3.5, 4.5)),
                              ("… NPO's best β is 0.05 to 0.2", npo, (0.05, 0.1, 0.2))):
        seeds = range(len(next(iter(runs.values()))))
        quality = [{b: run[i]["values"]["forget_quality"] for b, run in runs.items()} for i in seeds]
        # NPO's ties count; SimNPO's smallest β must be worse than another.
        holds = [max(q[b] for b in good) >= max(q.values()) and (0.1 in good or max(q.values()) > q[0.1]) for q in quality]
        yield (claim, bool(seeds) and "FQ at β " + "; ".join(
            f"{b}: {each(field(r, 'forget_quality'))}, utility {number(mean(field(r, 'quick_utility')))}"
            for b, r in runs.items()), holds)


def better(at):
    """C11; and, beside the claim, the same of the second search."""
    for method, claim in (("simnpo", "C11 SimNPO's FQ and MU not below NPO's"), ("simnpo_beta", "(with β searched)")):
        npo, simnpo = at.final("npo_gd", method)
        quality = [b - a for a, b in zip(log_quality(npo), log_quality(simnpo))]
        utility = [b - a for a, b in zip(field(npo, "model_utility"), field(simnpo, "model_utility"))]
        if npo or method == "simnpo":
            yield (claim, npo and (
                f"SimNPO less NPO: log10 FQ {interval(quality)}{visible(quality)}; MU {interval(utility)}{visible(utility)}"),
                [q >= 0 and u >= -0.01 for q, u in zip(quality, utility)])
        runs = [equal for equal in at.claims("equal")[0] if "npo_gd" in equal and method in equal]
        quality = [b - a for a, b in zip(log_quality([r["npo_gd"] for r in runs]), log_quality([r[method] for r in runs]))]
        if runs or method == "simnpo":
            yield ("… FQ at equal utility", runs and f"log10 FQ, SimNPO less NPO {interval(quality)}{visible(quality)}",
                   [q >= 0 for q in quality])


def recovery(at):
    def area(start, run):
        curve = [start["values"]["forget_Q_A_Prob"]] + [values["forget_Q_A_Prob"] for _, values in sorted(
            run["steps"].items(), key=lambda item: int(item[0]))]
        return sum((a + b) / 2 - curve[0] for a, b in zip(curve, curve[1:]))

    selections = ("shortest", "random-1", "random-2")
    names = [f"relearn-{method}-{s}" for method in ("npo_gd", "simnpo") for s in selections]
    npo, simnpo, *runs = at.both(["npo_gd", "simnpo"], names)
    areas = [[area(start, run) for start, run in zip(starts, part)]
             for starts, part in zip([npo] * 3 + [simnpo] * 3, runs)]
    short = {"npo": areas[0], "simnpo": areas[3]}
    drawn = {"npo": [mean(v) for v in zip(*areas[1:3])], "simnpo": [mean(v) for v in zip(*areas[4:6])]}
    yield ("C12 SimNPO resists relearning", npo and (
        f"area regained, shortest: NPO {interval(short['npo'])}, SimNPO {interval(short['simnpo'])}; random: "
        f"{interval(drawn['npo'])}, {interval(drawn['simnpo'])}"),
        [a < b and c < d for a, b, c, d in zip(short["simnpo"], short["npo"], drawn["simnpo"], drawn["npo"])])
    gap = {name: [a - b for a, b in zip(short[name], drawn[name])] for name in short}
    yield ("… shortest rows hit NPO harder", npo and (
        f"shortest less random: NPO {interval(gap['npo'])}, SimNPO {interval(gap['simnpo'])}"),
        [n > s for n, s in zip(gap["npo"], gap["simnpo"])])


def early(at):
    npo, simnpo = at.claims("epochs-npo_gd", "epochs-simnpo")
    curves = [[[values["model_utility"] for _, values in sorted(run["steps"].items(), key=lambda item: int(item[0]))]
               for run in runs] for runs in (npo, simnpo)]
    yield ("C17 NPO loses utility early", npo and "; ".join(
        f"epoch {k + 1}: NPO {interval([c[k] for c in curves[0]])}, SimNPO {interval([c[k] for c in curves[1]])}"
        for k in range(3)), [all(s[k] >= n[k] for k in range(3)) for n, s in zip(*curves)])


def texts(at):
    npo, simnpo = at.final("npo_gd", "simnpo")
    retain = at.entry["models"]["retain"]
    off = [[[abs(run[name] - retain[name]) for name in ("distinct_2", "repeated_4")] for run in runs]
           for runs in (npo, simnpo)]
    yield ("C18 SimNPO's texts are less odd", npo and "; ".join(
        f"{label}: NPO {interval([r[name] for r in npo])}, SimNPO {interval([r[name] for r in simnpo])}, retain "
        f"{number(retain[name])}" for name, label in (("distinct_2", "distinct-2"), ("repeated_4", "repeats"))),
        [all(s[k] < n[k] for k in (0, 1)) for n, s in zip(*off)])


def bias(at):
    npo, simnpo = at.claims("half-npo_gd", "half-simnpo")
    pairs = [(n["bias"], s["bias"]) for n, s in zip(npo, simnpo) if n["bias"] and s["bias"]]
    short = f" ({len(pairs)} of {len(npo)} seeds get as far as the retain model)" if len(pairs) < len(npo) else ""
    for claim, name, larger in (("C4 NPO spares what was memorised, by loss", "gap", 0),
                                ("… by FQ of the memorised half", "learnt_quality", 1)):
        values = [[pair[k][name] for pair in pairs] for k in (0, 1)]
        yield (claim, pairs and f"NPO {each(values[0])}, SimNPO {each(values[1])}{short}",
               [(n > s) if larger == 0 else (s > n) for n, s in zip(*values)])


def sequence(at):
    npo, simnpo = at.claims("requests-npo_gd", "requests-simnpo")
    for claim, name, better in (("C16 four requests: forgets more", "forget_Q_A_ROUGE", lambda s, n: s < n),
                                ("… keeps more", "retain_Q_A_ROUGE", lambda s, n: s > n)):
        won = [sum(better(b["values"][name], a["values"][name]) for a, b in zip(*pair)) for pair in zip(npo, simnpo)]
        yield (claim, won and "ROUGE after each: " + "; ".join(
            f"{label} " + ", ".join(number(mean([run[k]["values"][name] for run in runs])) for k in range(4))
            for label, runs in (("NPO", npo), ("SimNPO", simnpo))) + f"; SimNPO ahead after {each(won)} of 4",
            [w >= 3 for w in won])


CLAIMS = (weights, lengths, bias, reference, collapse, distance, normalisation, margins, betas, better, recovery,
          sequence, early, texts)


def verdicts(entry):
    at = Seeds(entry)
    rows = []
    for claim in CLAIMS:
        for name, measured, holds in claim(at):
            if isinstance(holds, bool):
                rows.append((name, measured, ("confirmed" if holds else "not confirmed") + ", on the seeds' means"))
            elif not holds:
                rows.append((name, "", "not run"))
            else:
                seeds = f", {len(holds)} seed{'s' if len(holds) > 1 else ''}"
                rows.append((name, measured, verdict(holds) + (seeds if all(holds) else "")))
    return rows
