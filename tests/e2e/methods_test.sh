#!/usr/bin/env bash
# Methods as a user runs them: presets, spellings, quirks, state that survives, other references, and
# the two methods that train nothing.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
tiny=$source_dir/data/tiny
fiction=$source_dir/data/fiction

# Every preset of TOFU resolves to its own method.
for preset in tofu-forget05-simnpo:simnpo tofu-forget10-simnpo:simnpo tofu-npo:npo ou-simnpo:simnpo \
  ou-npo:npo ou-graddiff:grad_diff ou-dpo:dpo ou-wga:wga ou-satimp:satimp ou-ceu:ceu \
  ou-undial:undial ou-pdu:pdu ou-gradascent:ga; do
  "$unlearn" train --config "${preset%:*}" --model "$tiny" --data "$fiction" --set train.batch_size=2 \
    --dry-run --quiet >plan
  expect "${preset%:*} is ${preset#*:}" grep -q "^method  *${preset#*:}\$" plan
done
expect_error 2 "method.layer: the model has blocks 0 to 3, not 7" "$unlearn" train --config ou-rmu \
  --model "$tiny" --data "$fiction" --set train.batch_size=2 --dry-run --quiet

# run NAME ARGUMENT…: three steps on the bundled model.
run() {
  local name=$1
  shift
  "$unlearn" train --model "$tiny" --data "$fiction" --output "$name" --quiet \
    --set data.forget=forget05 --set data.max_length=96 --set train.batch_size=2 \
    --set train.max_steps=3 --set train.warmup_epochs=0 --lr 1e-3 --set train.save_every=1 \
    --seed 4 "$@" >/dev/null
}
ended() { expect "$1 is done" grep -q '"status": "done"' "$1/run.json"; }

# Every method by its name alone; altpo (its own data) and rmu (layer 7) come below.
"$unlearn" list methods --json | sed -n 's/^    "name": "\(.*\)",*$/\1/p' >names
grep -vx -e altpo -e rmu -e task_vector -e whp names >trained
expect "the list is long" test "$(wc -l <trained)" -ge 16
while read -r method; do
  run "all-$method" --method "$method" && ended "all-$method"
done <trained

# Every update rule by its name alone, with every method that has a forget and a retain term.
"$unlearn" list updates --json | sed -n 's/^    "name": "\(.*\)",*$/\1/p' >rules
expect "rules are listed" test "$(tr '\n' ' ' <rules)" = "plain sam gru "
expect "with their settings" grep -q "train.update.rho" <("$unlearn" list updates)
expect "optimizers too" grep -q "train.beta1" <("$unlearn" list optimizers)
grep -vx -e nll -e ga -e ga_forgetkl -e ceu -e undial -e 'kto_.*' trained >two_sided
grep -vx plain rules | while read -r rule; do
  while read -r method; do
    run "$rule-$method" --method "$method" --set "train.update.name=$rule" && ended "$rule-$method"
  done <two_sided
done
run rmu --method RMU --set 'method.module_regex=model\.layers\.2' \
  --set 'method.trainable_params_regex=[model\.layers\.(1|2)\.mlp\.down_proj\.weight]' && ended rmu
expect "rmu's direction is kept" grep -q '"direction"' rmu/method_state.json
expect "pdu's dual variable is kept" grep -q '"dual"' all-pdu/method_state.json
expect "pdu reports it" grep -q '"dual":100' all-pdu/metrics.jsonl

# AltPO reads the rows' own alternatives; a row with two counts twice.
sed 's/}$/, "alternate": ["By the sea.", "In another town."]}/' "$fiction/forget05.json" >alternates.json
run altpo --method altpo --set data.forget=alternates.json --set data.retain=retain95 && ended altpo
"$unlearn" train --model "$tiny" --data "$fiction" --set data.forget=alternates.json \
  --set data.retain=retain95 --method altpo --set train.batch_size=2 --output none --dry-run --quiet >plan
rows=$(wc -l <alternates.json)
expect "alternatives are rows" grep -q "^alternate  *$((2 * rows)) rows" plan
expect_error 2 "forget05.json: row 0: no field 'alternate'" run noalternate --method altpo

# A run that is interrupted and goes on has the same dual variable and the same weights.
dual=(--method pdu --set method.dual_warmup_epochs=0 --set method.dual_step_size=2)
run whole "${dual[@]}"
run parts "${dual[@]}"
rm -r parts/model parts/checkpoints/step-3
sed -i 's/"status": "done"/"status": "interrupted"/' parts/run.json
"$unlearn" train --output parts --resume --quiet >/dev/null
expect "resumed state" cmp whole/method_state.json parts/method_state.json
expect "resumed weights" cmp whole/model/model.safetensors parts/model/model.safetensors

# So has one with the Trainer's steps, whose epochs end between the micro-batches of steps 2 and 3.
counted=(--method pdu --set method.dual_update_upon=epoch --set method.dual_warmup_epochs=0
  --set train.step_count=trainer --set train.averaging=micro_batch_mean --set train.batch_size=9
  --set train.micro_batch_size=3)
