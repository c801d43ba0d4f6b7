"""What an oracle makes of many texts, kept as checksums; tests/tokenizer/golden_test.cpp has the
other side.

A golden.json holds `rows` for people ([text, ids, ids with special tokens, decoded, decoded without
special tokens]), `blocks` (one checksum per BLOCK hostile strings) and `tofu` (one per file).
"""

import hashlib
import json
import re

import hostile

BLOCK = 100
ROWS = 48


def row(oracle, text):
    full = oracle.encode(text, True)
    return [text, oracle.encode(text, False), full, oracle.decode(full, False),
            oracle.decode(full, True)]


def checksum(oracle, texts):
    digest = hashlib.sha256()
    for text in texts:
        _, ids, full, decoded, plain = row(oracle, text)
        line = "|".join([",".join(map(str, ids)), ",".join(map(str, full)), decoded, plain])
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()[:16]


def hostile_block(number):
    table = hostile.table()
    return [hostile.text(i, table) for i in range(number * BLOCK, (number + 1) * BLOCK)]


def tofu_texts(file):
    """Every text of a file: the values of each row, lists flattened; plain lines otherwise."""
    lines = file.read_text(encoding="utf-8").split("\n")
    if file.suffix == ".jsonl":
        return lines
    texts = []
    for line in filter(None, lines):
        for value in json.loads(line).values():
            texts += value if isinstance(value, list) else [value]
    return texts


def write_json(path, content):
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")


def write_golden(path, oracle, strings, tofu):
    golden = {"rows": [row(oracle, text) for text in ["", " ", hostile.MARK, "\n"]
                       + hostile_block(0)[:ROWS]],
              "blocks": [checksum(oracle, hostile_block(b)) for b in range(strings // BLOCK)]}
    if tofu:  # forgetNN and retainNN repeat rows of full
        golden["tofu"] = {file.name: checksum(oracle, tofu_texts(file))
                          for file in sorted(tofu.glob("*.json*"))
                          if not re.fullmatch(r"(forget|retain)\d\d\.json", file.name)}
    write_json(path, golden)


def show(oracle, block):
    for number, text in enumerate(hostile_block(block)):
        print(block * BLOCK + number, json.dumps(row(oracle, text)))
