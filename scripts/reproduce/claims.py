#!/usr/bin/env python3
"""The paper's claims (arXiv 2410.07163) against the runs of claims.sh: a Markdown table on stdout.

  scripts/reproduce/claims.py OUTPUT

Values are per seed, then mean ± standard deviation. A claim is confirmed when its criterion holds on
every seed. What a criterion compares is written in the table; what a run is, in claims.sh.
"""
import json
import math
import statistics
import sys
from pathlib import Path

from claims_runs import (Answers, Table, at, distance, ks_p_value, mean, number, partial_verdict,
                         pearson, per_seed, r_squared, read_safetensors, repetition, slope,
                         steps_of, summary, verdict)

NPO_BETAS = ("0.02", "0.05", "0.1", "0.2", "0.5", "1")
SIMNPO_BETAS = ("0.1", "0.5", "1.5", "2.5", "3.5", "4.5")
GAMMAS = ("0", "0.5", "1", "2")
QUARTERS = (20, 40, 60, 80)  # optimizer steps: every fifth epoch
EPOCHS = tuple(range(4, 81, 4))


# The claims. Every function gets the seeds' folders.

def starts_like_ascent(table, seeds):
    runs = [steps_of(seed / "weights/npo") for seed in seeds]
    # The first step's learning rate is 0: step 2 is still the untouched model.
    off = [max(abs(step["w"] - 1) for step in run[:2]) for run in runs]
    first = [statistics.median(s["w"] for s in run if s["epoch"] <= 1) for run in runs]
    last = [statistics.median(s["w"] for s in run if s["epoch"] > run[-1]["epoch"] - 1) for run in runs]
    table.add("C1 NPO starts like GA", "|w-1| < 1e-5 before any update; median w in epoch 1 > 0.5, > last epoch's",
              f"|w-1|: {per_seed(off)}; epoch 1: {per_seed(first)}; last: {per_seed(last)}",
              verdict([o < 1e-5 and f > 0.5 and f > l for o, f, l in zip(off, first, last)]))


def weight_length(seed, method, epoch):
    lengths = Answers(seed / "fiction/full/eval").length
    rows = [s for s in steps_of(seed / "weights" / method) if epoch - 1 < s["epoch"] <= epoch]
    return pearson([s["w"] for s in rows], [lengths[s["forget_ids"][0]] for s in rows])


def weights_and_length(table, seeds):
    simnpo = [weight_length(seed, "simnpo", 1) for seed in seeds]
    npo = [weight_length(seed, "npo", 1) for seed in seeds]
    last = [weight_length(seed, "simnpo", 20) for seed in seeds]
    varied = {}
    for method in ("npo", "simnpo"):
        weights = [[s["w"] for s in steps_of(seed / "weights" / method) if s["epoch"] <= 1] for seed in seeds]
        varied[method] = [statistics.stdev(w) / mean(w) for w in weights]
    table.add("C2 early weights follow length only for SimNPO",
              "r(w', length) in epoch 1 < -0.3; |r| of NPO smaller; |r| of SimNPO smaller in the last epoch",
              f"SimNPO: {per_seed(simnpo)}; NPO: {per_seed(npo)}; SimNPO, epoch 20: {per_seed(last)}; "
              f"sd/mean of the weights, NPO: {per_seed(varied['npo'])}, SimNPO: {per_seed(varied['simnpo'])}",
              verdict([s < -0.3 and abs(n) < abs(s) and abs(l) < abs(s) for s, n, l in zip(simnpo, npo, last)]))


