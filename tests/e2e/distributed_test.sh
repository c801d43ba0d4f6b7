#!/usr/bin/env bash
# Several processes share a run: the same numbers, one voice, and an end whatever happens to one.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
export OMP_NUM_THREADS=1
unset UNLEARN_CACHE_DIR RANK WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE MASTER_ADDR MASTER_PORT
run=("$unlearn" --config "$source_dir/configs/quickstart.yaml" --model "$source_dir/data/tiny"
  --data "$source_dir/data/fiction" --quiet)
quick=("${run[@]}")
settings=(--method npo --set method.retain_loss=kl --epochs 10 --set train.save_every=5)

# numbers FOLDER: loss and gradient norm of every step
numbers() { sed -E 's/.*"loss":([^,]*),.*"grad_norm":([^,]*),.*/\1 \2/' "$1/metrics.jsonl"; }
ids() { grep -o '"forget_ids":.*"tokens":[0-9]*' "$1/metrics.jsonl"; }
# same_numbers WHAT FOLDER FOLDER SHARE: every number differs by at most this share of it
same_numbers() {
  expect "$1: the same examples" cmp <(ids "$2") <(ids "$3")
  paste -d ' ' <(numbers "$2") <(numbers "$3") >pairs
  expect "$1: some steps" test -s pairs
  # shellcheck disable=SC2016
  expect "$1: the same numbers: $(cat pairs)" awk -v share="$4" '
    function far(a, b) { d = a - b; if (d < 0) d = -d; if (a < 0) a = -a; return d > share * a }
    NF != 4 || far($1, $3) || far($2, $4) { bad = 1 }
    END { exit bad }' pairs
}

# The number of processes changes nothing but the order of sums.
"${run[@]}" "${settings[@]}" --output one >/dev/null
for n in 2 3; do
  "${run[@]}" "${settings[@]}" --output "of$n" --nproc "$n" >"out$n" 2>"err$n"
  expect "one line tells the model" test "$(cat "out$n")" = "of$n/model"
  expect "nothing else is said" test ! -s "err$n"
  expect "run.json tells the processes" grep -q "\"processes\": $n" "of$n/run.json"
  same_numbers "$n processes" one "of$n" 1e-4
done
"${run[@]}" "${settings[@]}" --output again --nproc 2 >/dev/null
expect "as many processes give the same bits" test "$(weights of2)" = "$(weights again)"

# By hand, as torchrun does it.
port=$((20000 + RANDOM % 10000))
as() { RANK=$1 WORLD_SIZE=2 LOCAL_RANK=$1 LOCAL_WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 \
  MASTER_PORT=$port "${@:2}"; }
as 1 "${run[@]}" "${settings[@]}" --output hand >last.log 2>&1 &
other=$!
as 0 "${run[@]}" "${settings[@]}" --output hand >/dev/null
wait "$other"
expect "the second process says nothing" test ! -s last.log
expect "started by hand: the same bits" test "$(weights of2)" = "$(weights hand)"

# What a machine has free may differ; all plan with the least.
as 1 "${run[@]}" "${settings[@]}" --output room --set train.memory_gib=1 >last.log 2>&1 &
other=$!
as 0 "${run[@]}" "${settings[@]}" --output room >/dev/null
wait "$other"
expect "with different room: the same bits" test "$(weights of2)" = "$(weights room)"

# Whoever starts it may ignore the end of children.
timeout -s KILL 60 env --ignore-signal=CHLD "${run[@]}" "${settings[@]}" --output ignored --nproc 2 \
  >/dev/null
expect "started by one who ignores children: the same bits" test "$(weights of2)" = "$(weights ignored)"

