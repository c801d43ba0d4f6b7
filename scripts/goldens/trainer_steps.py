#!/usr/bin/env python3
"""Steps, rows and learning rates of transformers 4.45.1's Trainer, by running it, for step_count: trainer.

Needs a Python with transformers 4.45.1 and accelerate 0.34.2, which OpenUnlearning d3d7cf9 pins. A model
of one number is trained on numbered rows in file order; what is written down is which rows each update
has seen since the last one, at which rate, and what the trainer's state calls the epoch when an epoch
ends. Warm-up steps are OpenUnlearning's: int(warmup_epochs * rows // batch size). Writes
<out>/train/trainer_steps.json.
"""
import argparse
import json
import pathlib
import sys
import tempfile

for newer in ("datasets", "peft"):  # optional, and not needed
    sys.modules[newer] = None
import torch  # noqa: E402
import transformers  # noqa: E402

# rows, rows per micro-batch, micro-batches per step, epochs, warm-up epochs
CASES = [(400, 4, 8, 10, 1), (200, 4, 8, 10, 1), (40, 4, 8, 10, 1), (200, 16, 2, 10, 1),
         (40, 32, 1, 10, 1), (10, 3, 3, 6, 1), (10, 3, 2, 5, 2), (10, 4, 3, 4, 0),
         (10, 4, 4, 7, 1), (6, 4, 8, 3, 0), (30, 4, 2, 0.1, 0), (50, 3, 4, 2.5, 0.5),
         (33, 1, 8, 3, 1)]


class OneNumber(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, row):
        return {"loss": (self.weight * row.float().mean()).sum()}


class Recorder(transformers.Trainer):
    """Notes the rows of every micro-batch, in file order."""

    def _get_train_sampler(self):
        return torch.utils.data.SequentialSampler(self.train_dataset)

    def training_step(self, model, inputs):
        self.seen += inputs["row"].tolist()
        return super().training_step(model, inputs)


class Notes(transformers.TrainerCallback):
    def __init__(self, trainer):
        self.trainer, self.steps, self.epochs = trainer, [], []
        trainer.seen = []

    def on_pre_optimizer_step(self, args, state, control, **kwargs):
        rate = self.trainer.lr_scheduler.get_last_lr()[0]
        self.steps.append({"rows": self.trainer.seen, "lr": rate})
        self.trainer.seen = []

    def on_epoch_end(self, args, state, control, **kwargs):
        self.epochs.append(state.epoch)


def run(rows, size, accumulation, epochs, warmup_epochs):
    warmup = int(warmup_epochs * rows // (size * accumulation))
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            folder, per_device_train_batch_size=size, gradient_accumulation_steps=accumulation,
            num_train_epochs=epochs, warmup_steps=warmup, learning_rate=1.0, report_to=[],
            save_strategy="no", logging_strategy="no", disable_tqdm=True, use_cpu=True)
        trainer = Recorder(OneNumber(), arguments, train_dataset=[{"row": r} for r in range(rows)])
        notes = Notes(trainer)
        trainer.add_callback(notes)
        trainer.train()
    return {"rows": rows, "micro_batch_size": size, "batch_size": size * accumulation,
            "epochs": epochs, "warmup_epochs": warmup_epochs, "warmup": warmup,
            "lr": [step["lr"] for step in notes.steps],
            "counts": [len(step["rows"]) for step in notes.steps],
            "first": [step["rows"][0] for step in notes.steps], "epoch_ends": notes.epochs}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out / "train"
    if transformers.__version__ != "4.45.1":
        sys.exit(f"needs transformers 4.45.1, not {transformers.__version__}")
    results = [run(*case) for case in CASES]
    (out / "trainer_steps.json").write_text(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
