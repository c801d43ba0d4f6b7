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
# No term has a weight.
for way in --quiet --dry-run; do
  expect_error 2 "every term of ga as configured has weight 0" "$unlearn" --method ga "${own[@]}" \
    --output run --set method.forget_weight=0 --set train.batch_size=5 --set train.warmup_epochs=0 $way
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

# A folder with a chat template of another kind than the family's: a benchmark's prompts are refused
# until they are named, people's own rows are asked by the folder's template.
cp -r "$tiny" chat
# shellcheck disable=SC2028 # the template's own \n, not the shell's
echo "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}" >chat/chat_template.jinja
tofu=(--set data.benchmark=tofu --data "$fiction" --set data.forget=forget05)
expect_error 2 "chat template is not .*with its marks: qwen2" "$unlearn" "${tofu[@]}" \
  --model chat --output run "${short[@]}"
expect_error 2 "chat template is not" "$unlearn" finetune "${tofu[@]}" --set data.train=retain95 \
  --model chat --output run "${short[@]}"
expect_error 2 "chat template is not" "$unlearn" eval "${tofu[@]}" --model chat --output evaluated2
"$unlearn" finetune --config finetune.yaml --model chat --output chatty "${short[@]}" >/dev/null 2>&1
expect "own rows are asked as the folder says" grep -q "template: chat" chatty/config.resolved.yaml
"$unlearn" "${tofu[@]}" --model chatty/model --output chattier "${short[@]}" >/dev/null 2>&1
expect "and so by the run after it" grep -q "template: chat" chattier/config.resolved.yaml
"$unlearn" score --model chatty/model --input <(echo '{"prompt":"Who?","answer":"Me."}') --quiet >chat.scored
"$unlearn" score --model chatty/model --template none --quiet --input \
  <(printf '%s\n' '{"text":"<|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\nMe.<|im_end|>\n"}') >text.scored
ids() { sed -E 's/.*"input_ids":\[([0-9,]*)\].*/\1/' "$1"; }
expect "the template's text, then EOS" test "$(ids chat.scored)" = "$(ids text.scored),0"
echo "{{ messages[0]['content'] | shuffle }}" >chat/chat_template.jinja
expect_error 2 "chat_template.jinja: line 1: the filter 'shuffle' is not known" "$unlearn" \
  "${own[@]}" --model chat --output run "${short[@]}"
echo "hello" >chat/chat_template.jinja
expect_error 2 "chat_template.jinja: leaves out" "$unlearn" "${own[@]}" --model chat --output run "${short[@]}"
expect_error 2 "has no chat template" "$unlearn" "${own[@]}" --set model.template=chat --output run "${short[@]}"
rm chat/chat_template.jinja
sed -i.before '1s/{/{"chat_template": [{"name": "default", "template": "<|im_start|> {{ x }}"}],/' \
  chat/tokenizer_config.json
expect_error 2 "tokenizer_config.json: the model's own chat template" "$unlearn" "${tofu[@]}" \
  --model chat --output run "${short[@]}"
expect "nothing written" test ! -e run
"$unlearn" "${own[@]}" --model chat --output run --set model.template=qwen2 "${short[@]}" \
  >/dev/null 2>&1
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
