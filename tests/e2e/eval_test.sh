#!/usr/bin/env bash
# unlearn eval and unlearn metrics: files, tables, resuming, evaluation inside training, bad logs.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
tiny=$source_dir/data/tiny
fiction=$source_dir/data/fiction
export OMP_NUM_THREADS=1

value() { # value FILE METRIC: an entry of a flat JSON file
  sed -n "s/^ *\"$2\": \([^,]*\),\{0,1\}$/\1/p" "$1"
}
is_close() { # is_close A B
  awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(d <= 1e-9) }'
}

# Published logs: the reference values of spec and paper, to 1e-9.
logs=$shared_dir/tofu/eval_logs
if [ -d "$logs" ]; then
  "$unlearn" metrics tofu --log "$logs/retain90_phi.json" --retain-log "$logs/retain95_phi.json" \
    --json >metrics.json
  while read -r name expected; do
    got=$(value metrics.json "$(tr _ ' ' <<<"$name")")
    expect "$name is $expected, not $got" is_close "$got" "$expected"
  done <<'GOLDEN'
Model_Utility 0.524251920557396
Forget_Quality 0.674215557590726
KS_Test_Forget 0.065
Retain_ROUGE 0.859706960350655
Real_Authors_Probability 0.376596103754631
Real_World_Truth_Ratio 0.505625905718211
Forget_Truth_Ratio 0.635605121146218
GOLDEN
  "$unlearn" metrics tofu --log "$logs/retain90_phi.json" --output aggregates >/dev/null
  expect "aggregate_stat.txt" grep -q '^Model Utility: 0.52425192055739[0-9]*$' aggregates/aggregate_stat.txt
  expect "aggregate_stat.csv" grep -q '^0.4423333333333[0-9]*,0.376596103754[0-9]*,' aggregates/aggregate_stat.csv
  "$unlearn" metrics tofu --log "$logs/retain95_phi.json" --truth-ratio prob_mean --json >prob.json
  expect "prob_mean model utility" is_close "$(value prob.json "Model Utility")" 0.499939258735867
  "$unlearn" metrics tofu --log "$logs/retain99_phi.json" --formula open_unlearning --json >ou.json
  expect "OpenUnlearning's model utility" is_close "$(value ou.json model_utility)" 0.52022689090831
else
  echo "no published logs: $logs does not exist"
fi

# A whole evaluation.
evaluate=("$unlearn" eval --benchmark tofu --model "$tiny" --data "$fiction" --set data.forget=forget05)
"${evaluate[@]}" --dry-run --set eval.rows=3 >plan.txt 2>/dev/null
expect "the plan counts requests" grep -q "tiny: .* texts (.* tokens), 12 generations" plan.txt
expect "a dry run writes nothing" test ! -e runs
"${evaluate[@]}" --set eval.rows=3 --output first >table.txt 2>log.txt
for file in TOFU_EVAL.json TOFU_SUMMARY.json eval_log_aggregated.json; do
  expect "$file is there" test -s "first/eval/$file"
done
expect "the table shows model utility" grep -q '^model_utility  *0\.' table.txt
expect "no reference: null" test "$(value first/eval/TOFU_SUMMARY.json forget_quality)" = null
expect "… and a warning that names what helps" grep -q "forget_quality is null.*--retain-log" log.txt
expect "a metric that nothing computes is not listed" \
  test "$(grep -c gibberish first/eval/TOFU_SUMMARY.json)" = 0

# Everything is cached; without the cache the same numbers come out; killed, it goes on.
"${evaluate[@]}" --set eval.rows=3 --output first >again.txt 2>again.log
expect "the same table again" cmp -s table.txt again.txt
expect "nothing had to run" test "$(grep -c 'scoring\|generating' again.log)" -eq 0
"${evaluate[@]}" --set eval.rows=3 --set eval.batch_tokens=100 --output second >/dev/null 2>&1 &
pid=$!
while kill -0 $pid 2>/dev/null && [ "$(cat second/eval/cache/*/results.jsonl 2>/dev/null | wc -l)" -lt 9 ]; do
  sleep 0.02
