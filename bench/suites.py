"""Who is compared with whom, on what (bench/compare_pytorch.py)."""

SIMNPO = {"beta": 2.5, "gamma": 0.0, "forget_weight": 0.1375, "retain_loss": "nll"}
NPO = {"beta": 0.1, "retain_loss": "nll"}
NPO_KL = {"beta": 0.1, "retain_loss": "kl"}
GA_KL = {"retain_loss": "kl"}
LR = 1e-5
R1, R3 = {"optimizer": "R1"}, {"optimizer": "R3"}
ROWS = R3 | {"by_rows": True}
LORA_RANK = 16

# name -> (kind, method, options, further keys of the specification). Kind "ours" is the trainer
# itself.
CONTESTANTS = {
    "ours SimNPO": ("ours", "simnpo", SIMNPO),
    "ours NPO": ("ours", "npo", NPO),
    "ours NPO+KL": ("ours", "npo", NPO_KL),
    "ours SimNPO, C heap": ("ours", "simnpo", SIMNPO, {"arena": False}),
    "P1 SimNPO": ("peer", "simnpo", SIMNPO),
    "P1 NPO": ("peer", "npo", NPO),
    "P1 NPO+KL": ("peer", "npo", NPO_KL),
    "P2 SimNPO": ("compiled", "simnpo", SIMNPO),
    "ours GA+KL": ("ours", "grad_diff", GA_KL),
    "ours SimNPO, 8-bit state": ("ours", "simnpo", SIMNPO, {"train": {"state_bits": "8"}}),
    "ours SimNPO, LoRA": ("ours", "simnpo", SIMNPO, {"train": {"lora.rank": LORA_RANK}}),
    "P1 R1 SimNPO": ("peer", "simnpo", SIMNPO, R1),
    "P1 R3 SimNPO": ("peer", "simnpo", SIMNPO, R3),
    "P1 R3 SimNPO, rows": ("peer", "simnpo", SIMNPO, ROWS),
    "P2 R3 SimNPO, rows": ("compiled", "simnpo", SIMNPO, ROWS),
    "P1 R3 NPO, rows": ("peer", "npo", NPO, ROWS),
    "P1 R3 NPO": ("peer", "npo", NPO, R3),
    "P1 R3 GA+KL": ("peer", "grad_diff", GA_KL, R3),
    "ours NPO, 8-bit state": ("ours", "npo", NPO, {"train": {"state_bits": "8"}}),
    # What a user of PyTorch can do best today: compiled, Liger-Kernel's kernels, cuDNN's attention.
    "P2 R3 SimNPO, rows, Liger": ("compiled", "simnpo", SIMNPO, ROWS | {"liger": True, "cudnn": True}),
    "P1 R3 SimNPO, LoRA, rows": ("peer", "simnpo", SIMNPO, ROWS | {"lora": LORA_RANK}),
    "P3 R3 SimNPO, rows": ("peer", "simnpo", SIMNPO, ROWS | {"checkpoint": True}),
}
CUDA = {"device": "cuda", "dtype": "bfloat16", "train": {"state_bits": "32", "recompute": "none"}}
# Contestants of one group run side by side; the first is what the others are compared with. A group
# with settings of its own is {"contestants": [names], …}; they win over the suite's, which are:
#   device, dtype ("cpu", "float32"), train (of ours), micro_batch (of the peers),
#   apart (one contestant after the other), together_gib (apart on devices with less), length (all rows have so many tokens, all labelled)
SUITES = {
    "30M": {"model": "30m", "batch": 4,
            "groups": [["ours SimNPO", "P1 SimNPO"], ["ours SimNPO", "ours NPO", "ours NPO+KL"]]},
    "135M": {"model": "smollm2", "batch": 2,
             "groups": [["ours SimNPO", "P1 SimNPO"], ["ours SimNPO", "ours NPO", "ours NPO+KL"]]},
    "flat": {"model": "30m", "batch": 4, "rows": [10, 4000]},
    "135M-heap": {"model": "smollm2", "batch": 2,
                  "groups": [["ours SimNPO", "ours SimNPO, C heap"]]},
    "30M-compiled": {"model": "30m", "batch": 4, "groups": [["ours SimNPO", "P2 SimNPO"]]},
    "135M-compiled": {"model": "smollm2", "batch": 2, "groups": [["ours SimNPO", "P2 SimNPO"]]},
    "30M-reference": {"model": "30m", "batch": 4, "groups": [["ours NPO", "P1 NPO"],
                                                             ["ours NPO+KL", "P1 NPO+KL"]]},
    "G-tiny": {"model": "tiny", "batch": 4, "dtype": "bfloat16", "micro_batch": 2, "groups": [
        {"contestants": ["ours SimNPO", "P1 SimNPO"], "dtype": "float32", "micro_batch": None},
        ["ours SimNPO", "P1 R3 SimNPO", "P1 R1 SimNPO", "P3 R3 SimNPO, rows"],
        ["ours NPO", "P1 R3 NPO, rows"],
        {"contestants": ["ours GA+KL", "P1 R3 GA+KL"], "length": 128},
        {"contestants": ["ours SimNPO, LoRA", "P1 R3 SimNPO, LoRA, rows"], "apart": True},
        {"contestants": ["ours SimNPO, 8-bit state", "P1 R3 SimNPO"], "apart": True}]},
    "G1": CUDA | {"model": "135m", "batch": 8, "groups": [
        ["ours SimNPO", "P1 R3 SimNPO", "P1 R3 SimNPO, rows"],
        ["ours SimNPO", "P2 R3 SimNPO, rows"], ["ours SimNPO", "P1 R1 SimNPO"]]},
    "G2": CUDA | {"model": "1b", "batch": 32, "micro_batch": 8, "groups": [
        ["ours SimNPO", "P1 R3 SimNPO", "P1 R3 SimNPO, rows"], ["ours SimNPO", "P1 R1 SimNPO"]]},
    "G3": CUDA | {"model": "1b", "batch": 32, "micro_batch": 8, "groups": [
        ["ours NPO", "P1 R3 NPO, rows"]]},
    "G4": CUDA | {"model": "3b", "batch": 32, "micro_batch": 8, "groups": [
        ["ours SimNPO, 8-bit state", "P1 R3 SimNPO, rows"]]},
    "G5": CUDA | {"model": "8b", "batch": 8, "groups": [
        ["ours SimNPO, LoRA", "P1 R3 SimNPO, LoRA, rows"]]},
    "G6": CUDA | {"model": "8b", "batch": 32, "groups": [["ours NPO, 8-bit state"]]},
    "G7": CUDA | {"model": "7b", "batch": 1, "length": 2048, "apart": True, "groups": [
        ["ours SimNPO, 8-bit state", "P1 R3 SimNPO, rows"]]},
    "G7-best": CUDA | {"model": "7b", "batch": 1, "length": 2048, "together_gib": 125, "groups": [
        ["ours SimNPO, 8-bit state", "P2 R3 SimNPO, rows, Liger"]]},
    # The peer recomputes its blocks: what is left to it where it does not fit otherwise.
    "G7-checkpoint": CUDA | {"model": "7b", "batch": 1, "length": 2048, "apart": True, "groups": [
        ["ours SimNPO, 8-bit state", "P3 R3 SimNPO, rows"]]},
    "G8": CUDA | {"model": "1b", "batch": 4, "length": 2048, "groups": [
        ["ours GA+KL", "P1 R3 GA+KL"]]},
}