def length_halves(seed, method):
    """FQ of the short and the long half, and each half's mean token NLL above the retain model's."""
    model, retain = Answers(seed / "fiction" / method / "eval"), Answers(seed / "fiction/retain/eval")
    order = sorted(range(len(model.length)), key=lambda row: (model.length[row], row))
    halves = order[:len(order) // 2], order[len(order) // 2:]
    quality = [ks_p_value([model.truth[i] for i in half], [retain.truth[i] for i in half]) for half in halves]
    excess = [mean([model.nll[i] - retain.nll[i] for i in half]) for half in halves]
    return quality, excess


def even_effort(table, seeds):
    values = []
    halves = {m: [length_halves(seed, m) for seed in seeds] for m in ("npo", "simnpo")}
    for method, name in (("npo", "NPO"), ("simnpo", "SimNPO")):
        values.append(f"FQ short/long {name}: " + ", ".join(f"{number(q[0])}/{number(q[1])}"
                                                            for q, _ in halves[method]))
    gaps = {m: [abs(math.log10(q[0]) - math.log10(q[1])) for q, _ in halves[m]] for m in halves}
    losses = {m: [abs(e[0] - e[1]) for _, e in halves[m]] for m in halves}
    by_quality = [s < n for s, n in zip(gaps["simnpo"], gaps["npo"])]
    by_loss = [s < n for s, n in zip(losses["simnpo"], losses["npo"])]
    values.append(f"NLL gap NPO: {per_seed(losses['npo'])}, SimNPO: {per_seed(losses['simnpo'])}")
    table.add("C3 even effort over lengths (by FQ)", "|log10 FQ short - log10 FQ long| smaller for SimNPO",
              "; ".join(values[:2]) + f"; difference NPO: {per_seed(gaps['npo'])}, SimNPO: {per_seed(gaps['simnpo'])}",
              verdict(by_quality))
    table.add("C3 (by loss)", "gap of the halves' token NLL above the retain model's smaller for SimNPO",
              values[2], verdict(by_loss))


def matched(run, target):
    """Checkpoints around the first one whose forget probability is below `target`, and the share of
    the second: (before, after, share). The original model counts as step 0 without a checkpoint."""
    before = None
    for step in EPOCHS:
        folder = at(run, step)
        after = Answers(folder)
        if after.probability < target:
            if before is None:
                return after, after, 1.0
            return before, after, (before.probability - target) / (before.probability - after.probability)
        before = after
    return None


def reference_bias(table, seeds):
    learnt = [row for row in range(20) if (row < 10) == (row % 2 == 0)]  # as claims.sh makes D_f1
    unseen = [row for row in range(20) if row not in learnt]
    gaps, qualities = {}, {}
    for method in ("npo", "simnpo"):
        gaps[method], qualities[method] = [], []
        for seed in seeds:
            retain = Answers(seed / "fiction/retain/eval")
            found = matched(seed / "half" / method, retain.probability)
            if found is None:
                gaps[method].append(math.nan)
                qualities[method].append(math.nan)
                continue
            before, after, share = found
            excess = [(1 - share) * b + share * a - r for b, a, r in zip(before.nll, after.nll, retain.nll)]
            gaps[method].append(abs(mean([excess[i] for i in learnt]) - mean([excess[i] for i in unseen])))
            qualities[method].append(ks_p_value([after.truth[i] for i in learnt], [retain.truth[i] for i in learnt]))
    for claim, criterion, values, larger, smaller in (
            ("C4 reference bias", "gap of the learnt and the unseen half's token NLL above the retain model's larger "
             "for NPO", gaps, "npo", "simnpo"),
            ("C4 (by FQ)", "FQ of the learnt half larger for SimNPO", qualities, "simnpo", "npo")):
        table.add(claim, "where forgetting reaches the retain model's: " + criterion,
                  f"NPO: {per_seed(values['npo'])}; SimNPO: {per_seed(values['simnpo'])}",
                  partial_verdict([None if math.isnan(a + b) else a > b
                                   for a, b in zip(values[larger], values[smaller])]))


def perturbed_reference(table, seeds):
    plain = [summary(seed / "fiction/npo/eval") for seed in seeds]
    other = [summary(seed / "perturbed/npo/eval") for seed in seeds]
    weight = [steps_of(seed / "perturbed/npo")[0]["w"] for seed in seeds]
    ratio = [p["forget_quality"] / o["forget_quality"] for p, o in zip(plain, other)]
    lost = [o["model_utility"] - p["model_utility"] for p, o in zip(plain, other)]
    table.add("C5 a perturbed reference hurts NPO", "FQ falls to a half or less",
              f"FQ {per_seed([p['forget_quality'] for p in plain])} → "
              f"{per_seed([o['forget_quality'] for o in other])}; MU change {per_seed(lost)}; "
              f"P {per_seed([p['forget_Q_A_Prob'] for p in plain])} → "
              f"{per_seed([o['forget_Q_A_Prob'] for o in other])}; first weight {per_seed(weight)}",
              verdict([r >= 2 for r in ratio]))
    refused = ["no reference" in (seed / "perturbed/simnpo.txt").read_text() for seed in seeds]
    table.add("C5 SimNPO does not see it", "there is no reference to perturb: the program refuses one",
              " / ".join("refused" if r else "accepted" for r in refused), verdict(refused))


def over_forgetting(table, seeds):
    original = [summary(seed / "fiction/full/eval")["model_utility"] for seed in seeds]
    runs = {name: [summary(seed / folder / "eval") for seed in seeds] for name, folder in
            (("GA", "ascent/ga"), ("GradDiff", "ascent/grad_diff"), ("NPO", "fiction/npo"),
             ("SimNPO", "fiction/simnpo"))}
    utility = {name: [r["model_utility"] for r in rows] for name, rows in runs.items()}
    left = {name: [r["forget_Q_A_Prob"] for r in rows] for name, rows in runs.items()}
    holds = [utility["GA"][i] < 0.1 * o and left["GA"][i] < 0.01 and
             min(utility["NPO"][i], utility["SimNPO"][i]) >= 0.7 * o for i, o in enumerate(original)]
    table.add("C6 GA collapses utility", "80 steps each: MU of GA < a tenth of the original's, forget probability "
              "< 0.01; NPO and SimNPO keep 0.7 of MU",
              "; ".join(f"{n}: MU {per_seed(utility[n])}, P {per_seed(left[n])}" for n in runs), verdict(holds))


def divergence(table, seeds):
    curves = {m: [[summary(at(seed / "distance" / m, step))["forget_KL_Divergence"] for step in EPOCHS]
                  for seed in seeds] for m in ("ga", "npo", "simnpo")}
    log = [math.log(step) for step in EPOCHS]
    fits = {m: [(r_squared(log, c), r_squared(EPOCHS, c)) for c in curves[m]] for m in curves}
    ratio = [g[-1] / s[-1] for g, s in zip(curves["ga"], curves["simnpo"])]
    largest = [max(a / b for a, b in zip(g, s)) for g, s in zip(curves["ga"], curves["simnpo"])]
    table.add("C7 logarithmic divergence", "R² of KL against log(step) > against step, NPO and SimNPO",
              "; ".join(f"{name}: " + ", ".join(f"{a:.2f} {'>' if a > b else '<'} {b:.2f}" for a, b in fits[m])
                        for m, name in (("npo", "NPO"), ("simnpo", "SimNPO"))),
              verdict([all(fits[m][i][0] > fits[m][i][1] for m in ("npo", "simnpo")) for i in range(len(seeds))]))
    table.add("C7 GA diverges faster", "KL of GA over SimNPO's after 80 steps > 5",
              f"{per_seed(ratio)}; largest of any epoch {per_seed(largest)}; mean KL after epochs 4, 8, 20: "
              + ", ".join(f"{m} " + "/".join(number(mean([c[k - 1] for c in curves[m]])) for k in (4, 8, 20))
                          for m in curves),
              verdict([r > 5 for r in ratio]))


def length_normalisation(table, seeds):
    runs = {m: [summary(seed / "length" / m / "eval") for seed in seeds] for m in ("grad_diff", "wgraddiff")}
    quality = {m: [r["forget_quality"] for r in runs[m]] for m in runs}
    table.add("C8 length normalisation alone helps", "FQ of W-GradDiff > GradDiff's, same steps and rate",
              "; ".join(f"{n}: FQ {per_seed(quality[m])}, MU {per_seed([r['model_utility'] for r in runs[m]])}, "
                        f"P {per_seed([r['forget_Q_A_Prob'] for r in runs[m]])}"
                        for m, n in (("grad_diff", "GradDiff"), ("wgraddiff", "W-GradDiff"))),
              verdict([w > g for g, w in zip(quality["grad_diff"], quality["wgraddiff"])]))
    off, moved = [], []
    for seed in seeds:
        weights = {m: read_safetensors(seed / "length" / m / "model/model.safetensors")
                   for m in ("grad_diff", "wgraddiff", "simnpo")}
        off.append(distance(weights["simnpo"], weights["wgraddiff"]))
        moved.append(distance(weights["grad_diff"], weights["wgraddiff"]))
    table.add("C8 SimNPO with β = 1e-6 is W-GradDiff", "distance of their weights after 40 steps < 1 % of the "
              "distance to GradDiff's", f"{per_seed(off)}; to GradDiff {per_seed(moved)}",
              verdict([o < 0.01 * m for o, m in zip(off, moved)]))


def margin(table, seeds):
    for beta in ("0.5", "2.5"):
        rows = {g: [summary(seed / f"gamma/{beta}-{g}" / "eval") for seed in seeds] for g in GAMMAS}
        utility = [[r["model_utility"] for r in rows[g]] for g in GAMMAS]
        means = [mean(u) for u in utility]
        deviation = [statistics.stdev(u) if len(u) > 1 else 0.0 for u in utility]
        rises = [(b - a, max(s, t)) for a, b, s, t in zip(means, means[1:], deviation, deviation[1:]) if b > a]
        holds = not rises or (len(rises) == 1 and rises[0][0] <= rises[0][1])
        table.add(f"C9 γ > 0 lowers utility (β = {beta})",
                  "mean MU falls over γ = 0, 0.5, 1, 2; one rise within 1 sd is allowed",
                  "; ".join(f"γ {g}: MU {number(m)} ± {number(d)}, FQ "
                            f"{per_seed([r['forget_quality'] for r in rows[g]])}"
                            for g, m, d in zip(GAMMAS, means, deviation)), "confirmed" if holds else "not confirmed")


def beta_sweep(table, seeds):
    for method, betas in (("simnpo", SIMNPO_BETAS), ("npo", NPO_BETAS)):
        for epochs in (20, 60):
            quality = [[summary(at(seed / f"beta/{method}-{b}", 80) if epochs == 20 else
                                seed / f"long/{method}-{b}/eval")["forget_quality"] for b in betas] for seed in seeds]
            values = "; ".join(f"β {b}: {per_seed([row[i] for row in quality])}" for i, b in enumerate(betas))
            if method == "simnpo":
                table.add(f"C10 too small a β ruins SimNPO ({epochs} epochs)", "FQ is best at a β above 0.1", values,
                          verdict([max(row) > row[0] for row in quality]))
            else:
                useful = [i for i, b in enumerate(betas) if 0.05 <= float(b) <= 0.2]
                table.add(f"C10 NPO's β is smaller ({epochs} epochs)",
                          "FQ is best at a β from 0.05 to 0.2 (ties count)", values,
                          verdict([max(row[i] for i in useful) == max(row) for row in quality]))


def points(seed, method, betas):
    """(FQ, MU) of every checkpoint of a sweep."""
    rows = [summary(at(seed / f"beta/{method}-{b}", step)) for b in betas for step in QUARTERS]
    rows += [summary(seed / f"long/{method}-{b}/eval") for b in betas]
    return [(row["forget_quality"], row["model_utility"]) for row in rows]


def front(all_points):
    return sorted({p for p in all_points if not any(q[0] >= p[0] and q[1] >= p[1] and q != p for q in all_points)})


def matched_utility(seed, run):
    """MU where the forget probability reaches the retain model's; nan where it never does."""
    target = Answers(seed / "fiction/retain/eval").probability
    rows = [(summary(seed / "fiction/full/eval"))] + [summary(at(seed / run, step)) for step in EPOCHS]
    for before, after in zip(rows, rows[1:]):
        high, low = before["forget_Q_A_Prob"], after["forget_Q_A_Prob"]
        if low < target:
            share = (high - target) / (high - low)
            return (1 - share) * before["model_utility"] + share * after["model_utility"]
    return math.nan


def fronts(table, seeds):
    values, holds, shortfalls = [], [], []
    for seed in seeds:
        npo, simnpo = points(seed, "npo", NPO_BETAS), points(seed, "simnpo", SIMNPO_BETAS)
        shortfalls.append(max(p[1] - max((q[1] for q in simnpo if q[0] >= p[0]), default=0.0) for p in front(npo)))
        holds.append(shortfalls[-1] <= 0.01)
        values.append(f"{seed.name}: " + ", ".join(
            f"{name} " + " ".join(f"({number(q)}, {m:.3f})" for q, m in front(rows))
            for name, rows in (("NPO", npo), ("SimNPO", simnpo))))
    table.add("C11 SimNPO's front is not below NPO's", "for every (FQ, MU) on NPO's front some SimNPO run has at "
              "least that FQ and MU - 0.01; six β, five lengths of training each",
              f"largest shortfall of MU {per_seed(shortfalls)}; " + "; ".join(values), verdict(holds))
    enough = {m: [max((u for q, u in points(seed, m, betas) if q >= 0.05), default=0.0) for seed in seeds]
              for m, betas in (("npo", NPO_BETAS), ("simnpo", SIMNPO_BETAS))}
    table.add("C11 (with FQ >= 0.05)", "best MU of SimNPO's runs with FQ >= 0.05 not below NPO's - 0.01",
              f"NPO: {per_seed(enough['npo'])}; SimNPO: {per_seed(enough['simnpo'])}",
              verdict([s >= n - 0.01 for n, s in zip(enough["npo"], enough["simnpo"])]))
    npo = [matched_utility(seed, "beta/npo-0.1") for seed in seeds]
    simnpo = [matched_utility(seed, "beta/simnpo-0.5") for seed in seeds]
    table.add("C11 (at equal forgetting)", "MU of SimNPO >= NPO's - 0.01 where the forget probability reaches the "
              "retain model's", f"NPO β 0.1: {per_seed(npo)}; SimNPO β 0.5: {per_seed(simnpo)}",
              partial_verdict([None if math.isnan(s + n) else s >= n - 0.01 for n, s in zip(npo, simnpo)]))


def relearning(table, seeds):
    def entry(audit, way):
        return next(e for e in audit["attacks"] if e["id"] == way and e["metric"]["name"] == "probability")

    def area(audit, way):  # above the start, over epochs 0 to 3; of the mean curve where there are draws
        found = entry(audit, way)
        p = [found["before"]["U"]] + [point["U"] for point in found["curve"]]
        return sum((a + b) / 2 - p[0] for a, b in zip(p, p[1:]))

    start, short, random = {}, {}, {}
    for m in ("npo", "simnpo"):
        audits = [json.loads((seed / "relearn" / f"{m}.json").read_text()) for seed in seeds]
        start[m] = [entry(audit, "relearn-forget-full")["before"]["U"] for audit in audits]
        short[m] = [area(audit, "relearn-shortest-full") for audit in audits]
        random[m] = [area(audit, "relearn-forget-full") for audit in audits]
    gap = {m: [a - b for a, b in zip(short[m], random[m])] for m in short}
    table.add("C12 SimNPO resists relearning", "area under the regained forget probability, epochs 0 to 3, smaller "
              "for SimNPO (shortest and random rows)",
              "; ".join(f"{n}: start {per_seed(start[m])}, shortest {per_seed(short[m])}, random {per_seed(random[m])}"
                        for m, n in (("npo", "NPO"), ("simnpo", "SimNPO"))),
              verdict([short["simnpo"][i] < short["npo"][i] and random["simnpo"][i] < random["npo"][i]
                       for i in range(len(seeds))]))
    table.add("C12 the shortest rows hit NPO harder", "area of shortest - random larger for NPO",
              f"NPO: {per_seed(gap['npo'])}; SimNPO: {per_seed(gap['simnpo'])}",
              verdict([n > s for n, s in zip(gap["npo"], gap["simnpo"])]))


def steps_to_half(length, rate, beta, normalised):
    """Gradient steps until exp(m) <= 0.5, with m = θ from 0, S = length θ and a reference of 0."""
    theta, steps = 0.0, 0
    while theta > -math.log(2):
        argument = beta * theta * (1 if normalised else length)
        weight = 2 / (1 + math.exp(-argument))  # 2 σ(β m) or 2 σ(β S)
        theta -= rate * weight * (1 if normalised else length)
        steps += 1
    return steps


def unlearning_time(table, seeds):
    lengths = (5, 10, 20, 40)
    logs = [math.log(length) for length in lengths]
    values, holds = [], []
    for name, rate, normalised, wanted in (("NPO", 1e-5, False, -1), ("SimNPO", 1e-4, True, 0)):
        counts = [steps_to_half(length, rate, 1e-3, normalised) for length in lengths]
        power = slope(logs, [math.log(count) for count in counts])
        values.append(f"{name}: {', '.join(map(str, counts))} steps, slope {power:.3f}")
        holds.append(abs(power - wanted) <= 0.05)
    table.add("C15 time against length", "scalar toy, lengths 5, 10, 20, 40: log-log slope -1 ± 0.05 (NPO), 0 ± 0.05 "
              "(SimNPO)", "; ".join(values), "confirmed" if all(holds) else "not confirmed")


def sequence(table, seeds):
    rouge = {m: [[summary(seed / f"sequence/{m}/{k}/eval") for k in (1, 2, 3, 4)] for seed in seeds]
             for m in ("npo", "simnpo")}
    for name, metric, better in (("forgets more", "forget_Q_A_ROUGE", lambda s, n: s < n),
                                 ("keeps more", "retain_Q_A_ROUGE", lambda s, n: s > n)):
        won = [sum(better(s[metric], n[metric]) for s, n in zip(simnpo, npo))
               for npo, simnpo in zip(rouge["npo"], rouge["simnpo"])]
        table.add(f"C16 sequential requests: SimNPO {name}",
                  f"{metric} {'lower' if name == 'forgets more' else 'higher'} for SimNPO after 3 of 4 requests or all",
                  "mean after each request: " + "; ".join(
                      f"{label} " + ", ".join(number(mean([run[k][metric] for run in rouge[m]])) for k in range(4))
                      for m, label in (("npo", "NPO"), ("simnpo", "SimNPO")))
                  + f"; requests won: {' / '.join(map(str, won))}", verdict([w >= 3 for w in won]))


def early_utility(table, seeds):
    utility = {m: [[summary(at(seed / "beta" / m, step))["model_utility"] for step in EPOCHS] for seed in seeds]
               for m in ("npo-0.1", "simnpo-0.5")}
    npo, simnpo = utility["npo-0.1"], utility["simnpo-0.5"]
    values = "; ".join(f"epoch {k + 1}: NPO {per_seed([u[k] for u in npo])}, SimNPO {per_seed([u[k] for u in simnpo])}"
                       for k in range(3))
    lowest = f"lowest of 20 epochs: NPO {per_seed([min(u) for u in npo])}, SimNPO {per_seed([min(u) for u in simnpo])}"
    higher = [k + 1 for k in range(len(EPOCHS)) if all(s[k] >= n[k] for n, s in zip(npo, simnpo))]
    table.add("C17 NPO loses utility early", "MU of SimNPO >= NPO's after epochs 1, 2 and 3",
              f"{values}; {lowest}; at least NPO's on every seed after epochs {', '.join(map(str, higher))}",
              verdict([all(s[k] >= n[k] for k in range(3)) for n, s in zip(npo, simnpo)]))


def odd_text(table, seeds):
    rates = {m: [repetition(Answers(seed / "fiction" / m / "eval").generated) for seed in seeds]
             for m in ("retain", "npo", "simnpo")}
    off = {m: [[abs(r[k] - t[k]) for r, t in zip(rates[m], rates["retain"])] for k in (0, 1)]
           for m in ("npo", "simnpo")}
    table.add("C18 SimNPO's texts are nearer to the retain model's", "differences from it in distinct-2 and in "
              "repeated 4-grams both smaller for SimNPO",
              "; ".join(f"{n}: distinct-2 {per_seed([r[0] for r in rates[m]])}, repeated 4-grams "
                        f"{per_seed([r[1] for r in rates[m]])}, words {per_seed([r[2] for r in rates[m]])}"
                        for m, n in (("retain", "retain"), ("npo", "NPO"), ("simnpo", "SimNPO"))),
              verdict([all(off["simnpo"][k][i] < off["npo"][k][i] for k in (0, 1)) for i in range(len(seeds))]))


def elsewhere(claim, criterion, where, result):
    return lambda table, seeds: table.add(claim, criterion, where, result)


CLAIMS = (
    starts_like_ascent, weights_and_length, even_effort, reference_bias, perturbed_reference, over_forgetting,
    divergence, length_normalisation, margin, beta_sweep, fronts, relearning,
    elsewhere("C13, C14 Markov chains", "Fig. 5", "scripts/reproduce/markov.sh", "see docs/markov.md"),
    unlearning_time, sequence, early_utility, odd_text,
    elsewhere("C19 RMU on WMDP", "Table A4", "", "not testable here (needs WMDP and MMLU)"))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    seeds = sorted(Path(sys.argv[1]).glob("seed-*"), key=lambda path: int(path.name.removeprefix("seed-")))
    if not seeds:
        sys.exit(f"error: {sys.argv[1]} holds no seed-N folder; run claims.sh first")
    table = Table()
    for claim in CLAIMS:
        try:
            claim(table, seeds)
        except FileNotFoundError as missing:
            print(f"{claim.__name__}: {missing.filename} is missing; run claims.sh", file=sys.stderr)
            table.add(claim.__name__, "", "", "not measured (runs are missing)")
    table.print()


if __name__ == "__main__":
    main()