# Other settings: dropout that falls on the same tokens, narrow weights and state, micro-batch means.
compare() { # compare NAME SHARE ARGUMENT…
  local name=$1 share=$2
  shift 2
  "${run[@]}" --output "$name.1" --epochs 5 "$@" >/dev/null
  "${run[@]}" --output "$name.2" --epochs 5 "$@" --nproc 2 >/dev/null
  same_numbers "$name" "$name.1" "$name.2" "$share"
}
# bfloat16 rounds the gradient of each process, and small tensors make that felt.
compare lora 1e-4 --set train.lora.rank=4 --set train.lora.dropout=0.3
compare adapter8 1e-4 --set train.lora.rank=4 --set train.lora.base_bits=8
compare narrow 0.1 --set model.dtype=bfloat16 --set train.state_bits=8
compare stochastic 0.1 --set model.dtype=bfloat16 --set train.master=sr
compare means 1e-4 --set train.averaging=micro_batch_mean --set train.micro_batch_size=1
compare recomputed 1e-4 --set train.recompute=full --set train.batch_tokens=80
compare kto 1e-4 --method kto_sigmoid --set method.forget_weight=1
# Update rules: their passes, their norms and products, and what they keep are of all processes.
# (A step along a short gradient enlarges what rounding did to it.)
compare sam 1e-3 --set train.update='{name: sam, rho: 0.05}' --set train.batch_tokens=80
compare sam_kto 1e-3 --method kto_sigmoid --set train.update.name=sam
compare gru 1e-4 --set train.update='{name: gru, objective: forget, added_retain: 0.5}'
compare gru_lora 1e-4 --set train.update.name=gru --set train.lora.rank=4 --set train.lora.dropout=0.3

# RMU's two statistics, one for each role.
run=("$unlearn" --config "$source_dir/configs/fiction.yaml" --model "$source_dir/data/tiny"
  --data "$source_dir/data/fiction" --quiet --set data.forget=forget05)
compare rmu 1e-4 --method rmu --set method.layer=2 --set 'train.compat=[rmu_ou]' --set train.batch_tokens=80
run=("${quick[@]}")

finetune=("$unlearn" finetune --model "$source_dir/data/tiny" --data "$source_dir/data/fiction"
  --quiet --set data.train=retain95 --set train.batch_size=8 --set train.max_steps=6
  --set train.warmup_epochs=0 --lr 1e-4)
"${finetune[@]}" --output tuned.1 >/dev/null
"${finetune[@]}" --output tuned.2 --nproc 2 >/dev/null
same_numbers finetune tuned.1 tuned.2 1e-4

# The optimizer's state is shared.
plan_of() { "${run[@]}" --output plan --dry-run "$@" | sed -nE 's/.* state ([0-9.]+) .*/\1/p'; }
one=$(plan_of --set train.master=split --set train.state_bits=32)
half=$(plan_of --set train.master=split --set train.state_bits=32 --nproc 2)
expect "half of the state for each of two: $one, $half" \
  awk -v one="$one" -v half="$half" 'BEGIN { exit !(half < 0.7 * one) }'

# So is what a rule keeps, and its checkpoint fits any number of processes.
gru=(--set train.update='{name: gru, objective: forget}' --epochs 10 --set train.save_every=5)
kept_of() { "${run[@]}" --output plan --dry-run --log-level error "$@" | grep -c ' update 0'; }
expect "the plan counts what a rule keeps" test "$(kept_of "${gru[@]}")" = 1
expect "and nothing where it keeps nothing" test "$(kept_of)" = 0
"${run[@]}" "${gru[@]}" --output gru.whole >/dev/null
"${run[@]}" "${gru[@]}" --output gru.parts --nproc 2 >/dev/null
expect "its state is in the checkpoint" test -s gru.parts/checkpoints/step-15/update.safetensors
expect "and where there is none, no file" test ! -e of2/checkpoints/step-15/update.safetensors
rm -r gru.parts/model gru.parts/checkpoints/step-20
sed -i 's/"status": "done"/"status": "interrupted"/' gru.parts/run.json
"${run[@]}" "${gru[@]}" --output gru.parts --resume >last.log 2>&1
same_numbers "a rule's state, resumed by one process" gru.whole gru.parts 1e-4

# start FOLDER NPROC: in the background, until ten steps are saved; sets $pid
start() {
  "${run[@]}" "${settings[@]}" --epochs 40 --output "$1" --nproc "$2" >"$1.log" 2>&1 &
  pid=$!
  for _ in $(seq 3000); do
    [ ! -e "$1/checkpoints/step-10/DONE" ] || return 0
    kill -0 "$pid" 2>/dev/null || die "ended before it could be stopped: $(cat "$1.log")"
    sleep 0.02
  done
  die "no checkpoint after a minute"
}
children_of() { # processes that end meanwhile are no failure
  { grep -ls "^PPid:[[:space:]]*$1\$" /proc/[0-9]*/status || true; } | cut -d / -f 3 | sort -n
}
# ended PID: waits for it, sets $code
ended() {
  code=0
  wait "$1" || code=$?
}

"${run[@]}" "${settings[@]}" --epochs 40 --output long --nproc 2 >/dev/null
start killed 2
children=$(children_of "$pid")
kill -9 "$pid"
ended "$pid"
for child in $children; do
  for _ in $(seq 200); do kill -0 "$child" 2>/dev/null || break; sleep 0.02; done
  expect "no process outlives the one that started it" test ! -d "/proc/$child"