run counted "${counted[@]}"
run counted_parts "${counted[@]}"
expect "epochs end early" test "$(grep -o '"forget_ids":\[[^]]*' counted/metrics.jsonl | tr -dc ',\n' |
  awk '{ printf "%d ", length + 1 }')" = "9 7 7 "
rm -r counted_parts/model counted_parts/checkpoints/step-3
sed -i 's/"status": "done"/"status": "interrupted"/' counted_parts/run.json
"$unlearn" train --output counted_parts --resume --quiet >/dev/null
expect "resumed state of counted steps" cmp counted/method_state.json counted_parts/method_state.json
expect "resumed weights of counted steps" cmp counted/model/model.safetensors counted_parts/model/model.safetensors
for count in trainer:20:2 stream:25:2; do
  IFS=: read -r name total per_epoch <<<"$count"
  "$unlearn" train --config ou-simnpo --model "$tiny" --data "$fiction" --set data.forget=forget05 \
    --set train.batch_size=4 --set "train.step_count=$name" --dry-run --quiet >plan
  expect "steps by $name" grep -q "^steps  *$total ($per_epoch per epoch" plan
done

# OpenUnlearning's names for the parameters.
run alpha --method NPO --set method.alpha=0.5 --set method.retain_loss_type=KL
expect "alpha is retain_weight" grep -q 'retain_weight: 0.5' alpha/config.resolved.yaml
expect "KL is kl" grep -q 'retain_loss: kl' alpha/config.resolved.yaml
dry=(train --model "$tiny" --data "$fiction" --set data.forget=forget05 --set train.batch_size=2 --output none --dry-run --quiet)
expect_error 2 "forget_weight" "$unlearn" "${dry[@]}" --method npo --set method.gamma=0.1
expect_error 2 "give one of them" "$unlearn" "${dry[@]}" --method npo --set method.alpha=1 --set method.retain_weight=1
expect_error 2 "give one of them" "$unlearn" "${dry[@]}" --method npo --set method.alpha=1 --set method.coeff=1
# setting KEY ARGUMENT…: what a command line comes to.
setting() { "$unlearn" "${dry[@]:0:${#dry[@]}-2}" "${@:2}" --print-config 2>"$work/warnings" | sed -n "/^method:/,/^[a-z]/s/^  $1: //p"; }
is() { # is KEY VALUE ARGUMENT…
  local got
  got=$(setting "$1" "${@:3}")
  expect "$1 is $2: ${*:3} ($got)" test "$got" = "$2"
}
for alias in alpha coeff grad_diff_coeff KL_coeff; do
  is retain_weight 2.0 --config ou-npo --set "method.$alias=2"
done
is forget_weight 0.3 --config ou-simnpo --set method.npo_coeff=0.3
is retain_loss kl --config tofu-npo --set method.retain_loss_type=KL
printf 'extends: ou-npo.yaml\nmethod: {alpha: 3}\n' >child.yaml
is retain_weight 3.0 --config child.yaml
is retain_weight 4.0 --config child.yaml --set method.retain_weight=4
is delta 0.2 --config tofu-forget05-simnpo --set method.delta=0.2
is gamma auto --config tofu-forget05-simnpo --set method.delta=0.2
is gamma 0.5 --config ou-simnpo --gamma 0.5
is delta auto --config ou-simnpo --gamma 0.5

# gamma means another thing in each code base; a spelling tells which one its user comes from.
warned() { expect "a warning of $1: $(cat warnings)" grep -q " warning .*gamma.*$1" warnings; }
is gamma 0.125 --method SimNPO --gamma 0.125 && warned "method.forget_weight"
printf 'method: {name: SimNPO, gamma: 0.125}\n' >theirs.yaml
is gamma 0.125 --config theirs.yaml && warned "forget coefficient.*method.retain_weight.*method.delta"
is gamma 0.1 --method simnpo_grad_diff --gamma 0.1 && warned "method.delta"
is gamma 1.0 --method SimNPO+FT --set method.gamma=1 && warned "method.retain_weight"
for quiet in "--method simnpo --gamma 0.5" "--method SimNPO" "--method SimNPO --set method.delta=1" \
  "--method simnpo_grad_diff --gamma 0" "--method SimNPO --set method.gamma=auto"; do
  # shellcheck disable=SC2086
  setting gamma $quiet >/dev/null
  expect "no warning: $quiet" test ! -s warnings
done
expect_error 2 "its gamma, the forget coefficient, is method.forget_weight" "$unlearn" "${dry[@]}" \
  --method SimNPO --set method.gamma=0.125 --set method.delta=0
expect_error 2 "retain_loss_eps" "$unlearn" "${dry[@]}" --method pdu --set method.retain_loss_eps=
expect_error 2 "use: unlearn task-vector" "$unlearn" "${dry[@]}" --method tv
expect_error 2 "blocks 0 to 3" run far --method rmu --set method.layer=4
expect_error 2 "no parameter's whole name" run none --method rmu --set method.layer=1 --set 'method.trainable_params_regex=[layers]'

