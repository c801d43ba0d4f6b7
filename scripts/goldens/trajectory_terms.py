"""The terms of every method's loss on padded batches and full logits, written plainly in PyTorch."""
import torch
import torch.nn.functional as F

IGNORED = -100


def collate(examples, padding=None):
    """Right-padded ids, labels and attention mask. Without `padding` the pads are no part of anything.

    padding {"length", "token"}: TOFU's data set. The mask covers the text alone, so that an end token
    which is the pad token is masked too. With "longest", as OpenUnlearning's collator: to the batch's
    longest text. With "labelled": WMDP's, whose labels are the ids.
    """
    width = max(len(e["tokens"]) for e in examples)
    if padding and not padding.get("longest"):
        width = padding["length"]
    labelled = bool(padding and padding.get("labelled"))
    ids = torch.full((len(examples), width), padding["token"] if padding else 0)
    labels = torch.full((len(examples), width), padding["token"] if labelled else IGNORED)
    mask = torch.zeros(len(examples), width, dtype=torch.long)
    for i, e in enumerate(examples):
        n = len(e["tokens"])
        ids[i, :n] = torch.tensor(e["tokens"])
        labels[i, :n] = torch.tensor(e["labels"])
        mask[i, :n] = 1
        if padding and not labelled and e["tokens"][-1] == padding["token"]:
            mask[i, n - 1] = 0
    return ids, labels, mask


def token_logp(logits, labels):
    """Per-token log-probabilities [B, T-1] with 0 where masked, and the mask."""
    target = labels[:, 1:]
    mask = target != IGNORED
    logp = torch.log_softmax(logits[:, :-1].float(), -1)
    return logp.gather(-1, target.clamp(min=0).unsqueeze(-1)).squeeze(-1) * mask, mask


def nll(logits, labels):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(),
                           ignore_index=IGNORED)


def forward_kl(reference, logits, mask, everywhere=False):
    """Mean over attended input positions (the last token of a sequence is never an input).

    everywhere: over all B x T positions of the padded batch, as TOFU's code has it.
    """
    inputs = torch.zeros_like(mask)
    for row, length in enumerate(mask.sum(1).tolist()):
        inputs[row, :length - 1] = 1
    if everywhere:
        inputs = torch.ones_like(mask)
    p, q = torch.log_softmax(reference.float(), -1), torch.log_softmax(logits.float(), -1)
    per_position = (p.exp() * (p - q)).sum(-1)
    return (per_position * inputs).sum() / inputs.sum()


def label_tokens(labels):
    """Positions of the label tokens themselves (unshifted)."""
    mask = labels != IGNORED
    mask[:, 0] = False
    return mask


def activation_distance(hidden, target, labels):
    """RMU: squared error's mean over d, over a sequence's label tokens, over sequences."""
    mask = label_tokens(labels).float()
    per_token = (hidden - target).pow(2).mean(-1) * mask
    return (per_token.sum(1) / mask.sum(1)).mean()


def soft_cross_entropy(teacher, logits, mask):
    per_position = -(teacher * torch.log_softmax(logits, -1)).sum(-1)
    return (per_position * mask).sum() / mask.sum()


def undial(options, logits, reference_logits, labels):
    target = labels[:, 1:]
    lowered = reference_logits[:, :-1].clone()
    lowered.scatter_add_(-1, target.clamp(min=0).unsqueeze(-1),
                         torch.full_like(target, -options["beta"], dtype=torch.float).unsqueeze(-1))
    return soft_cross_entropy(lowered.softmax(-1), logits[:, :-1], target != IGNORED)


def ceu(logits, labels):
    """The first label of every sequence is left out."""
    target = labels[:, 1:]
    mask = target != IGNORED
    mask &= mask.cumsum(1) > 1
    without = logits[:, :-1].detach().clone()
    without.scatter_(-1, target.clamp(min=0).unsqueeze(-1), float("-inf"))
    return soft_cross_entropy(without.softmax(-1), logits[:, :-1], mask)


def weighted_ascent(name, options, logits, labels):
    """WGA and SatImp: the mean of p_t^b1 (1 - p_t)^b2 log p_t with the weights held fixed."""
    logp, mask = token_logp(logits, labels)
    p = logp.detach().exp()
    weight = p ** options["beta"] if name == "wga" else \
        p ** options["beta1"] * (1 - p) ** options["beta2"]
    return (weight * logp * mask).sum() / mask.sum()


def preference_term(name, options, forget, alternate):
    """DPO, AltPO and KTO from (policy, reference) sums of each side."""
    beta = options["beta"]
    lost, won = forget[0] - forget[1], alternate[0] - alternate[1]
    if name.startswith("kto"):
        u = won.detach().mean() - beta * lost
        value = torch.sigmoid(u) if name == "kto_sigmoid" else F.logsigmoid(u)
        return 1 - 2 / beta * value.mean()
    return -2 / beta * F.logsigmoid(beta * (won - lost)).mean()


def forget_term(name, options, out, before, labels, mask):
    logits, reference_logits = out.logits, before.logits
    if name == "nll":
        return nll(logits, labels)
    if name in ("ga", "grad_diff", "ga_forgetkl", "ga_pad_labels"):
        return -nll(logits, labels)
    if name in ("wga", "satimp"):
        return weighted_ascent(name, options, logits, labels)
    if name == "undial":
        return undial(options, logits, reference_logits, labels)
    if name == "ceu":
        return ceu(logits, labels)
    if name.startswith("pdu"):
        at = label_tokens(labels)
        return (logits[at].max(-1).values - logits[at].mean(-1)).pow(2).mean()
    if name == "rmu":
        target = options["steering_coeff"] * torch.tensor(options["direction"])
        return activation_distance(out.hidden_states[options["layer"] + 1], target, labels)
    if name == "wgraddiff":
        logp, mask = token_logp(logits, labels)
        return (logp.sum(1) / mask.sum(1)).mean()
    beta = options["beta"]
    if name == "npo_batch":
        ratio = nll(logits, labels) - nll(reference_logits, labels)
        return -2 / beta * F.logsigmoid(beta * ratio)
    logp, mask = token_logp(logits, labels)
    if name.startswith("npo"):
        reference, _ = token_logp(reference_logits, labels)
        return -2 / beta * F.logsigmoid(-beta * (logp.sum(1) - reference.sum(1))).mean()
    mean = logp.sum(1) / mask.sum(1)
    return -2 / beta * F.logsigmoid(-beta * mean - options["gamma"]).mean()


def retain_term(options, out, before, labels, mask):
    if options["retain_loss"] == "nll":
        return nll(out.logits, labels)
    if options["retain_loss"] == "embed_diff":
        at = options["layer"] + 1
        return activation_distance(out.hidden_states[at], before.hidden_states[at], labels)
    return forward_kl(before.logits, out.logits, mask, everywhere="padding" in options)
