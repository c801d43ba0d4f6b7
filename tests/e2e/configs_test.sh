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
expect "nothing written" test ! -e "$work/run"
echo "configs: $checks checks passed"
