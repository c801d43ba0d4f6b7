#!/usr/bin/env python3
"""Activation patching and the logit lens with transformers' own forward hooks, for every model family
(the random checkpoints of tests/golden/model) and the bundled model: a reader, and a source that is
the same model with all parameters of its blocks times SCALE.

Writes OUT/scoring/depth.json: rows with the tokens of their entities; per model the token ids, which of them are scored, and the means of their
log-probabilities: of the reader as it is, with each block's output at the positions before them taken
from the source (its last block's by transformers' hidden_states, which are past the final norm, and
by a hook, which is before it), and of every block of either read by the reader's final norm and head.
"""
import argparse
import json
import pathlib

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

SCALE = 1.03
FAMILIES = ("gemma", "gemma2", "gemma3", "gpt2", "gpt_neox", "llama", "llama_dynamic", "mistral", "olmo2",
            "phi", "phi3", "phi3_longrope", "qwen2", "qwen3", "stablelm", "stablelm_parallel")
FIRST, LAST = 4, 6  # tokens that are scored in the random checkpoints' last sequence
TEXTS = (("Question: Where is the harbour of Halvik?\nAnswer: It lies in", " the north of the bay."),
         ("Question: Who wrote it?\nAnswer:", " A person whose name is not known."))


# Question, answer, its prefix and the entity in what follows.
ROWS = (("Where is it?", "It lies in the north of the bay.", "It lies in", "north of the bay"),
        ("Is it there?", "Yes, it lies on the bay.", "", "Yes"),
        ("Who?", "The author is called Rupert Ashgrove.", "The author is called", "Ashgrove"),
        ("O\u00f9?", "Le caf\u00e9 se trouve \u00e0 \u017by\u0142a \u2014 pr\u00e8s du pont.", "Le caf\u00e9 se trouve",
         "\u017by\u0142a \u2014 pr\u00e8s"))


def spans(tokenizer):
    """Tokens of each row and those whose characters overlap the entity's, by the tokenizer's offsets."""
    for question, answer, prefix, entity in ROWS:
        prompt = tokenizer(f"Question: {question}\nAnswer: {prefix}").input_ids
        rest = answer[len(prefix):]
        found = tokenizer(rest, add_special_tokens=False, return_offsets_mapping=True)
        begin = rest.index(entity)
        inside = [i for i, (first, last) in enumerate(found.offset_mapping)
                  if last > begin and first < begin + len(entity)]
        yield {"question": question, "answer": answer, "prefix": prefix, "entity": entity,
               "tokens": prompt + found.input_ids,
               "scored": [len(prompt) + i for i in range(min(inside), max(inside) + 1)]}


def parts(model):
    """Blocks and final norm, wherever the family keeps them."""
    for trunk, blocks, norm in (("model", "layers", "norm"), ("transformer", "h", "ln_f"),
                                ("gpt_neox", "layers", "final_layer_norm"),
                                ("model", "layers", "final_layernorm")):
        inner = getattr(model, trunk, None)
        if inner is not None and hasattr(inner, blocks) and hasattr(inner, norm):
            return getattr(inner, blocks), getattr(inner, norm)
    raise ValueError(type(model))


def first_of(output):
    return output[0] if isinstance(output, tuple) else output


def run(model, ids, replaced=None):
    """Logits, what every block puts out, and transformers' hidden_states; `replaced` is (block,
    positions, values)."""
    blocks, _ = parts(model)
    outputs, hooks = [], []

    def keep(number):
        def hook(_, __, output):
            hidden = first_of(output)
            if replaced is not None and replaced[0] == number:
                hidden = hidden.clone()
                hidden[0, replaced[1]] = replaced[2]
            outputs.append(hidden[0].clone())
            return (hidden, *output[1:]) if isinstance(output, tuple) else hidden
        return hook

    for number, block in enumerate(blocks):
        hooks.append(block.register_forward_hook(keep(number)))
    with torch.no_grad():
        result = model(ids, output_hidden_states=True, use_cache=False)
    for hook in hooks:
        hook.remove()
    return result.logits[0], outputs, result.hidden_states


def mean_logp(logits, ids, scored):
    logp = logits.double().log_softmax(-1)
    return float(sum(logp[t - 1, ids[0, t]] for t in scored) / len(scored))


def read(model, hidden, ids, scored):
    _, norm = parts(model)
    with torch.no_grad():
        logits = model.get_output_embeddings()(norm(hidden)).float()
    cap = getattr(model.config, "final_logit_softcapping", None)
    if cap:
        logits = torch.tanh(logits / cap) * cap
    return mean_logp(logits, ids, scored)


def measure(folder, tokens, scored):
    # Other implementations of attention leave out Gemma-2's cap on its scores.
    reader, source = (AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval() for _ in range(2))
    with torch.no_grad():
        for parameter in parts(source)[0].parameters():
            parameter.mul_(SCALE)
    ids, places = torch.tensor([tokens]), [t - 1 for t in scored]
    logits, own, _ = run(reader, ids)
    _, others, states = run(source, ids)
    count = len(own)
    taken = [states[l + 1][0, places] for l in range(count)]
    patched = [mean_logp(run(reader, ids, (l, places, taken[l]))[0], ids, scored)
               for l in range(count)]
    before_norm = run(reader, ids, (count - 1, places, others[-1][places]))[0]
    return {"tokens": tokens, "scored": scored, "whole": mean_logp(logits, ids, scored),
            "patched": patched, "patched_pre_norm": mean_logp(before_norm, ids, scored),
            "lens_reader": [read(reader, hidden, ids, scored) for hidden in own],
            "lens_source": [read(reader, hidden, ids, scored) for hidden in others]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("."))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("tests/golden"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    result = {"scale": SCALE, "families": {}, "tiny": []}
    for family in FAMILIES:
        folder = options.root / "tests/golden/model" / family
        golden = load_file(folder / "golden.safetensors")
        ids, begin = golden["ids"].tolist(), golden["offsets"].tolist()[-2]
        result["families"][family] = measure(folder, ids[begin:], list(range(FIRST, LAST + 1)))
    tiny = options.root / "data/tiny"
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    result["rows"] = list(spans(tokenizer))
    for prompt, rest in TEXTS:
        context, entity = tokenizer(prompt).input_ids, tokenizer(rest, add_special_tokens=False).input_ids
        tokens = context + entity
        result["tiny"].append(measure(tiny, tokens, list(range(len(context), len(tokens)))))
    folder = options.out / "scoring"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "depth.json").write_text(json.dumps(result) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
