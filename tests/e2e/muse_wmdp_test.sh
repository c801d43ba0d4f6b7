#!/usr/bin/env bash
# MUSE and WMDP from data to scores, on texts of our own; bad data in each layout.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
tiny=$source_dir/data/tiny
fixtures=$source_dir/tests/data_fixtures
short=(--set data.max_length=32 --epochs 2 --set train.save_every=never --quiet)

# Train and evaluate each layout.
"$unlearn" --method simnpo --config "$source_dir/configs/muse-news.yaml" --model "$tiny" \
  --data "$fixtures/muse" --output news --set eval.at_end=true "${short[@]}" >/dev/null
expect "MUSE: the model is there" test -e news/model/config.json
expect "MUSE: beta of the corpus" grep -q "beta: 0.7" news/config.resolved.yaml
for name in forget_verbmem_ROUGE forget_knowmem_ROUGE retain_knowmem_ROUGE privleak; do
  expect "MUSE: $name" grep -Eq "\"$name\": *-?[0-9]" news/eval/MUSE_SUMMARY.json
done
# A forget chunk comes with the same retain chunk in both epochs.
sed -E 's/.*"forget_ids": ?\[([^]]*)\].*"retain_ids": ?\[([^]]*)\].*/\1;\2/' news/metrics.jsonl |
  awk -F';' '{ n = split($1, f, ","); split($2, r, ","); for (i = 1; i <= n; ++i) print f[i], r[i] }' >pairs
expect "MUSE: pairs in both epochs" test "$(wc -l <pairs)" -gt "$(sort -u pairs | wc -l)"
expect "MUSE: one partner each" \
  test "$(sort -u pairs | wc -l)" -eq "$(cut -d' ' -f1 pairs | sort -u | wc -l)"
"$unlearn" --method simnpo --config "$source_dir/configs/wmdp.yaml" --model "$tiny" \
  --data "$fixtures/wmdp" --output bio --set train.max_steps=2 "${short[@]}" >/dev/null
expect "WMDP: two steps" test "$(wc -l <bio/metrics.jsonl)" -eq 2
"$unlearn" eval --benchmark wmdp --model bio/model --data "$fixtures/wmdp" --output bio --quiet >table
for name in wmdp_bio_acc wmdp_cyber_acc wmdp_chem_acc mmlu_acc; do
  expect "WMDP: $name" grep -Eq "\"$name\": *[01]" bio/eval/WMDP_SUMMARY.json
  expect "WMDP: $name in the table" grep -q "$name" table
done

# A prompt longer than the model's context keeps its last tokens, as in lm-evaluation-harness.
cp -r "$tiny" short
sed -i 's/"max_position_embeddings": 512/"max_position_embeddings": 32/' short/config.json
"$unlearn" eval --benchmark wmdp --model short --data "$fixtures/harness" --output short-run \
  --quiet --set 'eval.splits=[wmdp_bio]' >/dev/null
expect "WMDP: the context's last tokens" \
  grep -Eq '"logp": *\[ *-10\.811[89][0-9]*, *-9\.7077' <(tr -d '\n ' <short-run/eval/WMDP_EVAL.json)

# Aggregates again from the log, without a model.
"$unlearn" metrics wmdp --log bio/eval/WMDP_EVAL.json --output again >aggregates
expect "metrics wmdp: the same summary" cmp bio/eval/WMDP_SUMMARY.json again/WMDP_SUMMARY.json
expect "metrics wmdp: the same log" cmp bio/eval/WMDP_EVAL.json again/WMDP_EVAL.json
expect "metrics wmdp: printed" grep -Eq "^wmdp_bio_acc +[01]" aggregates
expect_error 2 "no WMDP log" "$unlearn" metrics wmdp --log news/eval/MUSE_EVAL.json
expect_error 2 "compares with no retrained model" "$unlearn" metrics wmdp \
  --log bio/eval/WMDP_EVAL.json --retain-log bio/eval/WMDP_EVAL.json

# Utility tasks: alone, beside a benchmark, again from their log.
tasks=$fixtures/tasks
"$unlearn" eval --model "$tiny" --set "eval.tasks.piqa=$tasks/piqa.jsonl" --output alone --quiet >table
expect "tasks: alone" grep -Eq '"piqa_acc_norm": *[01]' alone/eval/TASKS_SUMMARY.json
expect "tasks: in the table" grep -q piqa_acc_norm table
"$unlearn" eval --benchmark wmdp --model bio/model --data "$fixtures/wmdp" --output beside --quiet \
  --set "eval.tasks.lambada_openai=$tasks/lambada_openai.jsonl" --set eval.tasks.rows=2 >/dev/null
expect "tasks: beside WMDP" grep -Eq '"lambada_openai_perplexity": *[0-9]' beside/eval/WMDP_SUMMARY.json
for log in alone:tasks:TASKS beside:wmdp:WMDP; do
  IFS=: read -r folder benchmark prefix <<<"$log"
  "$unlearn" metrics "$benchmark" --log "$folder" --output "$folder-again" >/dev/null 2>&1
  expect "tasks: $folder again" cmp "$folder/eval/${prefix}_SUMMARY.json" "$folder-again/${prefix}_SUMMARY.json"