done
kill -9 $pid 2>/dev/null || true
wait $pid 2>/dev/null || true
kept=$(cat second/eval/cache/*/results.jsonl | wc -l)
expect "results were kept" test "$kept" -ge 9
"${evaluate[@]}" --set eval.rows=3 --output second >/dev/null 2>resumed.log
sed 's/\(\.[0-9]\{4\}\)[0-9]*/\1/' first/eval/TOFU_SUMMARY.json >a.json
sed 's/\(\.[0-9]\{4\}\)[0-9]*/\1/' second/eval/TOFU_SUMMARY.json >b.json
expect "the same values after a kill" cmp -s a.json b.json
# Lines of another form than the program writes are recomputed.
sed 's/"value":.*/"value":[{"logp":"many"}]}/' second/eval/cache/*/results.jsonl >damaged
for cache in second/eval/cache/*/results.jsonl; do cp damaged "$cache"; done
"${evaluate[@]}" --set eval.rows=3 --set eval.batch_tokens=100 --output second >/dev/null 2>&1
sed 's/\(\.[0-9]\{4\}\)[0-9]*/\1/' second/eval/TOFU_SUMMARY.json >b.json
expect "the same values from a damaged cache" cmp -s a.json b.json

# metrics reads both written forms back.
for form in TOFU_EVAL.json eval_log_aggregated.json; do
  "$unlearn" metrics tofu --log "first/eval/$form" --retain-log "second/eval/$form" --json \
    --formula open_unlearning >back.json 2>/dev/null
  expect "$form gives the same utility" is_close "$(value back.json model_utility)" \
    "$(value first/eval/TOFU_SUMMARY.json model_utility)"
  expect "… and quality 1 against itself" is_close "$(value back.json forget_quality)" 1
done

# … and takes the run folders that hold them.
"$unlearn" metrics tofu --log first --retain-log second --json >folders.json 2>/dev/null
expect "run folders give the same quality" is_close "$(value folders.json forget_quality)" 1
mkdir not-evaluated
expect_error 2 "retain-log: not-evaluated holds no eval/TOFU_EVAL.json; evaluate that run first" \
  "$unlearn" metrics tofu --log first --retain-log not-evaluated
expect_error 2 "log: first holds no eval/MUSE_EVAL.json" "$unlearn" metrics muse --log first
"${evaluate[@]}" --set eval.rows=3 --set eval.log_rows=lists --output listed >/dev/null 2>&1
expect "rows are keyed by their number" grep -q '"avg_gt_loss": \?{' first/eval/eval_log_aggregated.json
expect "… or listed" grep -q '"avg_gt_loss": \?\[' listed/eval/eval_log_aggregated.json

# Inside training: every epoch, at the end, and two runs side by side.
train=("$unlearn" train --config "$source_dir/configs/quickstart.yaml" --model "$tiny" --data "$fiction"
  --epochs 2 --set eval.rows=2 --set eval.splits='[forget]')
"${train[@]}" --output run --set eval.at_end=true --set eval.every=epoch \
  --set eval.retain_log=first/eval/TOFU_EVAL.json >train.txt 2>train.log
expect "evaluated after both epochs" test -s run/eval/step-2/TOFU_SUMMARY.json -a -s run/eval/step-4/TOFU_SUMMARY.json
expect "the last step's model is the saved one" is_close \
  "$(value run/eval/step-4/TOFU_SUMMARY.json forget_Q_A_Prob)" "$(value run/eval/TOFU_SUMMARY.json forget_Q_A_Prob)"
expect "forget quality has its reference" test "$(value run/eval/TOFU_SUMMARY.json forget_quality)" != null
expect "the table is printed" grep -q '^forget_quality ' train.txt
rm run/eval/TOFU_SUMMARY.json
"${train[@]}" --output run --resume --set eval.at_end=true >/dev/null 2>&1
expect "resuming a done run finishes its evaluation" test -s run/eval/TOFU_SUMMARY.json
"${train[@]}" --output plain >/dev/null 2>&1
expect "evaluations do not change training" cmp -s run/model/model.safetensors plain/model/model.safetensors
"$unlearn" eval run plain --model "$tiny" --output both --set eval.rows=2 --benchmark tofu --data "$fiction" \
  --set data.forget=forget05 >compared.txt 2>/dev/null
expect "three columns" grep -q '^metric  *run  *plain  *tiny$' compared.txt

# LoRA runs that wrote no merged model: the adapter beside the model it started from.
lora=("${train[@]}" --lr 1e-2 --set train.lora.rank=4 --set eval.at_end=true)
near() { # near A B: equal up to what merging rounds
  awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(d <= 1e-5) }'
}
"${lora[@]}" --output lora --set eval.every=epoch >/dev/null 2>&1
last=$(value lora/eval/step-4/TOFU_SUMMARY.json forget_Q_A_Prob)
expect "no model was merged" test ! -e lora/model
expect "the adapter is the model in training" is_close "$last" \
  "$(value lora/eval/TOFU_SUMMARY.json forget_Q_A_Prob)"
