#!/usr/bin/env bash
# Runs a grid of unlearning runs, one run folder per point, and ends with a table and a plot.
#   scripts/sweep.sh --config tofu.yaml --method simnpo --beta 1,2.5,4.5 --gamma 0,0.5,1 \
#       --output sweeps/f05 [--grid train.lr=1e-5,2e-5]… [--seed 1,2,3] [--jobs N] [--slurm] \
#       [-- further flags of unlearn, e.g. --model DIR --data DIR]
# Finished runs are skipped, broken ones and cut-off evaluations resumed: repeat the command to
# complete a sweep. A point that another sweep is running is left to it; one that was run with other
# settings is an error. --slurm writes OUTPUT/sweep.sbatch (one array task per point) instead of
# running; of each task it says --gpus N (a GPU each), --time T (Slurm's form, 2:00:00), and what
# --sbatch=OPTION adds (repeatable: --sbatch=--partition=gpu --sbatch=--mem=64G); its messages go to
# OUTPUT/slurm-JOB_TASK.log. --no-report leaves out the table.
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
sbatch=() # further lines of the array job
report=true
fixed=()
names=()  # one entry per swept key …
values=() # … and its comma-separated values

axis() { names+=("$1") && values+=("$2"); }

while [ $# -gt 0 ]; do
  if [[ $1 == --?*=* ]]; then set -- "${1%%=*}" "${1#*=}" "${@:2}"; fi # --flag=value
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
    --gpus)
      [[ ${2:-} =~ ^([A-Za-z0-9_.-]+:)?[1-9][0-9]*$ ]] || fail "--gpus needs a number of at least 1, or TYPE:NUMBER"
      sbatch+=("--gres=gpu:$2")
      shift
      ;;
    --time)
      [[ ${2:-} =~ ^[0-9]+([:-][0-9]+)*$ ]] || fail "--time needs Slurm's form: minutes, 2:00:00 or 1-12"
      sbatch+=("--time=$2")
      shift
      ;;
    --sbatch)
      [[ ${2:-} == -* && ${2:-} != *$'\n'* ]] || fail "--sbatch needs an option of sbatch: --sbatch=--partition=gpu"
      sbatch+=("$2")
      shift
      ;;
    --no-report) report=false ;;
    --config | --method | --model | --data | --device | --set | --forget | --retain | --batch-size)
      [ $# -ge 2 ] || fail "$1 needs a value"
      fixed+=("$1" "$2")
      shift
      ;;
    --) shift && fixed+=("$@") && break ;;
    -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) fail "unknown option '$1' (flags of unlearn go after --)" ;;
  esac
  shift
done
[ -n "$output" ] || fail "give --output DIR for the run folders"
$slurm || [ ${#sbatch[@]} -eq 0 ] || fail "--gpus, --time and --sbatch belong to --slurm"
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

held=3 # run_point's status for a point that another sweep is running

failed_run() { echo "sweep: failed: $1: $(tail -n 1 "$1.log")" >&2; }

run_point() {
  local folder pair settings sets=()
  folder=$(folder_of "$1")
  for pair in $1; do sets+=(--set "$pair"); done
  exec 9>>"$folder.log" # the lock lives as long as the run, also when the sweep is killed
  flock -n 9 || { echo "sweep: another sweep is running $folder" >&2; return $held; }
  settings=$("$unlearn" train "${fixed[@]}" "${sets[@]}" --output "$folder" --print-config --quiet 2>"$folder.log") ||
    { failed_run "$folder"; return 1; }
  local trained=false
  if grep -Eqs '"status": "(done|evaluating)"' "$folder/run.json"; then trained=true; fi
  if $trained || compgen -G "$folder/checkpoints/step-*/DONE" >/dev/null; then
    if [ -f "$folder.settings" ] && [ "$settings" != "$(<"$folder.settings")" ]; then
      echo "error: $folder was run with other settings ($folder.settings); give another --output, or delete it" >&2
      return 1
    fi
    if $trained && { ! grep -qs '^ *at_end: true' "$folder/config.resolved.yaml" ||
      compgen -G "$folder/eval/*_SUMMARY.json" >/dev/null; }; then
      echo "sweep: done already: $folder" >&2
      return 0
    fi
    sets+=(--resume) # the training or the evaluation was cut off
  else
    echo "$settings" >"$folder.settings"
    # A run that broke before its first checkpoint has nothing to go on from.
    if [ -f "$folder/run.json" ]; then sets+=(--overwrite); fi
  fi
  echo "sweep: running $folder" >&2
  "$unlearn" train "${fixed[@]}" "${sets[@]}" --output "$folder" --quiet >"$folder.log" 2>&1 ||
    { failed_run "$folder"; return 1; }
}

mkdir -p "$output"
if $slurm; then
  log=$(cd "$output" && pwd)
  log=${log//%/%%}/slurm-%A_%a.log # %A: the job, %a: the task
  if [[ $log == *[[:space:]]* ]]; then log="\"$log\""; fi
  # shellcheck disable=SC2016
  {
    echo '#!/usr/bin/env bash'
    echo '#SBATCH --job-name=unlearn-sweep'
    echo "#SBATCH --array=0-$((${#points[@]} - 1))"
    echo "#SBATCH --output=$log"
    for line in "${sbatch[@]}"; do echo "#SBATCH $line"; done
    echo '# One point per task. For the table, repeat the command that wrote this file without --slurm.'
    echo 'set -euo pipefail'
    printf 'cd %q\n' "$PWD"
    printf 'export UNLEARN=%q\n' "$unlearn"
    printf 'points=('
    printf ' %q' "${points[@]}"
    echo ' )'
    echo 'grid=()'
    echo 'for pair in ${points[$SLURM_ARRAY_TASK_ID]}; do grid+=(--grid "$pair"); done'
    printf 'exec %q --no-report --output %q "${grid[@]}" --' "$here/scripts/sweep.sh" "$output"
    [ ${#fixed[@]} -eq 0 ] || printf ' %q' "${fixed[@]}"
    echo
  } >"$output/sweep.sbatch"
  [[ " ${sbatch[*]-}" == *" --gres=gpu"* || " ${sbatch[*]-}" == *" --gpus"* ]] ||
    echo "sweep: the array asks for no GPU; --gpus 1 adds one to each task" >&2
  [[ " ${sbatch[*]-}" == *" --time="* ]] ||
    echo "sweep: the array has the partition's time limit; --time 2:00:00 sets another" >&2
  echo "sweep: start the array with sbatch; when it is done, repeat this command without --slurm for the table" >&2
  echo "$output/sweep.sbatch"
  exit 0
fi

failed=0
skipped=0
running=0
wait_for_one() {
  local status=0
  wait -n || status=$?
  case $status in
    0) ;;
    "$held") skipped=$((skipped + 1)) ;;
    *) failed=$((failed + 1)) ;;
  esac
  running=$((running - 1))
}

for point in "${points[@]}"; do
  if [ "$running" -ge "$jobs" ]; then wait_for_one; fi
  run_point "$point" &
  running=$((running + 1))
done
while [ "$running" -gt 0 ]; do wait_for_one; done
[ "$failed" -eq 0 ] || { echo "error: $failed of ${#points[@]} runs failed; repeat the command to complete them" >&2; exit 1; }
$report || exit 0
[ "$skipped" -eq 0 ] ||
  { echo "error: no table yet: another sweep is running $skipped of ${#points[@]} points; repeat the command when it is done" >&2; exit 1; }

runs=()
for point in "${points[@]}"; do runs+=("$(folder_of "$point")"); done
"$unlearn" report "${runs[@]}" --output "$output"
