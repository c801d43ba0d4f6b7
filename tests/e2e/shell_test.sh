#!/usr/bin/env bash
# What a shell sees: completion in bash (zsh and fish where they are installed), the manual page, a
# progress bar on a terminal, Ctrl-C, and how OpenMP's threads wait.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
tiny=$source_dir/data/tiny
fiction=$source_dir/data/fiction
run=(train --config "$source_dir/configs/quickstart.yaml" --model "$tiny" --data "$fiction")

# bash
"$unlearn" completion bash >unlearn.bash
compopt() { :; } # is there only while a shell completes
# shellcheck source=/dev/null
. ./unlearn.bash
completes() { # completes WANTED WORD…: WANTED is among what the last word can become
  local wanted=$1
  shift
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _unlearn
  expect "'$wanted' for: $* (${COMPREPLY[*]})" grep -qxF -- "$wanted" <(printf '%s\n' "${COMPREPLY[@]}")
}
only() { # only WANTED WORD…: and nothing else is
  completes "$@"
  expect "only that: ${COMPREPLY[*]}" test "${#COMPREPLY[@]}" -eq 1
}
only train unlearn tr
only quantise unlearn help quan
only --method unlearn --met
only --batch-tokens unlearn score --b
completes simnpo unlearn train --method sim
completes npo unlearn --method = np
only train.lora.rank= unlearn train --set train.lora.ra
completes tofu unlearn --config tof
completes metrics unlearn list me
only zsh unlearn completion z
touch "rows of mine.jsonl" && mkdir models
only "rows of mine.jsonl" unlearn score --input rows
only models unlearn score --model mod