"${train[@]}" --lr 1e-2 --output merged --set train.lora.rank=4 --set train.lora.merge=true \
  --set eval.at_end=true >/dev/null 2>&1
expect "the merged model says the same" near "$last" \
  "$(value merged/eval/TOFU_SUMMARY.json forget_Q_A_Prob)"
expect "training changed something" test "$last" != \
  "$(value run/eval/step-4/TOFU_SUMMARY.json forget_Q_A_Prob)"
"${lora[@]}" --output packed --set train.lora.base_bits=4 --set eval.every=epoch >/dev/null 2>&1
expect "over 4 bits too" is_close "$(value packed/eval/step-4/TOFU_SUMMARY.json forget_Q_A_Prob)" \
  "$(value packed/eval/TOFU_SUMMARY.json forget_Q_A_Prob)"
for target in lora lora/adapter; do
  rm lora/eval/TOFU_SUMMARY.json
  "$unlearn" eval "$target" >/dev/null 2>again.log
  expect "$target is evaluated" is_close "$last" "$(value lora/eval/TOFU_SUMMARY.json forget_Q_A_Prob)"
  expect "… from its cache" test "$(grep -c 'scoring\|generating' again.log)" -eq 0
done
cp -r lora/adapter alone
"${evaluate[@]}" --set eval.rows=2 --set eval.splits='[forget]' --adapter alone >/dev/null 2>&1
expect "an adapter beside a model" is_close "$last" \
  "$(value runs/eval-alone/eval/TOFU_SUMMARY.json forget_Q_A_Prob)"
expect_error 2 "give --model BASE --adapter alone" "$unlearn" eval alone
expect_error 2 "lora is an adapter itself" "$unlearn" eval lora --adapter alone
expect_error 2 "goes with one model, not 2" "$unlearn" eval run plain --adapter alone
expect_error 2 "no adapter_config.json there" "${evaluate[@]}" --adapter absent --output bad
rm -rf bad

# Generations end where transformers ends them: at generation_config.json's tokens too.
cp -r "$tiny" ending
"$unlearn" generate --model "$tiny" --prompt "Who?" --max-new-tokens 8 >whole.txt 2>/dev/null
third=$(sed 's/.*"ids":\[[0-9]*,[0-9]*,\([0-9]*\).*/\1/' whole.txt)
printf '{"eos_token_id":[%s,1]}' "$third" >ending/generation_config.json
"$unlearn" generate --model ending --prompt "Who?" --max-new-tokens 8 >ended.txt 2>/dev/null
expect "the third token ended it" test "$(sed 's/.*"ids":\(\[[^]]*\]\).*/\1/' ended.txt)" = \
  "$(sed "s/.*\"ids\":\(\[.*\),$third,.*/\1]/" whole.txt)"

