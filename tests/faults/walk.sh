#!/usr/bin/env bash
# Walks through the calls of a small training run and lets each of them fail (shim.c).
#   tests/faults/walk.sh PROGRAM SOURCE_DIR [--every K] [--first N] [--all-ways] [--jobs J] [-- FLAG...]
# Every K-th call on the run's inputs and outputs is one fault (or, with --all-ways, as many as there
# are ways for it to fail); flags after -- go to the training. After each fault holds:
#   the run ended with exit code 0 and the bytes of an undisturbed run,
#   or with code 2 or 3, one line "error: …", and a run that goes on from there ends in those bytes,
#   or it was killed by us, and a run that goes on from there ends in those bytes.
# Prints a table of what happened; exit status 1 when anything else did.
set -euo pipefail
program=$(realpath "$1")
source_dir=$(realpath "$2")
shift 2
every=1 first=1 all_ways=0 jobs=1
while [ $# -gt 0 ]; do
  case "$1" in
    --every) every=$2; shift 2 ;;
    --first) first=$2; shift 2 ;;
    --jobs) jobs=$2; shift 2 ;;
    --all-ways) all_ways=1; shift ;;
    --) shift; break ;;
    *) echo "walk.sh: unknown option $1" >&2; exit 2 ;;
  esac
done
flags=("$@")
export OMP_NUM_THREADS=1
base=${TMPDIR:-/tmp}
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then base=/dev/shm; fi
work=$(mktemp -d -p "$base")
trap 'rm -rf "$work"' EXIT
gcc -O1 -shared -fPIC -o "$work/shim.so" "$(dirname "$0")/shim.c" -ldl

inputs_of() { # inputs_of FOLDER: copies, because some faults cut them
  mkdir -p "$1/data"
  cp -r "$source_dir/data/tiny" "$1/model"
  cp "$source_dir"/data/fiction/{forget05,retain95}.json "$1/data/"
}

train() { # train FOLDER MORE…: 3 steps, a checkpoint after each
  local folder=$1
  shift
  timeout 120 "$program" train --config "$source_dir/configs/quickstart.yaml" --model "$folder/model" \
    --data "$folder/data" --output "$folder/run" --set train.max_steps=3 --set train.warmup_epochs=0 \
    --set train.save_every=1 --set train.batch_size=4 --set eval.at_end=false --log-level warning \
    "${flags[@]}" "$@"
}

digest_of() { # of all files that the run made for its users
  (cd "$1/run" 2>/dev/null && { find model adapter -type f ! -name unlearn_manifest.json -print0 2>/dev/null || true; } |
    sort -z | xargs -0r sha256sum) || true
}

