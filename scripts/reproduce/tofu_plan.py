"""What tofu.sh runs: the models, the methods with their search points, and the rule that chooses.

The rule was fixed before the first run of the search. Every method has six points: three learning rates
and two values of a parameter of its own, or six rates where it has none; ranges are the published ones,
rates scaled to the model. (1) All six run with seed 11. Where the best has the highest or the lowest
rate, the same point with twice (half) that rate runs too, at most two times. (2) The two best run with
seed 12. Chosen is the better of the two by the means over both seeds.
"Better": utility of at least 0.95 of the original model's first; among those the higher log10 of forget
quality; among points that all lose more utility, the higher utility. Utility in the search is model
utility without ROUGE (harmonic mean of six values), which needs no generation. The final runs have seeds
1 to 5, which the search never uses.
"""
from tofu_runs import log10_quality, quick_utility

SEARCH_SEEDS = (11, 12)
KEEP = 0.95  # share of the original's utility that a chosen point must have
QUICK_METRICS = "[forget_quality,probability,normalised_probability,truth_ratio]"
WHOLE_METRICS = ("[forget_quality,model_utility,probability,normalised_probability,truth_ratio,rouge,"
                 "extraction_strength,exact_memorization]")

# Sizes of model: how it learns TOFU, how it unlearns, and how many times the rates below its own are.
PROFILES = {
    "small": {"learn": {"train.lr": 2e-3, "train.epochs": 24, "train.batch_size": 8, "train.schedule": "cosine",
                        "model.init": "random"},
              "unlearn": {"train.epochs": 3, "train.batch_size": 8}, "template": "phi", "rate": 1, "layer": 2},
    # For 40 people; it was not tried on all of them.
    "micro": {"learn": {"train.lr": 3e-3, "train.epochs": 16, "train.batch_size": 8, "train.schedule": "cosine",
                        "model.init": "random"},
              "unlearn": {"train.epochs": 3, "train.batch_size": 8}, "template": "phi", "rate": 2, "layer": 2},
    "smollm2": {"learn": {"train.lr": 1e-4, "train.epochs": 8, "train.batch_size": 16, "train.schedule": "cosine"},
                "unlearn": {"train.epochs": 5, "train.batch_size": 16}, "template": "auto", "rate": 0.1, "layer": 15},
    # The bundled model and people: the test of these scripts.
    "tiny": {"learn": {"train.lr": 5e-4, "train.epochs": 2, "train.batch_size": 16, "train.schedule": "cosine"},
             "unlearn": {"train.epochs": 3, "train.batch_size": 4}, "template": "auto", "rate": 1, "layer": 2},
    "other": {"learn": {"train.lr": 1e-5, "train.epochs": 5, "train.batch_size": 32, "train.schedule": "linear"},
              "unlearn": {"train.epochs": 10, "train.batch_size": 32}, "template": "auto", "rate": 0.01, "layer": 7},
}


def profile(base, few):
    """few: the part of TOFU with few people, whose models need more epochs for as many steps."""
    chosen = PROFILES[base]
    if few and base == "small":
        chosen = {**chosen, "learn": {**chosen["learn"], "train.epochs": 40}}
    return chosen


def grid(rates, name=None, values=(None,)):
    return [{"train.lr": rate, **({} if name is None else {name: value})} for rate in rates for value in values]


WIDE = (2e-5, 5e-5, 1e-4, 2e-4, 4e-4, 8e-4)
LOW, MIDDLE, HIGH = (5e-5, 1.5e-4, 5e-4), (2e-4, 5e-4, 1e-3), (5e-4, 1e-3, 2e-3)