# … and under its penalties, unless they are left out.
cp -r "$tiny" penalised
printf '{"eos_token_id":0,"no_repeat_ngram_size":1,"top_k":20}' >penalised/generation_config.json
few=(eval --benchmark tofu --data "$fiction" --set data.forget=forget05 --set eval.rows=2 --set 'eval.splits=[forget]')
texts() { grep -o '"generation": *"[^"]*"' "$1/eval/TOFU_EVAL.json"; }
"$unlearn" "${few[@]}" --model penalised --output penalties >/dev/null 2>log
expect "the log names what was applied" grep -q 'no_repeat_ngram_size 1 (eval.generation_config' log
expect "top_k is sampling's" test "$(grep -c top_k log)" -eq 0
"$unlearn" "${few[@]}" --model penalised --output penalties/off --quiet \
  --set eval.generation_config=ignore >/dev/null
"$unlearn" "${few[@]}" --model "$tiny" --output penalties/none --quiet >/dev/null
expect "other texts" test "$(texts penalties)" != "$(texts penalties/none)"
expect "the same when left out" test "$(texts penalties/off)" = "$(texts penalties/none)"
printf '{"num_beams":4}' >penalised/generation_config.json
expect_error 2 'generation_config.json: num_beams 4: not built in.*eval.generation_config=ignore' \
  "$unlearn" "${few[@]}" --model penalised --output refused
expect "nothing was written" test ! -e refused
"$unlearn" "${few[@]}" --model penalised --dry-run --quiet \
  --set eval.generation_config=ignore >/dev/null

# Divergence from the model before unlearning; the TOFU repository's aggregates.
kl=("$unlearn" eval run --set 'eval.metrics=[kl_divergence,probability]' --output kl)
"${kl[@]}" --set eval.original_model="$tiny" >/dev/null 2>&1
expect "training moved the model" test "$(value kl/eval/TOFU_SUMMARY.json forget_KL_Divergence)" != null
expect "the repository's lines" grep -q '^Forget KL Divergence: [0-9]' kl/eval/aggregate_stat.txt
expect "… and table" grep -q '^ROUGE Real Authors,Prob. Real Authors,' kl/eval/aggregate_stat.csv
"$unlearn" eval "$tiny" --benchmark tofu --data "$fiction" --set data.forget=forget05 --set eval.rows=2 \
  --set 'eval.metrics=[kl_divergence]' --set eval.original_model="$tiny" --output same >/dev/null 2>&1
expect "a model is at 0 from itself" is_close "$(value same/eval/TOFU_SUMMARY.json retain_KL_Divergence)" 0
"${kl[@]}" >/dev/null 2>log.txt
expect "without it: null" test "$(value kl/eval/TOFU_SUMMARY.json forget_KL_Divergence)" = null
expect "… and what helps" grep -q "forget_KL_Divergence is null.*eval.original_model" log.txt
expect_error 2 "absent" "${kl[@]}" --set eval.original_model=absent

