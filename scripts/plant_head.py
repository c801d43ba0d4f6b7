#!/usr/bin/env python3
"""A fake for tests: a model whose head alone lost the tokens that only the forget answers use.

    plant_head.py UNLEARN MODEL FORGET.json RETAIN.json OUTPUT

Everything below the head stays, so whoever puts the head back has the knowledge back. Needs only the
standard library and a model in one bf16 or fp32 file.
"""
import json
import pathlib
import shutil
import struct
import subprocess
import sys


def read_tensors(file):
    blob = file.read_bytes()
    size = struct.unpack("<Q", blob[:8])[0]
    header, body = json.loads(blob[8:8 + size]), blob[8 + size:]
    return {name: (info["dtype"], info["shape"], body[slice(*info["data_offsets"])])
            for name, info in header.items() if name != "__metadata__"}


def write_tensors(file, tensors):
    header, place = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [place, place + len(data)]}
        place += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(t[2] for t in tensors.values()))


def answer_tokens(unlearn, model, file):
    rows = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
    texts = "".join(json.dumps({"text": row["answer"]}) + "\n" for row in rows)
    found = subprocess.run([unlearn, "tokenize", "--model", str(model), "--quiet"], input=texts, check=True,
                           capture_output=True, text=True).stdout
    return [json.loads(line)["ids"] for line in found.splitlines()]


def main():
    unlearn, model, forget, retain, output = sys.argv[1], *map(pathlib.Path, sys.argv[2:])
    forget_ids = answer_tokens(unlearn, model, forget)
    counts = {}
    for ids in answer_tokens(unlearn, model, retain):
        for token in ids:
            counts[token] = counts.get(token, 0) + 1
    chosen = set()
    for ids in forget_ids:  # of every answer the tokens that the retain answers use least
        chosen |= set(sorted(set(ids), key=lambda token: (counts.get(token, 0), token))[:3])
    shutil.copytree(model, output)
    config = json.loads((output / "config.json").read_text())
    tensors = read_tensors(output / "model.safetensors")
    dtype, shape, data = tensors["model.embed_tokens.weight"]
    head, row = bytearray(tensors.get("lm_head.weight", (dtype, shape, data))[2]), len(data) // shape[0]
    for token in chosen:
        head[token * row:(token + 1) * row] = bytes(row)
    tensors["lm_head.weight"] = (dtype, shape, bytes(head))
    config["tie_word_embeddings"] = False
    (output / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    write_tensors(output / "model.safetensors", tensors)


if __name__ == "__main__":
    main()
