#!/usr/bin/env bash
# Runs a grid of unlearning runs, one run folder per point, and ends with a table and a plot.
#   scripts/sweep.sh --config tofu.yaml --method simnpo --beta 1,2.5,4.5 --gamma 0,0.5,1 \
#       --output sweeps/f05 [--grid train.lr=1e-5,2e-5]… [--seed 1,2,3] [--jobs N] [--slurm] \
#       [-- further flags of unlearn, e.g. --model DIR --data DIR]
# Finished runs are skipped and broken ones resumed: repeat the command to complete a sweep.
# --slurm writes OUTPUT/sweep.sbatch (one array task per point) instead of running.
set -euo pipefail

fail() {
  echo "error: $1" >&2
  exit 2
}

here=$(cd "$(dirname "$0")/.." && pwd)
unlearn=${UNLEARN:-$here/build/unlearn}
output=
jobs=1
slurm=false
fixed=()
names=()  # one entry per swept key …
values=() # … and its comma-separated values

axis() { names+=("$1") && values+=("$2"); }

while [ $# -gt 0 ]; do
  case "$1" in
    --beta | --gamma) [ $# -ge 2 ] || fail "$1 needs values"; axis "method.${1#--}" "$2"; shift ;;
    --lr | --epochs | --seed) [ $# -ge 2 ] || fail "$1 needs values"; axis "train.${1#--}" "$2"; shift ;;
    --grid)
      [[ ${2:-} == *=* ]] || fail "--grid needs dotted.key=value,value,…"
      axis "${2%%=*}" "${2#*=}"
      shift
      ;;
    --output) [ $# -ge 2 ] || fail "--output needs a folder"; output=$2; shift ;;
    --jobs)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || fail "--jobs needs a whole number of at least 1"
      jobs=$2
      shift
      ;;
    --slurm) slurm=true ;;
    --config | --method | --model | --data | --device | --set)
      [ $# -ge 2 ] || fail "$1 needs a value"
      fixed+=("$1" "$2")
      shift
      ;;
    --) shift && fixed+=("$@") && break ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) fail "unknown option '$1' (flags of unlearn go after --)" ;;
  esac
  shift
done
[ -n "$output" ] || fail "give --output DIR for the run folders"
[ ${#names[@]} -gt 0 ] || fail "nothing to sweep: give --beta, --gamma, --lr, --epochs, --seed or --grid"
[ -x "$unlearn" ] || fail "$unlearn is not built (scripts/build.sh), or set UNLEARN to the program"

# Every point of the grid as "key=value key=value …", first axis slowest.
points=("")
for i in "${!names[@]}"; do
  next=()
  IFS=, read -r -a list <<<"${values[$i]}"
  [ ${#list[@]} -gt 0 ] || fail "${names[$i]}: no values"
  for point in "${points[@]}"; do
    for value in "${list[@]}"; do next+=("${point:+$point }${names[$i]}=$value"); done
  done
  points=("${next[@]}")
done

folder_of() { # the run folder of a point: beta=2.5,gamma=0
  local name='' pair key
  for pair in $1; do
    key=${pair%%=*}
    name+="${name:+,}${key##*.}=${pair#*=}"
  done
  echo "$output/${name//\//_}"
}

run_point() {
  local folder sets=() pair
  folder=$(folder_of "$1")
  for pair in $1; do sets+=(--set "$pair"); done
  if [ -f "$folder/run.json" ]; then
    if grep -q '"status": "done"' "$folder/run.json"; then
      echo "sweep: done already: $folder" >&2
      return 0
    fi
    # A run that broke before its first checkpoint has nothing to go on from.
    if compgen -G "$folder/checkpoints/step-*/DONE" >/dev/null; then sets+=(--resume); else sets+=(--overwrite); fi
  fi
  mkdir -p "$output"
  echo "sweep: running $folder" >&2
  "$unlearn" train "${fixed[@]}" "${sets[@]}" --output "$folder" --quiet >"$folder.log" 2>&1 ||
    { echo "sweep: failed: $folder: $(tail -n 1 "$folder.log")" >&2; return 1; }
}

if $slurm; then
  mkdir -p "$output"
  {
    echo '#!/usr/bin/env bash'
    echo '#SBATCH --job-name=unlearn-sweep'
    echo "#SBATCH --array=0-$((${#points[@]} - 1))"
    echo 'set -euo pipefail'
    printf 'points=('
    printf '%q ' "${points[@]}"
    echo ')'
    echo "# shellcheck disable=SC2206"
    # The variables below are for the written script, not for this one.
    # shellcheck disable=SC2016
    echo 'pairs=(${points[$SLURM_ARRAY_TASK_ID]})'
    printf 'exec %q --output %q' "$here/scripts/sweep.sh" "$output"
    # shellcheck disable=SC2016
    printf ' "${pairs[@]/#/--grid=}"'
    printf ' --'
    printf ' %q' "${fixed[@]}"
    echo
  } >"$output/sweep.sbatch"
  echo "$output/sweep.sbatch"
  exit 0
fi

failed=0
running=0
for point in "${points[@]}"; do
  if [ "$running" -ge "$jobs" ]; then
    wait -n || failed=$((failed + 1))
    running=$((running - 1))
  fi
  run_point "$point" &
  running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
  wait -n || failed=$((failed + 1))
  running=$((running - 1))
done
[ "$failed" -eq 0 ] || { echo "error: $failed of ${#points[@]} runs failed; repeat the command to complete them" >&2; exit 1; }

runs=()
for point in "${points[@]}"; do runs+=("$(folder_of "$point")"); done
"$unlearn" report "${runs[@]}" --output "$output"
