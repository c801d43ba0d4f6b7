#!/usr/bin/env bash
# Disturbs runs of the bundled model and checks that each ends in the bytes of an undisturbed one.
#   scripts/soak.sh [MINUTES] [PART...]        default: 30 minutes, all parts
# Parts: kills (SIGKILL and signals at random moments over all kinds of runs, each run resumed until
# it is done), faults (every call of a small run fails in turn), writers (two processes, one output),
# disk (files that may not grow, and a full disk where one can be mounted), steps (10,000 steps with
# flat memory). The minutes are those of kills; the other parts take what they take, about 20.
# UNLEARN=PROGRAM (default build/unlearn), SOAK_JOBS=N runs at a time (default 1), SOAK_SEED=N,
# SOAK_KINDS="KIND…" (default: all of tests/soak/kinds.sh).
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0" && exit 0 ;; esac
source_dir=$(realpath "$(dirname "$0")/..")
minutes=${1:-30}
shift || true
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(kills faults writers disk steps)
program=$(realpath "${UNLEARN:-$source_dir/build/unlearn}")
jobs_at_once=${SOAK_JOBS:-1}
RANDOM=${SOAK_SEED:-1}
export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# shellcheck source-path=SCRIPTDIR source=../tests/soak/kinds.sh
. "$source_dir/tests/soak/kinds.sh"
[ -z "${SOAK_KINDS:-}" ] || read -ra kinds <<<"$SOAK_KINDS"
failures=$work/failures
: >"$failures"
fail() { echo "FAILED: $*" | tee -a "$failures" >&2; }
now() { date +%s%N; }

digest_of() { # of what a run made for its users; of a verdict, without its time and duration
  (cd "$1" 2>/dev/null && { find model adapter eval audit.json audit.html -type f ! -path '*/cache/*' \
    ! -name unlearn_manifest.json -print0 2>/dev/null || true; } | sort -z | xargs -0r sha256sum
  [ ! -e verdict.json ] || grep -v '"date"\|"seconds"' verdict.json | sed "s|$PWD|RUN|" | sha256sum) || true
}

# --- kills ---------------------------------------------------------------------------------------

baseline() { # baseline KIND: its digest, and how many milliseconds it takes
  local begin code=0
  if declare -F "before_$1" >/dev/null; then
    "before_$1" >/dev/null 2>"base.$1.log" || { fail "before $1: $(tail -n 1 "base.$1.log")"; return 1; }
  fi
  begin=$(now)
  (kind_"$1" "$work/base.$1") >/dev/null 2>"base.$1.log" || code=$?
  echo "$code" >"base.$1.code"
  case $1.$code in *.0 | forget.4) ;; *) fail "$1 undisturbed: $(tail -n 1 "base.$1.log")"; return 1 ;; esac
  echo $((($(now) - begin) / 1000000)) >"base.$1.ms"
  digest_of "base.$1" >"base.$1.digest"
  rm -rf "base.$1"
  [ -s "base.$1.digest" ] || { fail "$1 undisturbed: nothing was made"; return 1; }
}

# Whether a killed run has to be continued, or is not there yet.
is_begun() { # is_begun KIND FOLDER
  case $1 in evaluation | audit | audit_own) [ -e "$2" ] ;; *) [ -e "$2/run.json" ] ;; esac
}

# Somebody's files in a run that was killed; they must outlive it.
plant_in() {
  local file
  planted=(notes.txt checkpoints/best/weights.bin eval/notes.txt)
  mkdir -p "$1/checkpoints/best" "$1/eval"
  for file in "${planted[@]}"; do echo "somebody's" >"$1/$file"; done
}

group_ended() { ! pgrep -g "$1" >/dev/null 2>&1; }

