"""Claims C4 and C16, which need data and models of their own: the stage `setups` of tofu.sh.

C4: the original model learnt half of the forget set (even rows; the retain set beside it) and never saw
the other half. C16: four requests in turn, a quarter of the forget rows each."""
from claims_runs import ks_p_value, mean
from tofu_runs import Input, data_input

PAIR = ("npo_gd", "simnpo")


class Setups:
    def __init__(self, claims):
        self.claims, self.experiment, self.split = claims, claims.experiment, claims.split

    def lines(self, name):
        return (self.experiment.out / "data" / f"{name}.json").read_text(encoding="utf-8").splitlines(keepends=True)

    # C4.

    def half(self, method, seed):
        """The method on the half-taught model; the forget rows after every fifth of the steps."""
        retain = f"retain{100 - int(self.split[6:])}"
        taught = self.experiment.learn(f"{retain}-and-half", text="".join(self.lines(retain) + self.lines(self.split)[::2]))
        return taught and self.claims.unlearn(f"half-{method}", self.claims.point(method, **{
            "eval.every": self.claims.fifth(), "eval.splits": "forget"}), seed, model=taught,
            metrics="[forget_quality,probability]")

    def bias(self, run):
        """At the first stored step with less forget probability than the retain model's, in a straight line from
        the step before: how far the halves' token losses lie apart, each above the retain model's; and forget
        quality of the half that was learnt. Nothing where the run never gets there."""
        retain = self.experiment.models(self.split)[3].result
        target, own = retain["summary"]["forget_Q_A_Prob"], retain["rows"]
        before = None
        for step in sorted(run.result["steps"], key=int):
            chance, rows = run.result["steps"][step]["forget_Q_A_Prob"], run.result["step_rows"][step]
            if chance < target:
                share = (before[0] - target) / (before[0] - chance) if before else 1.0
                earlier = before[1] if before else rows["nll"]
                excess = [(1 - share) * b + share * a - r for b, a, r in zip(earlier, rows["nll"], own["nll"])]
                values = {"gap": abs(mean(excess[::2]) - mean(excess[1::2])),
                          "learnt_quality": ks_p_value(rows["truth"][::2], own["truth"][::2]),
                          "unseen_quality": ks_p_value(rows["truth"][1::2], own["truth"][1::2])}
                return {name: float(f"{value:.6g}") for name, value in values.items()}
            before = chance, rows["nll"]
        return {}

    # C16.

    def folder(self):
        """Forget rows of request k alone (fold-k), and of all up to it as the evaluation asks them (asked-k)."""
        folder = self.experiment.out / f"requests-{self.split}"
        rows, asked = self.lines(self.split), self.lines(f"{self.split}_perturbed")
        files = {f"{name}.json": self.lines(name) for name in
                 ("retain_perturbed", "real_authors_perturbed", "world_facts_perturbed")}
        files["retain.json"] = self.lines(f"retain{100 - int(self.split[6:])}")
        for k in range(4):
            cut = [len(rows) * part // 4 for part in (k, k + 1)]
            files[f"fold{k + 1}.json"] = rows[cut[0]:cut[1]]
            files[f"asked{k + 1}_perturbed.json"] = asked[:cut[1]]
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            text, file = "".join(content), folder / name
            if not file.is_file() or file.read_text(encoding="utf-8") != text:
                file.write_text(text, encoding="utf-8")
        return folder

    def sequence(self, method, seed):
        """After each request: ROUGE of everything that was to be forgotten so far, and of the retain set."""
        experiment, folder = self.experiment, self.folder()
        data = data_input(folder)
        model, log = experiment.models(self.split)[0], []
        for k in range(1, 5):
            if model is None:
                return None
            model = experiment.runs.run(f"{self.split}-request-{k}-{method}-s{seed}", "train", {
                "data.benchmark": "tofu", "data.max_length": 200, "data.pairing": "random", "train.schedule": "linear",
                "model.template": experiment.profile["template"], "train.warmup_epochs": 1, "train.weight_decay": 0.01,
                "train.save_every": "never", "train.seed": seed, **experiment.profile["unlearn"],
                **self.claims.point(method)}, {
                    "model.path": model.model, "data.root": data,
                    "data.forget": Input(folder / f"fold{k}.json", data.key),
                    "data.retain": Input(folder / "retain.json", data.key)}, keep_model=True)
            done = model and experiment.runs.run(f"{self.split}-request-{k}-{method}-s{seed}-eval", "eval", {
                "data.benchmark": "tofu", "data.forget": f"asked{k}", "eval.metrics": "[rouge,probability]",
                "eval.rows": experiment.rows(self.split), "model.template": experiment.profile["template"]},
                {"model.path": model.model, "data.root": data})
            if not done:
                return None
            log.append(done)
        return log

    def jobs(self, seed):
        return [*((f"half-{method}", lambda m=method: self.half(m, seed)) for method in PAIR),
                *((f"requests-{method}", lambda m=method: self.sequence(m, seed)) for method in PAIR)]

    def collect(self, seed, record):
        kept = {}
        for method in PAIR:
            run = self.half(method, seed)
            if run:
                kept[f"half-{method}"] = {**record(run), "bias": self.bias(run)}
            runs = self.sequence(method, seed)
            if runs:
                kept[f"requests-{method}"] = [record(run) for run in runs]
        return kept