under_fault() { # under_fault FOLDER NUMBER HOW
  FAULT_PATHS=$1 FAULT_AT=$2 FAULT_HOW=${3%+} FAULT_STICKS_OR_NOT=${3##*[!+]} \
    with_shim "$1"
}
with_shim() {
  if [ "$FAULT_STICKS_OR_NOT" = + ]; then export FAULT_STICKS=1; fi
  LD_PRELOAD=$work/shim.so train "$1"
}

bad() { echo "BAD $*"; }

go_on() { # go_on FOLDER: without faults; prints nothing when it ends in the right bytes
  local folder=$1 resume=()
  [ ! -e "$folder/run/run.json" ] || resume=(--resume)
  if ! train "$folder" "${resume[@]}" >/dev/null 2>"$folder/again"; then
    if grep -q "is not empty" "$folder/again" && [ ${#resume[@]} -eq 0 ]; then
      # Ended before run.json: nothing of a run is there yet, but maybe its lock.
      train "$folder" --resume >/dev/null 2>"$folder/again" || true
    fi
  fi
  digest_of "$folder" >"$folder/digest"
  cmp -s "$folder/digest" "$work/digest" || bad "does not go on: $(tail -n 2 "$folder/again")"
}

one_fault() { # one_fault NUMBER OPERATION HOW: a line "what OPERATION HOW" of what happened
  local number=$1 operation=$2 how=$3 folder=$work/$1.$3 code=0 outcome
  inputs_of "$folder"
  (under_fault "$folder" "$number" "$how") >/dev/null 2>"$folder/stderr" || code=$?
  grep -v ' warning ' "$folder/stderr" >"$folder/messages" || true
  outcome=
  case $code in
    0)
      digest_of "$folder" >"$folder/digest"
      outcome="the same bytes"
      cmp -s "$folder/digest" "$work/digest" || outcome=$(bad "exit 0 and other bytes")
      ;;
    2 | 3)
      outcome="one line, exit $code"
      if [ "$(wc -l <"$folder/messages")" -ne 1 ] || ! grep -q '^error: ' "$folder/messages"; then
        outcome=$(bad "exit $code without one line: $(head -c 300 "$folder/messages")")
      fi
      ;;
    137) [ "$how" = kill ] && outcome="killed" || outcome=$(bad "killed by something else") ;;
    *) outcome=$(bad "exit $code: $(head -c 300 "$folder/messages")") ;;
  esac
  if [ "$how" = shrink ]; then
    rm -rf "$folder/model" "$folder/data"
    inputs_of "$folder"
  fi
  if [ "$code" -ne 0 ] && [[ $outcome != BAD* ]]; then
    local after
    after=$(go_on "$folder")
    outcome=${after:-$outcome, goes on to the same bytes}
  fi
  printf '%s\t%s\t%s\t%s\n' "$operation" "$how" "$outcome" \
    "call $number ($(sed -n "${number}p" "$work/log" | cut -d ' ' -f 3-))" >>"$work/results"
  rm -rf "$folder"
}

# Ways to fail; a + lets all later calls of the kind fail too.
ways_of() { # ways_of OPERATION PATH
  case $1 in
    open) echo EMFILE EACCES kill ;;
    read) case $2 in */run/*) echo EIO short ;; *) echo EIO short shrink ;; esac ;;
    write) echo ENOSPC+ kill EIO short ;;
    fsync) echo EIO kill EIO+ ;;
    rename) echo kill EIO ;;
    close) echo EIO kill ;;
    mmap) echo ENOMEM shrink ;;
    mkdir) echo ENOSPC kill ;;
    *) echo EIO kill ;;
  esac
}

inputs_of "$work/plain"
train "$work/plain" >/dev/null
digest_of "$work/plain" >"$work/digest"
[ -s "$work/digest" ] || { echo "walk.sh: the undisturbed run made nothing" >&2; exit 1; }
inputs_of "$work/recorded"
(FAULT_PATHS=$work/recorded FAULT_LOG=$work/log LD_PRELOAD=$work/shim.so train "$work/recorded") >/dev/null
digest_of "$work/recorded" | cmp -s - "$work/digest" || { echo "walk.sh: the shim changes the run" >&2; exit 1; }
rm -r "$work/plain" "$work/recorded"

calls=$(wc -l <"$work/log")
round=0
: >"$work/results"
while read -r number operation path; do
  if [ "$number" -lt "$first" ] || [ $(((number - first) % every)) -ne 0 ]; then continue; fi
  read -ra ways <<<"$(ways_of "$operation" "$path")"
  if [ "$all_ways" -eq 0 ]; then ways=("${ways[round % ${#ways[@]}]}"); fi
  round=$((round + 1))
  for how in "${ways[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    one_fault "$number" "$operation" "$how" &
  done
done <"$work/log"
wait

cut -f 1-3 "$work/results" | grep -v 'BAD' | sort | uniq -c |
  awk '{ count = $1; op = $2; how = $3; $1 = $2 = $3 = ""; printf "%6d  %-9s %-8s %s\n", count, op, how, $0 }'
faults=$(wc -l <"$work/results")
bad_ones=$(grep -c 'BAD' "$work/results" || true)
grep 'BAD' "$work/results" | head -n 40 || true
echo "faults: $faults injected into a run of $calls calls, $bad_ones went wrong"
[ "$faults" -gt 0 ] && [ "$bad_ones" -eq 0 ]