# name: (what tables call it, its settings, its six points)
METHODS = {
    "ga": ("GA", {"method.name": "ga"}, grid(WIDE)),
    "grad_diff": ("GradDiff", {"method.name": "grad_diff"}, grid(LOW, "method.forget_weight", (0.2, 1))),
    "npo_gd": ("NPO+GD", {"method.name": "npo"}, grid(MIDDLE, "method.beta", (0.05, 0.2))),
    "simnpo": ("SimNPO", {"method.name": "simnpo", "method.beta": 2.5, "method.gamma": 0},
               grid(HIGH, "method.forget_weight", (0.1375, 0.5))),
    "kl": ("KL", {"method.name": "grad_diff", "method.retain_loss": "kl"},
           grid(LOW, "method.forget_weight", (0.2, 1))),
    "npo": ("NPO", {"method.name": "npo", "method.retain_loss": "none"},
            grid(MIDDLE, "method.beta", (0.05, 0.2))),
    "npo_kl": ("NPO+KL", {"method.name": "npo", "method.retain_loss": "kl"},
               grid(MIDDLE, "method.beta", (0.05, 0.2))),
    "idk": ("IDK", {"method.name": "idk"}, grid([5 * rate for rate in WIDE])),
    "dpo": ("DPO", {"method.name": "dpo"}, grid(MIDDLE, "method.beta", (0.05, 0.2))),
    "wga": ("WGA", {"method.name": "wga"}, grid(MIDDLE, "method.beta", (1, 4))),
    "satimp": ("SatImp", {"method.name": "satimp"}, grid(MIDDLE, "method.retain_weight", (0.1, 1))),
    "undial": ("UNDIAL", {"method.name": "undial"}, grid(HIGH, "method.beta", (3, 10))),
    "ceu": ("CE-U", {"method.name": "ceu"}, grid(LOW, "method.retain_loss", ("none", "nll"))),
    "rmu": ("RMU", {"method.name": "rmu"}, grid(MIDDLE, "method.steering_coeff", (2, 10))),
    "pdu": ("PDU", {"method.name": "pdu", "method.dual_warmup_epochs": 1},
            grid(MIDDLE, "method.retain_loss_eps", (0.1, 0.3))),
    # Added after C10 had shown, at the point chosen for `simnpo` and with seed 1, that the β of the paper is too large
    # for this model. Same budget, same rule.
    "simnpo_beta": ("SimNPO, β searched", {"method.name": "simnpo", "method.gamma": 0, "method.forget_weight": 0.5},
                    grid(HIGH, "method.beta", (0.25, 0.75))),
}
MAIN = ("ga", "grad_diff", "npo_gd", "simnpo")
# `quick`: one point of each, the highest rates that the search would try first but for GA's.
QUICK = {"ga": {"train.lr": 2e-4}, "grad_diff": {"train.lr": 5e-4, "method.forget_weight": 1},
         "npo_gd": {"train.lr": 1e-3, "method.beta": 0.2}, "simnpo": {"train.lr": 2e-3, "method.forget_weight": 0.5}}


def settings_of(method, point, rate=1, layer=2):
    """The method's settings at a point; rates times `rate`."""
    own = dict(METHODS[method][1])
    if own["method.name"] == "rmu":
        own["method.layer"] = layer
    return {**own, **point, "train.lr": f"{point['train.lr'] * rate:.4g}"}


def point_name(point):
    return ",".join(f"{key.split('.')[-1].replace('forget_weight', 'fw')}={value:.4g}" if isinstance(value, float) else
                    f"{key.split('.')[-1]}={value}" for key, value in point.items())


def standing(summaries, original):
    """What the rule compares: the larger, the better. Means over the seeds."""
    utility = sum(map(quick_utility, summaries)) / len(summaries) / quick_utility(original)
    quality = sum(map(log10_quality, summaries)) / len(summaries)
    return (1, quality) if utility >= KEEP else (0, utility)


def search(method, run, original):
    """run(point, seed) gives a summary (None: not run). The points in order with what each seed gave, and
    the chosen one (None where the search is not complete)."""
    points = list(METHODS[method][2])
    first, second = SEARCH_SEEDS
    seen = [[point, [run(point, first)]] for point in points]
    for _ in range(2):
        if any(summaries[0] is None for _, summaries in seen):
            return seen, None
        best = max(seen, key=lambda entry: standing(entry[1], original))[0]
        rates = sorted(point["train.lr"] for point, _ in seen)
        if best["train.lr"] not in (rates[0], rates[-1]):
            break
        further = {**best, "train.lr": best["train.lr"] * (2 if best["train.lr"] == rates[-1] else 0.5)}
        seen.append([further, [run(further, first)]])
    if any(summaries[0] is None for _, summaries in seen):
        return seen, None
    two = sorted(seen, key=lambda entry: standing(entry[1], original), reverse=True)[:2]
    for point, summaries in two:
        summaries.append(run(point, second))
        if summaries[-1] is None:
            summaries.pop()
            return seen, None
    return seen, max(two, key=lambda entry: standing(entry[1], original))[0]
