#!/usr/bin/env bash
# TOFU's experiment at its own size on a model that a CPU can train: a Llama of 4M parameters learns
# TOFU from scratch, forgets forget05 (or forget10) with every method, and is compared with a model that
# never saw it. docs/reproduction.md has the tables and what each part cost.
#   scripts/reproduce/tofu.sh DATA OUT [STAGE…] [options]
#   scripts/reproduce/tofu.sh DATA OUT quick        40 of the 200 people and a model of 1M parameters; GA,
#                                                   GradDiff, NPO and SimNPO at fixed points, one seed
# Stages, in order (docs/reproduction.md has their costs):
#   models   full and the retain model of the split, and their evaluations
#   search   every method's points, and the choice (the rule is in tofu_plan.py, fixed beforehand)
#   final    the chosen points with seeds 1 to 5, whole evaluations
#   equal    each method's models moved towards the original until their utility is equal
#   claims   the runs that the paper's claims need beside these
#   robust   relearning and 4-bit weights of NPO and SimNPO
#   setups   a model that learnt half of the forget set; four requests in turn
#   tables   OUT/results.json and OUT/tables.md from what is finished
# Options: --split forget05|forget10, --methods NAME,…, --seeds N, --authors N (40 to 200: a part of
#   TOFU), --jobs N (runs at a time, one thread each), --model small|micro|smollm2|DIR (micro is
#   for --authors 40; smollm2 is what scripts/fetch_smollm2.sh makes, DIR any base model's folder),
#   --known RESULTS.json (of another OUT, such as docs/figures/tofu-small.json: its numbers stand for runs that
#   this OUT lacks, and its chosen points for the search; the models are made anew).
# A finished run is kept by a hash of program version, settings and inputs, a cut-off one goes on: repeat
# the command. UNLEARN names the program, PYTHON an interpreter with `tokenizers` (for --model small).
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,25s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
here=$(cd "$(dirname "$0")/../.." && pwd)
if [ $# -lt 2 ]; then
  sed -n '2,25s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
UNLEARN=${UNLEARN:-$here/build/unlearn}
[ -x "$UNLEARN" ] || { echo "error: $UNLEARN is not built (scripts/build.sh), or set UNLEARN to the program" >&2; exit 2; }
[ -f "$1/forget05_perturbed.json" ] || { echo "error: $1: no TOFU data (scripts/fetch_data.py tofu $1)" >&2; exit 2; }
export UNLEARN
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
export PYTHON=${PYTHON:-python3}
exec python3 "$here/scripts/reproduce/tofu_stages.py" "$@"
