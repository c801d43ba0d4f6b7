#!/usr/bin/env python3
"""Utility tasks as lm-evaluation-harness 0.4.8 itself runs them without examples: its own task
configurations and its HFLM, of the bundled model on the invented rows of tests/data_fixtures/tasks.
TruthfulQA's six questions are replaced by ours (truthfulqa_prompt.txt), everything else is as in the
package.

Writes OUT/eval/tasks.json: per task its metrics, and every row's log-likelihoods. Needs lm_eval 0.4.8
besides transformers.
"""
import json
import sys
import tempfile
import types
from pathlib import Path

# The harness's classes for images read names that transformers 5 no longer has.
for name in ("hf_vlms", "vllm_vlms"):
    sys.modules[f"lm_eval.models.{name}"] = types.ModuleType(name)
import lm_eval  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402

import tiny_model  # noqa: E402

TASKS = ("hellaswag", "arc_easy", "arc_challenge", "piqa", "winogrande", "boolq", "lambada_openai",
         "truthfulqa_mc1", "truthfulqa_mc2")
METRICS = ("acc", "acc_norm", "perplexity")


def local(config, file):
    """The package's configuration with our file in the place of its data set."""
    unset = dict.fromkeys(("dataset_name", "training_split", "validation_split", "fewshot_split"))
    return config | unset | {
        "task_alias": config["task"], "dataset_path": "json", "test_split": "test",
        "num_fewshot": 0, "dataset_kwargs": {"data_files": {"test": str(file)}}}


def run(harness, manager, name, file, prompt):
    config = dict(manager._get_config(name))
    if name.startswith("truthfulqa"):
        template = config["doc_to_text"]
        config["doc_to_text"] = (f"{{% set prompt_qa = {prompt!r} "
                                 + template[template.index("%}"):])
    results = lm_eval.simple_evaluate(harness, tasks=[local(config, file)], log_samples=True,
                                      bootstrap_iters=0, task_manager=manager)
    found = results["results"][config["task"]]
    samples = sorted(results["samples"][config["task"]], key=lambda sample: sample["doc_id"])
    return {"metrics": {metric: found[f"{metric},none"] for metric in METRICS
                        if f"{metric},none" in found},
            "logp": [[float(response[0]) for response in sample["filtered_resps"]]
                     for sample in samples]}


def mmlu(harness, manager, file):
    """Each subject is a task of its own there; the group's accuracy weighs them by rows."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    logp, right = [None] * len(rows), 0
    with tempfile.TemporaryDirectory() as folder:
        for subject in dict.fromkeys(row["subject"] for row in rows):
            numbers = [i for i, row in enumerate(rows) if row["subject"] == subject]
            part = Path(folder, f"{subject}.jsonl")
            part.write_text("".join(json.dumps(rows[i]) + "\n" for i in numbers), encoding="utf-8")
            config = dict(manager._get_config("mmlu_anatomy"))
            assert "about anatomy" in config["description"]
            config["description"] = config["description"].replace(
                "anatomy", subject.replace("_", " "))
            results = lm_eval.simple_evaluate(harness, tasks=[local(config, part)], log_samples=True,
                                              bootstrap_iters=0, task_manager=manager)
            for sample in results["samples"][config["task"]]:
                logp[numbers[sample["doc_id"]]] = [float(response[0])
                                                   for response in sample["filtered_resps"]]
                right += sample["acc"]
    return {"metrics": {"acc": right / len(rows)}, "logp": logp}


def main():
    options = tiny_model.parse_options(__doc__)
    harness = HFLM(pretrained=tiny_model.load_model(options),
                   tokenizer=tiny_model.load_tokenizer(options), device="cpu", batch_size=1)
    manager = TaskManager()
    folder = options.root / "tests/data_fixtures/tasks"
    prompt = (folder / "truthfulqa_prompt.txt").read_text(encoding="utf-8").rstrip("\n")
    result = {name: run(harness, manager, name, folder / f"{name}.jsonl", prompt) for name in TASKS}
    result["mmlu"] = mmlu(harness, manager, folder / "mmlu.jsonl")
    tiny_model.write(options, "tasks", result)


if __name__ == "__main__":
    main()