done
cp -r killed moved
"${run[@]}" "${settings[@]}" --epochs 40 --output killed --nproc 2 --resume >last.log 2>&1
expect "killed and resumed: the same bits" test "$(weights long)" = "$(weights killed)"
"${run[@]}" "${settings[@]}" --epochs 40 --output moved --resume >last.log 2>&1
same_numbers "resumed by one process" long moved 1e-3
"${run[@]}" "${settings[@]}" --epochs 40 --output moved --resume --nproc 2 >last.log 2>&1
expect "a run that is done stays so" test "$(status moved)" = '"status": "done"'

start stopped 2
kill -TERM "$pid"
ended "$pid"
expect "exit code of SIGTERM is 143, not $code" test "$code" -eq 143
expect "run.json says interrupted" test "$(status stopped)" = '"status": "interrupted"'
"${run[@]}" "${settings[@]}" --epochs 40 --output stopped --nproc 2 --resume >last.log 2>&1
expect "stopped and resumed: the same bits" test "$(weights long)" = "$(weights stopped)"

# One process is lost: the others end too.
start lost 3
kill -9 "$(children_of "$pid" | tail -1)"
ended "$pid"
expect "the exit code is that of the killed process, not $code" test "$code" -eq 137
expect "who died is told" grep -q "process [12] was killed by signal 9" lost.log
expect "by one who notices, too" grep -q "connection to another process of the run is lost" lost.log
expect "run.json says failed" test "$(status lost)" = '"status": "failed"'

# Mistakes are told once, and nothing is written.
two=("${run[@]}" --output bad --nproc 2)
expect_error 2 "--nproc" "${run[@]}" --output bad --nproc 0
expect_error 2 "cannot be shared by 2 processes" "${two[@]}" --set train.batch_size=1
expect_error 2 "cannot be shared by 2 processes" "${two[@]}" --dry-run --set train.batch_size=1
expect_error 2 "train.micro_batch_size: a step of 1" "${two[@]}" \
  --set train.averaging=micro_batch_mean --set train.micro_batch_size=5
expect_error 2 "train.free_gradients: belongs to a single process" "${two[@]}" \
  --set train.free_gradients=true --set train.max_grad_norm=0
expect_error 2 "pdu's micro-batches depend on those before" "$unlearn" --method pdu --nproc 2 \
  --config "$source_dir/configs/fiction.yaml" --model "$source_dir/data/tiny" \
  --data "$source_dir/data/fiction" --output bad --set method.retain_loss_eps=1 \
  --set train.averaging=micro_batch_mean --set train.micro_batch_size=1
expect_error 2 "absent" "${two[@]}" --set data.forget=absent
expect_error 2 "did you mean" "${two[@]}" --method simnp
expect_error 2 "cuda:0: is one GPU" "${two[@]}" --device cuda:0
expect_error 2 "another launcher" as 0 "${two[@]}"
lone() { WORLD_SIZE=2 "$@"; }
expect_error 2 "RANK is not set" lone "${run[@]}" --output bad
lost_machine() { WORLD_SIZE=2 RANK=1 MASTER_ADDR=no.such.machine.invalid "$@"; }
expect_error 2 "MASTER_ADDR: no machine" lost_machine "${run[@]}" --output bad
for differs in train.lr=0.1 train.save_every=2 model.dtype=bfloat16; do
  as 1 "${run[@]}" --output bad --set "$differs" >other.out 2>&1 &
  other=$!
  expect_error 2 "process 1: settings, model, data, tokenizer or kind of device are not those" \
    as 0 "${run[@]}" --output bad
  ! wait "$other" || die "the other process ended well"
done
expect "nothing was written" test ! -e bad
expect_error 2 "is not empty" "${run[@]}" --output one --nproc 2
expect_error 3 "error: step [0-9]*: .* nothing past step" "$unlearn" --method ga --nproc 2 \
  --model "$source_dir/data/tiny" --data "$source_dir/data/fiction" --quiet --output nan \
  --set data.forget=forget05 --set train.batch_size=5 --epochs 400 --lr 10 \
  --set train.max_grad_norm=0 --set train.warmup_epochs=0 --set train.schedule=constant
expect "run.json says failed" test "$(status nan)" = '"status": "failed"'
echo "distributed: $checks checks passed"
