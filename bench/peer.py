"""The PyTorch loops `unlearn` is compared with, as a worker under remote control (same protocol as
bench/train_steps.cpp): padded batches, one forward for forget and one for retain, full logits, AdamW
with gradient clipping at 1.0, a second model for the reference.

P1  transformers' modules, eager, SDPA. As OpenUnlearning calls them, the forget batch passes its
    labels to the model too, so the model's own (unused) loss is computed beside SimNPO's.
P2  P1 with torch.compile(dynamic=True).

Keys of the specification beside those of train_steps ("device", "dtype", "batch_size", …):
"compile": P2. "optimizer": "R1" = fp32 weights under bf16 autocast; "R3" = bf16 weights, whose
AdamW state is bf16 too; neither: weights of "dtype". "micro_batch": examples per forward, the step
is cut into such parts and their mean is taken, as the Trainer accumulates. "checkpoint": gradient
checkpointing. "liger": Liger-Kernel's norms, rotation and SwiGLU. "cudnn": cuDNN's attention where it
takes the shape. "by_rows": the cheaper layout of the loss. "lora": the rank of trained pairs beside
the frozen layers.
"""
import contextlib
import copy
import importlib.util
import json
import math
import pathlib
import resource
import sys
import time

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts/goldens"))
from trajectory_terms import IGNORED, collate  # noqa: E402


class LoraLinear(torch.nn.Module):
    """A frozen linear layer and a trained pair: x W^T + 2 x A^T B^T (alpha is twice the rank)."""

    def __init__(self, base, rank):
        super().__init__()
        self.base = base
        place = {"dtype": base.weight.dtype, "device": base.weight.device}
        self.lora_a = torch.nn.Parameter(torch.empty(rank, base.in_features, **place))
        self.lora_b = torch.nn.Parameter(torch.zeros(base.out_features, rank, **place))
        torch.nn.init.kaiming_uniform_(self.lora_a, a=math.sqrt(5))

    def forward(self, x):
        return self.base(x) + 2 * F.linear(F.linear(x, self.lora_a), self.lora_b)


def add_lora(model, rank):
    """Pairs beside all linear layers but the head."""
    model.requires_grad_(False)
    for parent in list(model.model.layers.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, torch.nn.Linear):
                setattr(parent, name, LoraLinear(layer, rank))


def batch_of(examples, device):
    names = ("input_ids", "labels", "attention_mask")
    return {name: tensor.to(device) for name, tensor in zip(names, collate(examples))}


def sequence_nll(model, batch, by_rows):
    """Sum of -log p over each sequence's labels [B], from full logits, in fp32.

    OpenUnlearning gives PyTorch the logits as [B, V, T], for which its kernels on a GPU walk down
    the vocabulary in strides; by_rows does what costs least there, [B T, V].
    """
    logits = model(**batch).logits[:, :-1].float()
    target = batch["labels"][:, 1:]
    form = {"ignore_index": IGNORED, "reduction": "none"}
    if by_rows:
        losses = F.cross_entropy(logits.flatten(0, 1), target.flatten(), **form).view(target.shape)
    else:
        losses = F.cross_entropy(logits.transpose(1, 2), target, **form)
    return losses.sum(1)


def forward_kl(reference_logits, logits, mask):
    """Mean over attended input positions (the masked definition; pads never count)."""
    inputs = mask[:, 1:].float()  # position t is an input when token t + 1 exists
    p, q = F.log_softmax(reference_logits.float(), -1), F.log_softmax(logits.float(), -1)
    return ((p.exp() * (p - q)).sum(-1) * inputs).sum() / inputs.sum()


def forget_loss(model, reference, method, options, forget, by_rows):
    if method == "grad_diff":
        return -model(**forget).loss
    nll = sequence_nll(model, forget, by_rows)
    beta = options["beta"]
    if method == "simnpo":
        count = (forget["labels"][:, 1:] != IGNORED).sum(1)
        return -2 / beta * F.logsigmoid(beta * nll / count - options.get("gamma", 0.0)).mean()
    with torch.no_grad():
        before = sequence_nll(reference, forget, by_rows)
    return -2 / beta * F.logsigmoid(beta * (nll - before)).mean()


def loss_of(model, reference, spec, forget, retain):
    options = spec["options"]
    loss = forget_loss(model, reference, spec["method"], options, forget, spec.get("by_rows"))
    loss = options.get("forget_weight", 1.0) * loss
    if options.get("retain_loss", "nll") == "nll":
        return loss + model(**retain).loss
    logits = model(**retain).logits[:, :-1]
    with torch.no_grad():
        before = reference(**retain).logits[:, :-1]
    return loss + forward_kl(before, logits, retain["attention_mask"])