# Quirks are recorded; unknown and impossible ones say so.
run raw --method npo_klr --set 'train.compat=[muse_logits]' && ended raw
expect "compat is recorded" grep -q 'muse_logits' raw/run.json
expect_error 2 "not a quirk of simnpo but of pdu" "$unlearn" "${dry[@]}" --set 'train.compat=[pdu_shift]'
run padded --method KL --set 'train.compat=[kl_padded]' && ended padded
run unpadded --method KL --set method.kl_positions=all
expect "padding dilutes the KL" bash -c '! cmp -s padded/model/model.safetensors unpadded/model/model.safetensors'
run padded_batch --method KL --set 'train.compat=[kl_padded_batch]' && ended padded_batch
for other in padded unpadded; do
  expect "padding to the batch's longest is not $other" \
    bash -c "! cmp -s padded_batch/model/model.safetensors $other/model/model.safetensors"
done
run undial_ou --method undial --set 'train.compat=[undial_ou]' && ended undial_ou
# The end of the question is the pad token of the bundled tokenizer.
ends=(--set 'model.template.question_start=' --set 'model.template.question_end=<|endoftext|>' --set 'model.template.answer_tag=')
run seen --method ga "${ends[@]}"
run masked --method ga "${ends[@]}" --set 'train.compat=[pad_is_masked]' --set eval.pad_is_masked=true --set eval.at_end=true \
  --set 'eval.metrics=[probability]'
ended masked
expect "the mask counts" bash -c '! cmp -s seen/model/model.safetensors masked/model/model.safetensors'
"$unlearn" train --model "$tiny" --data "$fiction" --set data.forget=forget05 --set train.batch_size=2 --method ga "${ends[@]}" \
  --set 'train.compat=[pad_is_masked]' --output none --dry-run >plan 2>&1
expect "it says where" grep -q "pad_is_masked: token 0 is hidden in 10 rows" plan
"$unlearn" eval --model masked/model --data "$fiction" --set data.forget=forget05 --output eval_seen --quiet \
  "${ends[@]}" --benchmark tofu --set 'eval.metrics=[probability]' >/dev/null
expect "an evaluation without the mask differs" bash -c '! cmp -s masked/eval/TOFU_SUMMARY.json eval_seen/TOFU_SUMMARY.json'
expect_error 2 "name one" "$unlearn" "${dry[@]}" --method KL --set 'train.compat=[kl_padded,kl_padded_batch]'
expect "95 of 96 tokens are read" grep -q "retain .* 95.00 tokens each" <("$unlearn" "${dry[@]}" --method KL \
  --set data.max_length=96 --set 'train.compat=[kl_padded]')
expect_error 2 "belongs to data.benchmark: wmdp" "$unlearn" "${dry[@]}" --method ga --set 'train.compat=[wmdp_pad_labels]'
"$unlearn" "${dry[@]}" --method satimp --set 'train.compat=[satimp_yaml]' >/dev/null
"$unlearn" list methods >methods.txt
expect "list shows quirks" grep -q 'train.compat: muse_logits.*wmdp_batch_mean' methods.txt

# Another reference changes NPO's run; SimNPO has none.
run npo --method npo
run other --method npo --ref-model "$tiny"
run mixed --method npo --ref-perturb 0.5
expect "the model itself as reference" cmp npo/model/model.safetensors other/model/model.safetensors
expect "a perturbed reference counts" bash -c '! cmp -s npo/model/model.safetensors mixed/model/model.safetensors'
expect_error 2 "uses no reference model" "$unlearn" "${dry[@]}" --method simnpo --ref-perturb 0.5

# Task vector and WHP.
"$unlearn" task-vector --model "$tiny" --finetuned npo/model --alpha 0 --output same --quiet >/dev/null
expect "alpha 0 changes nothing" cmp "$tiny/model.safetensors" same/model.safetensors
expect_error 2 "is missing\|another shape" "$unlearn" task-vector --model "$tiny" \
  --finetuned "$source_dir/tests/golden/model/phi" --output wrong
expect_error 2 "not empty" "$unlearn" task-vector --model "$tiny" --finetuned npo/model --output same
say=(generate --model "$tiny" --prompt "Where was she born?" --max-new-tokens 12 --quiet)
"$unlearn" "${say[@]}" >plain
"$unlearn" "${say[@]}" --whp-reinforced "$tiny" --whp-alpha 4 >unmoved
expect "WHP with the model itself changes nothing" cmp plain unmoved
"$unlearn" "${say[@]}" --whp-reinforced npo/model --whp-alpha 0 >unmoved
expect "WHP with alpha 0 changes nothing" cmp plain unmoved
expect_error 2 "vocabulary" "$unlearn" "${say[@]}" --whp-reinforced "$source_dir/tests/golden/model/llama"

echo "$checks checks"