done
expect_error 2 "eval.tasks.piqa: none.jsonl is not there" "$unlearn" eval --model "$tiny" \
  --set eval.tasks.piqa=none.jsonl --output x
expect_error 2 "did you mean 'eval.tasks.piqa'" "$unlearn" eval --model "$tiny" \
  --set eval.tasks.piqs=none.jsonl --output x
expect_error 2 "the benchmark tasks only measures" "$unlearn" --method ga --model "$tiny" \
  --set data.benchmark=tasks --output x

"$unlearn" --method npo --config "$source_dir/configs/wmdp.yaml" --model "$tiny" \
  --data "$fixtures/wmdp" --output chunks --set train.max_steps=2 --set data.chunking=ou \
  --epochs 40 "${short[@]}" >/dev/null
expect "OpenUnlearning's chunks: two steps" test "$(wc -l <chunks/metrics.jsonl)" -eq 2

"$unlearn" --config "$source_dir/configs/wmdp-simnpo-code.yaml" --model "$tiny" \
  --data "$fixtures/wmdp" --output labels --set train.max_steps=2 \
  --set 'train.compat=[wmdp_batch_mean,wmdp_pad_labels]' "${short[@]}" >/dev/null
# Four pairs of texts, each read up to the last of 32 tokens.
expect "labelled padding: every sequence is full" grep -q '"tokens":248,' labels/metrics.jsonl

# Scalability and sustainability.
EPOCHS=1 UNLEARN=$unlearn bash "$source_dir/scripts/reproduce/muse_sustain.sh" "$tiny" \
  "$fixtures/muse" scal simnpo --set data.max_length=32 --set train.batch_size=1 >sustain.log
expect "seven rows" test "$(grep -c '^| \(fold\|size\|request\)' scal/table.md)" -eq 7
expect "the third request starts from the second's model" \
  grep -q "path: scal/sust-2/model" scal/sust-3/config.resolved.yaml
expect "every cell is a number" test "$(grep -Ec '^\| (fold|size|request) [0-9] \|( -?[0-9.e-]+ \|){4}$' scal/table.md)" -eq 7

# The folder says which corpus it is.
muse=("$unlearn" eval --benchmark muse --model "$tiny" --set eval.rows=2 --set 'eval.metrics=[privleak]')
"${muse[@]}" --data "$fixtures/muse/news/" --output by-folder --seed 3 --quiet >/dev/null
"${muse[@]}" --data "$fixtures/muse" --set data.forget=news --output by-name --quiet >/dev/null
expect "MUSE: the same evaluation" cmp by-folder/eval/MUSE_SUMMARY.json by-name/eval/MUSE_SUMMARY.json
expect_error 2 "more than one corpus of MUSE; name one" "${muse[@]}" --data "$fixtures/muse" --output x

# Bad data.
cp -r "$fixtures" bad
muse=("$unlearn" eval --benchmark muse --model "$tiny" --data bad/muse --set data.forget=news --output out)
wmdp=("$unlearn" eval --benchmark wmdp --model "$tiny" --data bad/wmdp --output out)
train=("$unlearn" train --config "$source_dir/configs/muse-news.yaml" --model "$tiny" --data bad/muse --output out)
echo '["fine", 3]' >bad/muse/news/privleak/holdout.json
expect_error 2 "holdout.json: row 1: no field 'text'" "${muse[@]}"
echo '[{"prompt": "a"}]' >bad/muse/news/verbmem/forget.json
expect_error 2 "verbmem/forget.json: row 0: no field 'gt'" "${muse[@]}"
rm bad/muse/news/knowmem/retain_qa_icl.json
cp "$fixtures/muse/news/verbmem/forget.json" bad/muse/news/verbmem/forget.json
expect_error 2 "retain_qa_icl.json" "${muse[@]}"
expect_error 2 "suite" "${muse[@]}" --set eval.suite=other
rm bad/muse/news/raw/forget.txt
echo '["fine text of a story", ""]' >bad/muse/news/raw/forget.json
expect_error 2 "forget.json: row 1: field 'text' is empty" "${train[@]}"
expect_error 2 "news/scal/forget_7.txt not found" "${train[@]}" --set data.forget=news/scal/forget_7
echo '{"question":"q","choices":["a","b","c"],"answer":0}' >>bad/wmdp/wmdp_chem.jsonl
expect_error 2 "wmdp_chem.jsonl: row 2: field 'choices' must be a list of four texts" "${wmdp[@]}"
rm bad/wmdp/wmdp_*.jsonl bad/wmdp/mmlu.jsonl
expect_error 2 "holds no questions" "${wmdp[@]}"
echo '{"txt": "x"}' >bad/wmdp/bio_remove_dataset.jsonl
expect_error 2 "bio_remove_dataset.jsonl: row 0: no field 'text'" "$unlearn" train \
  --config "$source_dir/configs/wmdp.yaml" --model "$tiny" --data bad/wmdp --output out
expect "nothing written" test ! -e out
echo "MUSE and WMDP: $checks checks passed"