# zsh and fish read theirs; fish can be asked for what it offers.
"$unlearn" completion zsh >_unlearn
"$unlearn" completion fish >unlearn.fish
mapfile -t commands < <("$unlearn" completion fish | sed -n 's/.*__fish_use_subcommand -a \([a-z-]*\) .*/\1/p')
expect "the commands are known: ${commands[*]}" test "${#commands[@]}" -ge 19
flags_of() { "$unlearn" "$1" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+' | sort -u; }
# every_flag SHELL: each flag of each command is in offered.COMMAND
every_flag() {
  local command missing
  for command in "${commands[@]}"; do
    missing=$(comm -23 <(flags_of "$command") <(sed 's/=$//' "offered.$command" | sort -u))
    expect "$1 offers every flag of $command: $(tr '\n' ' ' <<<"$missing")" test -z "$missing"
  done
}
if command -v zsh >/dev/null; then
  # shellcheck disable=SC2016
  expect "zsh reads it" zsh -f -c 'autoload -Uz compinit && compinit -D -u && . ./_unlearn && [[ $_comps[unlearn] == _unlearn ]]'
  { printf 'unlearn %s --\n' "${commands[@]}" && echo "unlearn "; } |
    timeout 300 zsh -f "$source_dir/tests/e2e/complete.zsh" >offered.zsh
  for command in "${commands[@]}"; do
    awk -v line="== unlearn $command --" '/^== /{ on = $0 == line; next } on' offered.zsh >"offered.$command"
  done
  every_flag zsh
  awk '/^== /{ on = $0 ~ /^== unlearn *$/; next } on' offered.zsh >offered.commands
  expect "and every command" test -z "$(comm -23 <(printf '%s\n' "${commands[@]}" | sort) <(sort -u offered.commands))"
  expect "without an error: $(cat zsh.err 2>/dev/null)" test ! -s zsh.err
else
  echo "skipped: no zsh"
fi
if command -v fish >/dev/null; then
  offers() { # offers WANTED COMMAND_LINE
    HOME=$work fish --no-config -c "source unlearn.fish; complete -C '$2'" | cut -f1 >offered
    expect "fish offers $1 for: $2 ($(head -3 offered))" grep -qxF -- "$1" offered
  }
  offers train "unlearn tr"
  offers --method "unlearn --met"
  offers --batch-tokens "unlearn score --ba"
  offers simnpo "unlearn train --method simn"
  offers metrics "unlearn list me"
  for command in "${commands[@]}"; do
    HOME=$work fish --no-config -c "source unlearn.fish; complete -C 'unlearn $command --'" 2>>fish.err |
      cut -f1 >"offered.$command"
  done
  every_flag fish
  expect "without an error: $(cat fish.err)" test ! -s fish.err
else
  echo "skipped: no fish"
fi

# The manual page, as roff and as text.
"$unlearn" man >unlearn.1
if command -v man >/dev/null && man --version >/dev/null 2>&1; then
  LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings=w -l unlearn.1 >page.txt 2>page.err || die "man: $(cat page.err)"
  expect "roff has nothing to say: $(cat page.err)" test ! -s page.err
  expect "a flag stands there" grep -q -- "--batch-size N" page.txt
fi
if command -v mandoc >/dev/null; then
  expect "mandoc has nothing to say: $(mandoc -T lint -W warning unlearn.1)" mandoc -T lint -W warning unlearn.1
fi

# Ctrl-C: which checkpoint, and a command that goes on.
"$unlearn" "${run[@]}" --output stopped --epochs 4000 >/dev/null 2>stopped.err &
process=$!
for _ in $(seq 300); do
  [ "$(wc -l 2>/dev/null <stopped/metrics.jsonl || echo 0)" -ge 2 ] && break
  sleep 0.2
done
kill -INT $process
code=0
wait $process || code=$?
expect "stopped by a signal" test "$code" -eq 130
command=$(sed -n 's/.*checkpoint of step [0-9]*: stopped.*; go on with: unlearn //p' stopped.err)
expect "the command is told: $(tail -n 3 stopped.err)" test "$command" = "train --resume --output stopped"
done_steps=$(wc -l <stopped/metrics.jsonl)
# shellcheck disable=SC2086
"$unlearn" $command --dry-run >plan 2>/dev/null
expect "it can be typed" grep -q "^steps  *8000 " plan
expect "steps were done" test "$done_steps" -ge 2

# The end: the figures, and what to type next.
"$unlearn" "${run[@]}" --output ended --epochs 2 --set train.warmup_epochs=0 >ended.out 2>ended.err
expect "the model on stdout, nothing else" test "$(cat ended.out)" = ended/model
expect "first and last loss" grep -Eq "done after .*: loss [0-9.]+ -> [0-9.]+, forget [0-9.]+ -> [0-9.]+, retain" ended.err
expect "the next command" grep -q "next: unlearn eval ended$" ended.err
head -1 "$fiction/forget05.json" >one.jsonl
"$unlearn" "${run[@]}" --set data.benchmark=qa --forget one.jsonl --retain "$fiction/retain95.json" \
  --batch-size 1 --epochs 2 --set train.warmup_epochs=0 --output own >/dev/null 2>own.err
expect "the next command of own data" grep -q "next: unlearn eval own$" own.err
expect "the flags reach the config" grep -q "forget: one.jsonl" own/config.resolved.yaml
expect "the batch too" grep -q "batch_size: 1$" own/config.resolved.yaml
"$unlearn" "${run[@]}" --set data.benchmark=qa --forget one.jsonl --retain "$fiction/retain95.json" --batch-size 1 \
  --dry-run --output plan-only >plan
expect "one is singular" grep -q "^forget  *1 row, " plan
expect "and a step has 1 forget example" grep -q "^step  *1 forget example, " plan

# A terminal of 80 columns: no line of the bar is longer, and the time left is in each.
if command -v script >/dev/null; then
  COLUMNS=80 script -qec "stty cols 80; $unlearn ${run[*]} --output bar --epochs 2" bar.log >/dev/null
  tr '\r' '\n' <bar.log | grep '\[[#.]*\]' | sed 's/\x1b\[K//' >bars
  expect "bars were drawn" test -s bars
  expect "they fit" test "$(awk '{ print length }' bars | sort -n | tail -1)" -lt 80
  expect "time left stands first" bash -c '! grep -vE "^\[[#.]{16}\] [0-9]+/4  [0-9hms]+ left  loss " bars'
fi

# How threads wait: the kernel's record of the environment that the process was started with.
policy() { # policy ENVIRONMENT…: the variables about waiting that a process runs with
  local process environment=()
  env -u OMP_NUM_THREADS -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT -u KMP_BLOCKTIME "$@" "$unlearn" tokenize --model "$tiny" \
    <fifo >/dev/null 2>&1 &
  process=$!
  exec 7>fifo
  for _ in $(seq 100); do
    mapfile -d '' environment <"/proc/$process/environ" || true
    grep -q unlearn "/proc/$process/maps" && [ "$(readlink "/proc/$process/exe")" = "$(realpath "$unlearn")" ] &&
      grep -q gomp "/proc/$process/maps" && break
    sleep 0.05
  done
  sleep 0.3
  mapfile -d '' environment <"/proc/$process/environ" || true
  exec 7>&-
  wait $process
  printf '%s\n' "${environment[@]}" | grep -E '^(OMP_WAIT_POLICY|GOMP_SPINCOUNT)=' || true
}
if [ -r /proc/self/environ ]; then
  mkfifo fifo
  expect "waiting threads sleep soon" test "$(policy)" = GOMP_SPINCOUNT=1000
  expect "with several threads" test "$(policy OMP_NUM_THREADS=2)" = GOMP_SPINCOUNT=1000
  expect "unless the user says otherwise" test "$(policy OMP_WAIT_POLICY=active)" = OMP_WAIT_POLICY=active
  expect "even nothing" test "$(policy OMP_WAIT_POLICY=)" = OMP_WAIT_POLICY=
  expect "in GNU's words" test "$(policy GOMP_SPINCOUNT=5)" = GOMP_SPINCOUNT=5
  expect "one thread waits for nobody" test "$(policy OMP_NUM_THREADS=1)" = ""
fi
for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
  [ -x "$loader" ] || continue
  expect "started by ld.so" env -u OMP_NUM_THREADS "$loader" "$unlearn" --version >/dev/null
done
expect "the name stays" test "$(cd "$(dirname "$unlearn")" && env -u OMP_NUM_THREADS ./unlearn --version)" = "$("$unlearn" --version)"
echo "shell: $checks checks passed"