def load_model(spec, device):
    bf16 = spec.get("optimizer") == "R3" or spec.get("dtype") == "bfloat16"
    half = bf16 and spec.get("optimizer") != "R1"
    options = {"dtype": torch.bfloat16 if half else torch.float32, "attn_implementation": "sdpa"}
    # Straight from the file to the device, where the library that does so is installed.
    if device.type == "cuda" and importlib.util.find_spec("accelerate"):
        options["device_map"] = {"": device}
    model = AutoModelForCausalLM.from_pretrained(spec["model"], **options).train()
    model.config.use_cache = False
    return model if "device_map" in options else model.to(device)


def use_liger():
    """Before the model is made. The loss stays ours: Liger's gives no token log-probabilities."""
    from liger_kernel.transformers import apply_liger_kernel_to_llama
    apply_liger_kernel_to_llama(rope=True, rms_norm=True, swiglu=True, cross_entropy=False,
                                fused_linear_cross_entropy=False)


def attention_of(spec):
    if not spec.get("cudnn"):
        return contextlib.nullcontext()
    from torch.nn.attention import SDPBackend, sdpa_kernel
    order = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION,
             SDPBackend.MATH]
    return sdpa_kernel(order, set_priority=True)


def prepare(model, spec):
    """What the specification adds to a loaded model."""
    if spec.get("lora"):
        add_lora(model, spec["lora"])
    if spec.get("checkpoint"):
        model.gradient_checkpointing_enable(
            gradient_checkpointing_kwargs={"use_reentrant": False})
    return torch.compile(model, dynamic=True) if spec.get("compile") else model


def make_optimizer(model, lr):
    """The Hugging Face Trainer's default: fused AdamW, no decay for biases and norms."""
    trained = [p for p in model.parameters() if p.requires_grad]
    decayed = [p for p in trained if p.dim() >= 2]
    plain = [p for p in trained if p.dim() < 2]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=lr, fused=True)


def say(line):
    print(json.dumps(line), flush=True)


class Machine:
    """Clocks and peaks of the device that the model is on."""

    def __init__(self, name):
        self.device = torch.device("cuda:0" if name == "cuda" else name)
        self.cuda = self.device.type == "cuda"

    def now(self):
        """Wall and CPU seconds, when the device has nothing left to do."""
        if self.cuda:
            torch.cuda.synchronize()
        return time.perf_counter(), time.process_time()

    def peaks(self):
        peaks = {"peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        if self.cuda:
            peaks["peak_device_bytes"] = torch.cuda.max_memory_allocated()
        return peaks


class Training:
    """The model, its reference, and one optimizer step at a time."""

    def __init__(self, spec, machine):
        self.spec, self.machine = spec, machine
        rows = json.load(open(spec["examples"]))
        self.forget, self.retain = rows["forget"], rows["retain"]
        if spec.get("liger"):
            use_liger()
        self.model = load_model(spec, machine.device)
        needs_reference = (spec["method"] == "npo" or
                           spec["options"].get("retain_loss") == "kl")
        self.reference = (copy.deepcopy(self.model).eval().requires_grad_(False)
                          if needs_reference else None)
        self.runner = prepare(self.model, spec)
        self.optimizer = make_optimizer(self.model, spec["lr"])

    def batch(self, rows, at):
        return batch_of([rows[p % len(rows)] for p in at], self.machine.device)

    def loss(self, at):
        autocast = (torch.autocast(self.machine.device.type, torch.bfloat16)
                    if self.spec.get("optimizer") == "R1" else contextlib.nullcontext())
        with autocast, attention_of(self.spec):
            return loss_of(self.runner, self.reference, self.spec, self.batch(self.forget, at),
                           self.batch(self.retain, at))

    def step(self, index):
        """Loss and gradient norm, on the device."""
        batch = self.spec["batch_size"]
        size = self.spec.get("micro_batch") or batch
        starts = range(0, batch, size)
        total = 0
        for start in starts:
            at = [index * batch + i for i in range(start, min(start + size, batch))]
            loss = self.loss(at) / len(starts)
            if start == 0:
                self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            total = total + loss.detach()
            del loss
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0,
                                              foreach=self.machine.cuda or None)
        self.optimizer.step()
        if self.machine.cuda:  # the Trainer, too, has no gradients left when the next step begins
            self.optimizer.zero_grad(set_to_none=True)
        return total, norm


def main():
    spec = json.load(open(sys.argv[1]))
    machine = Machine(spec.get("device", "cpu"))
    training = Training(spec, machine)
    say({"ready": True, **machine.peaks()})
    for step in range(spec["steps"]):
        if not sys.stdin.readline():
            return
        start, cpu = machine.now()
        loss, norm = training.step(step)
        loss, norm = loss.item(), norm.item()
        end, cpu_end = machine.now()
        say({"loss": loss, "grad_norm": norm, "seconds": end - start,
             "cpu_seconds": cpu_end - cpu, **machine.peaks()})


if __name__ == "__main__":
    main()
