#!/usr/bin/env bash
# Makes data/tiny/model.safetensors again: the tiny Llama learns the bundled facts from random
# weights (about two minutes on two cores). scripts/make_tiny_tokenizer.py made the rest of the folder.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh
run=runs/tiny
build/unlearn finetune --config finetune-tiny.yaml --set data.train=train_full --output "$run" --overwrite >/dev/null
cp "$run/model/model.safetensors" data/tiny/model.safetensors
