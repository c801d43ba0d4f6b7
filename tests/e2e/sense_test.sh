#!/usr/bin/env bash
# A run that would do nothing, or the wrong thing, does not start, or says so.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
tiny=$source_dir/data/tiny
fiction=$source_dir/data/fiction
head -n 5 "$fiction/forget05.json" >forget.jsonl
head -n 20 "$fiction/retain95.json" >retain.jsonl
own=(--model "$tiny" --set data.benchmark=qa --set data.forget=forget.jsonl
  --set data.retain=retain.jsonl)

# A handful of rows under TOFU's batch of 32: one step, at the warm-up's rate 0.
for way in --quiet --dry-run; do
  expect_error 2 "1 step, at a learning rate of 0" "$unlearn" --method simnpo "${own[@]}" \
    --output run --set train.epochs=10 --set train.warmup_epochs=1 $way
  expect_error 2 "nothing is learned" "$unlearn" --method simnpo "${own[@]}" --output run --lr 0 \
    --set train.batch_size=5 $way
done
expect "nothing written" test ! -e run

# The template that a run of ours trained with is taken, and written into the new run's record.
printf '%s\n' "data: {benchmark: qa, train: retain.jsonl}" >finetune.yaml
short=(--set train.batch_size=5 --set train.warmup_epochs=0 --set train.max_steps=2 --lr 1e-4 --quiet)
"$unlearn" finetune --config finetune.yaml --model "$tiny" --set model.template=zephyr \
  --output tuned "${short[@]}" >/dev/null
"$unlearn" "${own[@]}" --model tuned/model --output first "${short[@]}" >/dev/null 2>&1
expect "the run's template" grep -q "template: zephyr" first/config.resolved.yaml
"$unlearn" "${own[@]}" --model first/model --output second "${short[@]}" >/dev/null 2>&1
expect "also of a run after it" grep -q "template: zephyr" second/config.resolved.yaml
"$unlearn" "${own[@]}" --model first/model --output third --set model.template=phi "${short[@]}" \
  >/dev/null 2>&1
expect "what the user says counts" grep -q "template: phi" third/config.resolved.yaml
own_map='model.template={question_start: "Q: ", question_end: "\n", answer_tag: "A: "}'
"$unlearn" "${own[@]}" --output mapped --set "$own_map" "${short[@]}" >/dev/null 2>&1
"$unlearn" "${own[@]}" --model mapped/model --output fourth "${short[@]}" >/dev/null 2>&1
expect "a map too" grep -q 'question_start: "\?Q: ' fourth/config.resolved.yaml
echo "data: {benchmark: tofu, forget: forget05, root: $fiction}" >eval.yaml
"$unlearn" eval --config eval.yaml --model first/model \
  --set eval.rows=1 --output evaluated >/dev/null 2>eval.log
expect "eval takes the run's template" grep -q "template: zephyr (from .*first/config" eval.log

# A folder with a chat template of another kind than the family's.
cp -r "$tiny" chat
echo "{% for m in messages %}{{ '<|im_start|>' + m.role + m.content + '<|im_end|>' }}{% endfor %}" \
  >chat/chat_template.jinja
expect_error 2 "chat template is not .*with its marks: qwen2" "$unlearn" "${own[@]}" --model chat \
  --output run "${short[@]}"
expect_error 2 "chat template is not" "$unlearn" finetune --config finetune.yaml --model chat \
  --output run "${short[@]}"
expect_error 2 "chat template is not" "$unlearn" eval --benchmark tofu --data "$fiction" \
  --set data.forget=forget05 --model chat --output evaluated2
rm chat/chat_template.jinja
sed -i.before '1s/{/{"chat_template": [{"name": "default", "template": "<|im_start|> {{ x }}"}],/' \
  chat/tokenizer_config.json
expect_error 2 "tokenizer_config.json: the model's own chat template" "$unlearn" "${own[@]}" \
  --model chat --output run "${short[@]}"
expect "nothing written" test ! -e run
"$unlearn" "${own[@]}" --model chat --output run --set model.template=qwen2 "${short[@]}" >/dev/null 2>&1
echo '{"prompt":"Who?","answer":"Me."}' >rows.jsonl
"$unlearn" score --model chat --input rows.jsonl >/dev/null 2>score.log
expect "score warns" grep -q "warn.*chat template is not" score.log

# Rows that the model does not know under these prompts.
"$unlearn" "${own[@]}" --output unknown --set model.template=none "${short[@]}" \
  >/dev/null 2>unknown.log
expect "unknown rows are warned of" grep -q "hardly knows the forget rows" unknown.log
"$unlearn" "${own[@]}" --output known "${short[@]}" >/dev/null 2>known.log
expect "known ones are not" test ! -s known.log
echo "$checks checks passed"