# disturbed KIND NUMBER SEED: one run, disturbed up to nine times, then left alone. Writes a line
# "kind signal…" to `disturbances`.
disturbed() {
  local kind=$1 folder=$work/run.$1.$2 log=$work/run.$1.$2.log sent=() planted=() code signal pid flags delay
  RANDOM=$3
  local duration begin done_code foreign
  done_code=$(cat "base.$kind.code")
  local most=$((RANDOM % 8 + 2))
  for ((try = 0; try <= most; ++try)); do
    flags=()
    if is_begun "$kind" "$folder"; then
      mapfile -t flags < <(goes_on_with "$kind")
      [ ${#planted[@]} -gt 0 ] || plant_in "$folder"
    fi
    duration=$(cat "base.$kind.ms")
    begin=$(now)
    (kind_"$kind" "$folder" "${flags[@]}") >/dev/null 2>"$log" &
    pid=$!
    signal=none
    if [ "$try" -lt "$most" ]; then
      delay=$((RANDOM * 32768 + RANDOM))
      sleep "$(awk -v ms="$duration" -v r="$delay" 'BEGIN { printf "%.3f", ms * r / 1073741824 / 1000 }')"
      signal=KILL
      case $((RANDOM % 10)) in 0) signal=TERM ;; 1) signal=INT ;; 2) signal=HUP ;; 3) signal=USR1 ;; esac
      if [ "$signal" = KILL ]; then
        kill -KILL -- "-$pid" 2>/dev/null || signal=late
      else
        kill "-$signal" "$pid" 2>/dev/null || signal=late
      fi
    fi
    code=0
    { wait "$pid" || code=$?; } 2>/dev/null # (what the shell says of it)
    until group_ended "$pid"; do sleep 0.02; done
    # A run that had ended takes a signal, too, until it is waited for.
    case "$signal.$code" in KILL.137 | TERM.143 | INT.130 | HUP.129 | USR1.* | none.*) ;; *."$done_code") signal=late ;; esac
    [ "$signal" = none ] || [ "$signal" = late ] || sent+=("$signal")
    case "$signal.$code" in
      *."$done_code" | KILL.137 | TERM.143 | INT.130 | HUP.129) ;;
      USR1.138) ;; # before the program has begun to listen
      *) fail "$kind (run $2) after $signal: exit $code: $(tail -n 1 "$log")"; break ;;
    esac
    if [ "$signal" = late ] && [ "$try" -eq 0 ]; then
      # The machine had other work when the undisturbed run was timed.
      echo $(((duration + ($(now) - begin) / 1000000) / 3)) >"base.$kind.ms"
    fi
    if [ "$code" -eq "$done_code" ] && [ "$signal" != USR1 ]; then break; fi
  done
  for foreign in "${planted[@]}"; do
    [ "$(cat "$folder/$foreign")" = "somebody's" ] ||
      fail "$kind (run $2): $foreign, which was somebody's, is lost after ${sent[*]}"
    rm -f "${folder:?}/$foreign"
  done
  digest_of "$folder" >"$folder.digest"
  cmp -s "$folder.digest" "base.$kind.digest" ||
    fail "$kind (run $2) ends in other bytes after ${sent[*]}: $(diff "$folder.digest" "base.$kind.digest" | head -n 2 | tr '\n' ' ') $(tail -n 1 "$log")"
  echo "$kind ${sent[*]}" >>disturbances
  rm -rf "$folder" "$folder.digest" "$log"
}

