#!/usr/bin/env bash
# MUSE's experiment (verbatim memory of long texts) on news and books of our own (scripts/make_corpus.py) and a
# Llama of 1M parameters that learns them from scratch; a retrained model never sees the forget texts.
# docs/reproduction.md has the tables and what each part cost.
#   scripts/reproduce/muse.sh OUT [STAGE…] [options]
# Stages, in order:
#   models   the target, the retrained model, and their evaluations
#   search   five rates a method (three factors of the task vector), and the choice: of the points whose VerbMem
#            on the forget texts is at most the retrained model's (plus 0.02) the one that keeps most KnowMem of the
#            retain texts; where there is none, the one with the least VerbMem. Seed 11.
#   final    the chosen points with seeds 1 to 3
#   scal     (news) forget sets one to four times as large, each forgotten by the target
#   sust     (news) four requests, each forgotten by what the one before left
#   tables   OUT/results.json and OUT/tables.md from what is finished
# Options: --corpus news|books, --methods NAME,…, --scale X (of the corpus; 0.1 is a trial), --jobs N (runs at a
#   time, one thread each), --epochs N (of the target; 40).
# A finished run is kept by a hash of program version, settings and inputs, a cut-off one goes on: repeat the
# command. UNLEARN names the program, PYTHON an interpreter with `tokenizers`.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,20s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
here=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -ge 1 ] || { sed -n '2,20s/^# \{0,1\}//p' "$0" >&2; exit 2; }
UNLEARN=${UNLEARN:-$here/build/unlearn}
[ -x "$UNLEARN" ] || { echo "error: $UNLEARN is not built (scripts/build.sh), or set UNLEARN to the program" >&2; exit 2; }
export UNLEARN
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
export PYTHON=${PYTHON:-python3}
exec python3 "$here/scripts/reproduce/muse_stages.py" "$@"