# Bad input: one line, exit code 2.
expect_error 2 "did you mean 'tofu'" "$unlearn" eval --benchmark tofuu --model "$tiny" --data "$fiction"
expect_error 2 "no model" "$unlearn" eval --benchmark tofu --data "$fiction"
expect_error 2 "no data folder" "$unlearn" eval --benchmark tofu --model "$tiny"
expect_error 2 "forget99_perturbed.json" "${evaluate[@]}" --set data.forget=forget99
expect_error 2 "did you mean 'rouge'" "${evaluate[@]}" --set 'eval.metrics=[rogue]'
expect_error 2 "did you mean 'retain'" "${evaluate[@]}" --set 'eval.splits=[retian]'
expect_error 2 "did you mean 'eval.rows'" "${evaluate[@]}" --set eval.row=3
expect_error 2 "absent.json" "${evaluate[@]}" --retain-log absent.json
expect_error 2 "would write to" "${evaluate[@]}" --model "$tiny"
expect_error 2 "eval.every" "${train[@]}" --output bad --set eval.every=sometimes
expect_error 2 "absent.json" "${train[@]}" --output bad --set eval.at_end=true --set eval.retain_log=absent.json
expect "nothing was trained first" test ! -e bad
bad_log() { # bad_log PATTERN CONTENT
  printf '%s' "$2" >bad.json
  expect_error 2 "bad.json: .*$1" "$unlearn" metrics tofu --log bad.json
}
task() { printf '{"eval_log_forget.json":{"avg_gt_loss":%s,"rougeL_recall":[1,1],"average_perturb_loss":[[1,2],[1,2]]%s}}' "$1" "$2"; }
bad_log "avg_paraphrased_loss: this field is missing" "$(task '[1,1]' '')"
bad_log "rougeL_recall: 2 rows" "$(task '[1,1,1]' ',"avg_paraphrased_loss":[1,1,1]')"
bad_log "avg_gt_loss: row 1: string instead of a number" "$(task '[1,"NaN"]' ',"avg_paraphrased_loss":[1,1]')"
bad_log "a MUSE log" '{"forget_knowmem_ROUGE":{"agg_value":1}}'
bad_log "the log is empty" '{}'
bad_log "not valid JSON" '{"eval_log_forget.json":'
bad_log "a summary" '{"forget_quality":0.5,"forget_Q_A_Prob":0.1}'
bad_log "not valid JSON" ''
bad_log "no TOFU log" '{"wmdp_bio":{"agg_value":1}}'
# OpenUnlearning's form, and a wrong log where the retrained model's is expected.
row='{"avg_loss":1.5,"prob":0.2}'
bad_log "forget_Q_A_PARA_Prob: 1 rows, but forget_Q_A_Prob has 2" \
  "{\"forget_Q_A_Prob\":{\"agg_value\":1,\"value_by_index\":{\"0\":$row,\"1\":$row}},\"forget_Q_A_PARA_Prob\":{\"agg_value\":1,\"value_by_index\":{\"0\":$row}}}"
# One NaN makes one null.
printf '%s' "{\"forget_Q_A_Prob\":{\"agg_value\":1,\"value_by_index\":{\"0\":$row,\"1\":{\"avg_loss\":NaN}}},\"forget_Q_A_PARA_Prob\":{\"agg_value\":1,\"value_by_index\":{\"0\":$row,\"1\":$row}}}" >nan.json
"$unlearn" metrics tofu --log nan.json >nan.txt 2>nan.log
expect "NaN: null" grep -q "^forget_Q_A_Prob *null" nan.txt
expect "… with its row" grep -q "forget_Q_A_Prob is null: its value is not finite (row 1 is NaN)" nan.log
expect "… and no other" grep -q "^forget_Q_A_PARA_Prob *0.2" nan.txt
bad_log "forget_Q_A_Prob: row 0: no avg_loss" \
  '{"forget_Q_A_Prob":{"agg_value":1,"value_by_index":{"0":{"prob":0.2}}}}'
good=first/eval/TOFU_EVAL.json
bad_retain() { # bad_retain PATTERN CONTENT: refused by both commands that read it
  printf '%s' "$2" >bad.json
  expect_error 2 "bad.json: .*$1" "$unlearn" metrics tofu --log "$good" --retain-log bad.json
  expect_error 2 "bad.json: .*$1" "${evaluate[@]}" --set eval.rows=2 --retain-log bad.json --output none
}
bad_retain "a MUSE log" '{"forget_knowmem_ROUGE":{"agg_value":1}}'
bad_retain "the log is empty" '{}'
bad_retain "not valid JSON" ''
bad_retain "avg_paraphrased_loss: this field is missing" "$(task '[1,1]' '')"
bad_retain "avg_gt_loss: row 1: string" "$(task '[1,"NaN"]' ',"avg_paraphrased_loss":[1,1]')"
expect "nothing was evaluated" test ! -e none
expect_error 2 "absent.json" "$unlearn" metrics tofu --log absent.json
expect_error 2 "did you mean 'tofu'" "$unlearn" metrics tofuu --log bad.json
expect_error 2 "log is required" "$unlearn" metrics tofu
echo "eval: $checks checks passed"