part_kills() {
  local end number=0 kind usable=()
  : >disturbances
  for kind in "${kinds[@]}"; do if baseline "$kind"; then usable+=("$kind"); fi; done
  end=$(($(date +%s) + minutes * 60))
  while [ "$(date +%s)" -lt "$end" ] && [ ${#usable[@]} -gt 0 ]; do
    kind=${usable[number % ${#usable[@]}]}
    number=$((number + 1))
    while [ "$(jobs -rp | wc -l)" -ge "$jobs_at_once" ]; do wait -n; done
    disturbed "$kind" "$number" $((RANDOM + number)) &
  done
  wait
  awk '{ runs[$1]++; for (i = 2; i <= NF; ++i) { n[$1]++; if ($i == "KILL") k[$1]++ } }
    END { for (r in runs) printf "  %-22s %5d runs  %5d SIGKILL  %5d other signals\n", r, runs[r], k[r], n[r] - k[r] }' \
    disturbances | sort
  awk '{ for (i = 2; i <= NF; ++i) if ($i == "KILL") k++; else s++ } END {
    printf "kills: %d runs, %d SIGKILL, %d other signals\n", NR, k, s }' disturbances
}

# --- other parts ---------------------------------------------------------------------------------

part_faults() {
  bash "$source_dir/tests/faults/walk.sh" "$program" "$source_dir" --jobs "$jobs_at_once" \
    --every "${SOAK_EVERY:-1}" || fail "faults"
}

part_writers() {
  local pid code count=0 how
  (kind_full "$work/shared" --set train.max_steps=100000 --epochs 100000) >/dev/null 2>&1 &
  pid=$!
  until [ -s shared/metrics.jsonl ]; do sleep 0.05; done
  for ((i = 0; i < 10; ++i)); do
    for how in --resume --overwrite; do
      code=0
      (kind_full "$work/shared" --set train.max_steps=100000 --epochs 100000 "$how") >/dev/null 2>writer.log || code=$?
      if [ "$code" -ne 2 ] || ! grep -q "another process is at work in it" writer.log; then
        fail "a second writer with $how: exit $code: $(tail -n 1 writer.log)"
      fi
      count=$((count + 1))
    done
  done
  kill -KILL -- "-$pid"
  { wait "$pid" || true; } 2>/dev/null
  echo "writers: $count second writers refused while the first went on"
}

# starved WHAT FOLDER COMMAND…: with too little room the run ends in one line; with room it goes on.
starved() {
  local what=$1 folder=$2 code=0
  shift 2
  # Through a pipe: the limit would meet the log's file too.
  ("$@" kind_full "$folder") 2>&1 >/dev/null | cat >starved.log || code=$?
  case $code in
    0) ;;
    2) [ "$(grep -c '^error: ' starved.log)" -eq 1 ] || fail "$what: not one line: $(cat starved.log)" ;;
    *) fail "$what: exit $code: $(tail -n 1 starved.log)" ;;
  esac
}
limited() { # limited BLOCKS COMMAND…: files may hold that many KiB
  ulimit -f "$1"
  shift
  "$@"
}
resumes() { # resumes WHAT FOLDER
  local flags=()
  [ ! -e "$2/run.json" ] || flags=(--resume)
  (kind_full "$2" "${flags[@]}") >/dev/null 2>starved.log || true
  digest_of "$2" | cmp -s - base.full.digest || fail "$1: ends in other bytes: $(tail -n 1 starved.log)"
}
part_disk() {
  local count=0 disks=0 size
  baseline full || return 0
  for size in 0 1 2 4 8 100 1000 1700 1800 3000 3400 3500 6900 7000 8000; do
    starved "a limit of $size KiB" "$work/limited" limited "$size"
    resumes "a limit of $size KiB" "$work/limited"
    rm -rf limited
    count=$((count + 1))
  done
  mkdir -p disk
  for size in 16 1000 4000 8000 11000 15000 20000 26000; do
    mount -t tmpfs -o "size=${size}k" tmpfs disk 2>/dev/null || break
    starved "a disk of $size KiB" "$work/disk/run" env_of
    mount -o remount,size=200m disk
    resumes "a disk of $size KiB" "$work/disk/run"
    umount disk
    disks=$((disks + 1))
  done
  echo "disk: $count limits on the size of files, $disks full disks$([ $disks -gt 0 ] || echo ' (mounting is not allowed here)')"
}
env_of() { "$@"; }

memory_of() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status" 2>/dev/null || echo 0; }
steps_of() { { wc -l <steps/metrics.jsonl; } 2>/dev/null || echo 0; }
part_steps() {
  local pid early late steps=${SOAK_STEPS:-10000}
  (kind_full "$work/steps" --set train.max_steps="$steps" --epochs 100000 --set train.batch_size=1 \
    --set train.save_every=500) >/dev/null 2>steps.log &
  pid=$!
  while kill -0 "$pid" 2>/dev/null && [ "$(steps_of)" -lt $((steps / 10)) ]; do sleep 0.2; done
  early=$(memory_of "$pid")
  late=$early
  while kill -0 "$pid" 2>/dev/null; do
    if [ "$(steps_of)" -lt $((steps - steps / 50)) ]; then late=$(memory_of "$pid"); fi
    sleep 1
  done
  wait "$pid" || fail "$steps steps: $(tail -n 1 steps.log)"
  [ "$(steps_of)" -eq "$steps" ] || fail "$steps steps: $(steps_of) were made"
  [ "$late" -lt $((early + early / 20)) ] || fail "memory grew from $early to $late KiB"
  echo "steps: $steps steps, resident memory $early KiB after a tenth of them, $late KiB at the end"
  rm -rf steps
}

for part in "${parts[@]}"; do
  case $part in
    kills | faults | writers | disk | steps) "part_$part" ;;
    *) echo "soak.sh: no part '$part'" >&2; exit 2 ;;
  esac
done
echo "soak: $(wc -l <"$failures") failures"
[ ! -s "$failures" ]
