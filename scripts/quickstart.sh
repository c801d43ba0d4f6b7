#!/usr/bin/env bash
# From a fresh clone to a model that has forgotten one (invented) person: set-up, build, SimNPO on the
# bundled model and data on the CPU, and a report. Options go to scripts/setup.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh "$@"
run=runs/quickstart
echo "quickstart: unlearning data/fiction/forget05.json from data/tiny with SimNPO" >&2
build/unlearn --method simnpo --config quickstart.yaml --output "$run" --overwrite --log-level warning >/dev/null
python3 scripts/quickstart_report.py build/unlearn data/tiny "$run/model"
