#!/usr/bin/env bash
# The bundled configs resolve and their inputs are there: every key in them is known.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$source_dir"
for command in "train --config quickstart.yaml" "finetune --config finetune-tiny.yaml" \
  "train --config tofu.yaml --model data/tiny --data data/fiction" \
  "finetune --config finetune-tofu.yaml --model data/tiny --data data/fiction"; do
  # shellcheck disable=SC2086
  expect "$command" "$unlearn" $command --dry-run --output "$work/run" --quiet >/dev/null
done
# What MUSE's two models are trained on; fetch_data.py joins the texts like this.
cp -r tests/data_fixtures/muse "$work/muse"
for corpus in news books; do
  raw=$work/muse/$corpus/raw
  printf '%s\n\n%s' "$(<"$raw/retain1.txt")" "$(<"$raw/retain2.txt")" >"$raw/retain.txt"
  printf '%s\n\n%s' "$(<"$raw/forget.txt")" "$(<"$raw/retain.txt")" >"$raw/full.txt"
done
for model in target:full retrain:retain; do
  for corpus in news books; do
    "$unlearn" finetune --config "finetune-muse-${model%:*}" --model data/tiny --data "$work/muse" --dry-run \
      --output "$work/run" --set "data.train=$corpus/${model#*:}" --batch-size 1 --set data.max_length=32 --quiet >"$work/plan"
    expect "MUSE's ${model%:*} of $corpus" grep -q "^train .*/$corpus/raw/${model#*:}.txt\$" "$work/plan"
  done
done
# Every preset is described by whole sentences.
"$unlearn" list configs --json >"$work/configs.json"
expect "whole sentences" python3 - "$work/configs.json" configs <<'END'
import json, pathlib, sys
entries = json.load(open(sys.argv[1]))
named = {entry["name"]: entry["help"] for entry in entries}
for path in pathlib.Path(sys.argv[2]).glob("*.yaml"):
    help = named[path.stem]
    assert help.endswith(".") and help.count("(") == help.count(")") and len(help) > 20, (path, help)
END
expect "nothing written" test ! -e "$work/run"
echo "configs: $checks checks passed"
