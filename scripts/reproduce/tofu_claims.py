"""The runs that the paper's claims need beside the chosen points: `claims` and `robust` of tofu.sh.

All start from the chosen points of NPO+GD, SimNPO and GradDiff; what differs is said at each."""
import json

import tofu_plan as plan
from tofu_runs import Input, digest, quick_utility
from tofu_setups import Setups

NPO_BETAS = (0.02, 0.05, 0.1, 0.2, 0.5, 1)
SIMNPO_BETAS = (0.1, 0.5, 1.5, 2.5, 3.5, 4.5)
GAMMAS = (0, 0.5, 1, 2)
PAIR = ("npo_gd", "simnpo")
DRAWS = 2  # random parts of the forget set that are learnt again


class Claims:
    """One split's runs by name; a run is None where it is missing and none may be made."""

    def __init__(self, experiment, split, chosen):
        self.experiment, self.split, self.chosen = experiment, split, chosen

    def point(self, method, **changes):
        """The method's settings at its chosen point, changed."""
        options = self.experiment.profile
        return {**plan.settings_of(method, self.chosen[method], options["rate"], options["layer"]), **changes}

    def unlearn(self, name, settings, seed, **more):
        return self.experiment.unlearn(self.split, name, settings, seed, **more)

    def fifth(self):
        """A fifth of a run's steps."""
        options = self.experiment.profile["unlearn"]
        return max(1, self.experiment.rows(self.split) * options["train.epochs"] // options["train.batch_size"] // 5)

    def rate(self, method):
        return float(self.point(method)["train.lr"])

    def jobs(self, seed):
        """(name, function that runs it) in the order of what they decide for their cost."""
        jobs = []

        def add(name, settings, **more):
            jobs.append((name, lambda: self.unlearn(name, settings, seed, **more)))

        # C6: ascent for as many steps at NPO's rate. C8: the same without and with division by the length.
        whole = {"metrics": plan.WHOLE_METRICS}  # where the criterion speaks of model utility
        add("ascent", {"method.name": "ga", "train.lr": self.point("npo_gd")["train.lr"]}, **whole)
        add("wgraddiff", self.point("grad_diff", **{"method.name": "wgraddiff"}))
        # C5: a reference that is half random.
        add("perturbed", self.point("npo_gd", **{"model.reference_perturb": 0.5}))
        # C11 at equal forgetting, C17 and the curves: after every epoch.
        for method in PAIR:
            add(f"epochs-{method}", self.point(method, **{"eval.every": "epoch"}), **whole)
        # C1, C2: the weight of every single row, so one row a step, at a rate for that.
        for method in PAIR:
            settings = self.point(method, **{"train.batch_size": 1, "eval.at_end": "false"})
            settings["train.lr"] = f"{self.rate(method) / self.experiment.profile['unlearn']['train.batch_size']:.4g}"
            add(f"weights-{method}", settings)
        # C9: margins. C10: β.
        for gamma in GAMMAS[1:]:
            add(f"gamma-{gamma}", self.point("simnpo", **{"method.gamma": gamma}), **whole)
        for method, betas in (("simnpo", SIMNPO_BETAS), ("npo_gd", NPO_BETAS)):
            for beta in betas:
                if beta != self.point(method)["method.beta"]:
                    add(f"beta-{method}-{beta}", self.point(method, **{"method.beta": beta}))
        # C7: the distance from the original at a constant rate.
        for method in ("ga", *PAIR):
            settings = ({"method.name": "ga", "train.lr": self.point("npo_gd")["train.lr"]} if method == "ga" else
                        self.point(method))
            settings = {**settings, "train.schedule": "constant", "train.warmup_epochs": 0, "eval.every": self.fifth(),
                        "eval.splits": "forget"}
            jobs.append((f"distance-{method}", lambda name=f"distance-{method}", own=settings: self.distance(
                name, own, seed)))
        return jobs

    def distance(self, name, settings, seed):
        full = self.experiment.models(self.split)[0]
        return full and self.unlearn(name, settings, seed, metrics="[kl_divergence,probability]",
                                     inputs={"eval.original_model": full.model})

    # Robustness.

    def start(self, method, seed):
        return self.experiment.method(self.split, method, self.chosen[method], seed, metrics=plan.WHOLE_METRICS,
                                      keep_model=True)

    def relearn_rows(self, selection):
        """A fifth of the forget rows: those with the shortest answers (in words, ties by row), or a draw."""
        lines = (self.experiment.out / "data" / f"{self.split}.json").read_text(encoding="utf-8").splitlines()
        wanted = len(lines) // 5
        if selection == "shortest":
            order = sorted(range(len(lines)), key=lambda row: (len(json.loads(lines[row])["answer"].split()), row))
        else:
            order = sorted(range(len(lines)), key=lambda row: digest([selection, row]))
        text = "".join(lines[row] + "\n" for row in sorted(order[:wanted]))
        file = self.experiment.out / "train" / f"{self.split}-{selection}.jsonl"
        file.parent.mkdir(exist_ok=True)
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
        return Input(file, digest(text))

    def relearn(self, method, selection, seed):
        """C12: three epochs on these rows; the forget set after each."""
        start, options = self.start(method, seed), self.experiment
        if start is None:
            return None
        retain = options.models(self.split)[3]
        return options.runs.run(f"{self.split}-relearn-{method}-{selection}-s{seed}", "finetune", {
            "data.benchmark": "tofu", "data.forget": self.split, "data.max_length": 200, "train.lr": f"{1e-4 * options.profile['rate']:.4g}",
            "train.epochs": 3, "train.batch_size": 4, "train.schedule": "constant", "train.warmup_epochs": 0,
            "train.weight_decay": 0.01, "train.seed": seed, "train.save_every": "never", "eval.every": "epoch",
            "eval.splits": "forget", "eval.metrics": "[forget_quality,probability]", "eval.ds_size": 0,
            "model.template": options.profile["template"]},
            {"model.path": start.model, "data.root": options.data, "data.train": self.relearn_rows(selection),
             "eval.retain_log": retain}, rows=retain)

    def four_bits(self, method, seed):
        start = self.start(method, seed)
        if start is None:
            return None
        options = self.experiment
        folder = start.path / "nf4"
        if not options.runs.offline and not (folder / "config.json").is_file():
            options.runs.call(["quantise", "--model", str(start.model.path), "--bits", "4", "--output", str(folder)],
                              options.out / "runs" / f"{start.path.name}-nf4")
        quantised = Input(folder, digest([start.key, "nf4"]))
        quantised.model = quantised
        return options.evaluate(quantised, self.split, f"{self.split}-nf4-{method}-s{seed}",
                                options.models(self.split)[3], plan.QUICK_METRICS)

    def robust(self, seed):
        jobs = []
        for method in PAIR:
            for selection in ("shortest", *(f"random-{draw}" for draw in range(1, DRAWS + 1))):
                jobs.append((f"relearn-{method}-{selection}",
                             lambda m=method, s=selection: self.relearn(m, s, seed)))
            jobs.append((f"nf4-{method}", lambda m=method: self.four_bits(m, seed)))
        return jobs

    # Equal utility.

    def mixed(self, method, seed, share):
        """The final model moved towards the original: original + share (final - original)."""
        options, start = self.experiment, self.start(method, seed)
        full = options.models(self.split)[0]
        if start is None:
            return None
        name = f"{self.split}-mixed-{method}-{share:.3f}-s{seed}"
        folder = start.path / f"mixed-{share:.3f}"
        mixed = Input(folder, digest([start.key, full.key, "mixed", f"{share:.3f}"]))
        mixed.model = mixed
        done = any((options.out / "runs").glob(f"{name}-*/result.json"))
        if not options.runs.offline and not done and not (folder / "config.json").is_file():
            options.runs.call(["task-vector", "--model", str(full.model.path), "--finetuned", str(start.model.path),
                               "--alpha", f"{-share:.3f}", "--output", str(folder)],
                              options.out / "runs" / f"{start.path.name}-mixed-{share:.3f}")
        return options.evaluate(mixed, self.split, name, options.models(self.split)[3], plan.QUICK_METRICS)

    def equal(self, method, seed):
        """The mixture with KEEP of the original's utility (0 to 4: beyond the final model where that keeps
        more), by six halvings: (share, run, processor time of all six); no run where one is missing."""
        whole = self.experiment.models(self.split)[2]
        low, high, best, cpu = 0.0, 4.0, (0, None), 0.0
        for _ in range(6):
            share = (low + high) / 2
            run = self.mixed(method, seed, share)
            if run is None:
                return 0, None, 0
            cpu += run.result["cpu_seconds"]
            if quick_utility(run.summary) >= plan.KEEP * quick_utility(whole.summary):
                low, best = share, (share, run)
            else:
                high = share
        return *best, cpu


def collect(claims, record):
    """Seed → name → record of what is finished."""
    found = {}
    for seed in range(1, 6):
        whole = all(method in claims.chosen for method in plan.MAIN)
        jobs = [*claims.jobs(seed), *claims.robust(seed)] if whole else []
        kept = {name: record(run) for name, run in ((name, job()) for name, job in jobs) if run}
        if whole:
            kept.update(Setups(claims).collect(seed, record))
        equal = {method: claims.equal(method, seed) for method in claims.chosen}
        equal = {method: {"share": share, **record(run), "cpu_seconds": round(cpu, 1)}
                 for method, (share, run, cpu) in equal.items() if run}
        if equal:
            kept["equal"] = equal
        if kept:
            found[seed] = kept
    return found
