#!/usr/bin/env bash
# Evaluations of own data on the bundled model: what it knows and what it never saw, every form of
# file, both kinds of rows, in training and after it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$source_dir"
tiny=data/tiny fiction=data/fiction
qa=(--benchmark qa --set data.max_length=160 --set data.hold_out=0.2)

figure() { # figure FOLDER NAME
  grep -o "\"$2\": *[-0-9.eE+null]*" "$1/eval/OWN_SUMMARY.json" | sed 's/.*: *//'
}
holds() { # holds EXPRESSION: of awk
  awk "BEGIN { exit !($1) }"
}

evaluate() { # evaluate OUTPUT FORGET [FLAGS…]
  local output=$1 forget=$2
  shift 2
  "$unlearn" eval --model "$tiny" "${qa[@]}" --set "data.forget=$forget" \
    --set "data.retain=$fiction/retain95.json" --output "$output" --log-level warning "$@" >"$work/table"
}

evaluate "$work/known" "$fiction/forget05.json"
auc=$(figure "$work/known" forget_AUC)
expect "what it was trained on is preferred ($auc)" holds "$auc > 0.9"
share=$(figure "$work/known" forget_extracted)
expect "and extracted ($share)" holds "$share >= 0.8"
expect "and from samples" holds "$(figure "$work/known" leak_at_k) > 0.8"
expect "retain rows are known, too" holds "$(figure "$work/known" retain_held_out_logprob) > -0.3"
expect "general text is not" holds "$(figure "$work/known" general_text_logprob) < -2"
expect "the table shows it" grep -q forget_AUC "$work/table"
for name in retain_seen_logprob neighbours_logprob forget_ROUGE cross_leaks forget_distinct_2 mia_loss mia_min_k; do
  expect "$name is there" holds "$(figure "$work/known" "$name") + 0 == $(figure "$work/known" "$name")"
done

# The same log-probability by another way through the program.
sed 's/"question":/"prompt":/' "$fiction/forget05.json" >"$work/rows.jsonl"
"$unlearn" score --model "$tiny" --input "$work/rows.jsonl" --quiet |
  sed -E 's/.*"mean_logprob":([^,]+),.*/\1/' | awk '{ sum += $1 } END { printf "%.9f", sum / NR }' >"$work/mean"
expect "forget_logprob is the mean of unlearn score's" \
  holds "$(figure "$work/known" forget_logprob) - $(cat "$work/mean") < 1e-5 && $(cat "$work/mean") - $(figure "$work/known" forget_logprob) < 1e-5"

# Names of people it never saw are not preferred, and nothing of them is extracted.
evaluate "$work/unknown" "$fiction/holdout05.json"
auc=$(figure "$work/unknown" forget_AUC)
expect "what it never saw is hardly preferred ($auc)" holds "$auc < 0.75"
expect "nor extracted" holds "$(figure "$work/unknown" forget_extracted) <= 0.3"

# Other forms of the same rows give the same figures.
{
  echo 'prompt,completion'
  sed -E 's/^\{"question": "(.*)", "answer": "(.*)"\}$/"\1","\2"/; s/\\"/""/g' "$fiction/forget05.json"
} | gzip >"$work/rows.csv.gz"
evaluate "$work/csv" "$work/rows.csv.gz"
expect "CSV with gzip" cmp "$work/csv/eval/OWN_SUMMARY.json" "$work/known/eval/OWN_SUMMARY.json"
sed -E 's/^\{"question": (".*"), "answer": (".*")\}$/{"messages": [{"role": "user", "content": \1}, {"role": "assistant", "content": \2}]}/' \
  "$fiction/forget05.json" >"$work/rows.jsonl"
evaluate "$work/turns" "$work/rows.jsonl"
expect "messages" cmp "$work/turns/eval/OWN_SUMMARY.json" "$work/known/eval/OWN_SUMMARY.json"
sed 's/"question"/"q"/; s/"answer"/"a"/' "$fiction/forget05.json" >"$work/keys.jsonl"
evaluate "$work/keys" "$work/keys.jsonl" --set data.forget_keys=q,a
expect "keys of one's own" cmp "$work/keys/eval/OWN_SUMMARY.json" "$work/known/eval/OWN_SUMMARY.json"
sed 's/"content": "What/"content": "Say: what/' "$work/rows.jsonl" >"$work/system.jsonl"
sed -i 's/"messages": \[/"messages": [{"role": "system", "content": "Be brief."}, /' "$work/system.jsonl"
expect_error 2 "row 0: turns before the question (system) have no place in template" \
  "$unlearn" eval --model "$tiny" "${qa[@]}" --set data.forget="$work/system.jsonl" --output "$work/x" --log-level warning

# Without a retain file what needs one is null, and a line says so.
"$unlearn" eval --model "$tiny" --benchmark qa --set "data.forget=$fiction/forget05.json" --output "$work/alone" \
  --set data.max_length=160 2>"$work/log" >/dev/null
expect "no held-out rows" test "$(figure "$work/alone" retain_held_out_logprob)" = null
expect "a line says why" grep -q "retain_held_out_logprob is null: no retain rows are held out" "$work/log"
expect "the preference is there" holds "$(figure "$work/alone" forget_AUC) > 0.9"
# Chosen figures alone need no generation.
evaluate "$work/few" "$fiction/forget05.json" --set "eval.metrics=[preference]" --dry-run
expect "only scores are planned" test "$(grep -c generation "$work/table")" = 0

# Texts.
sed -E 's/.*"answer": "(.*)"\}$/\1/' "$fiction/forget05.json" >"$work/mine.txt"
sed -E 's/.*"answer": "(.*)"\}$/\1/' "$fiction/retain95.json" >"$work/keep.txt"
"$unlearn" eval --model "$tiny" --benchmark text --set "data.forget=$work/mine.txt" --set "data.retain=$work/keep.txt" \
  --set data.max_length=64 --set data.hold_out=0.2 --output "$work/text" --log-level warning >/dev/null
for name in forget_AUC forget_logprob retain_held_out_logprob; do
  expect "text: $name" holds "$(figure "$work/text" "$name") + 0 == $(figure "$work/text" "$name")"
done

# In training and after it.
"$unlearn" --method simnpo --config quickstart.yaml --output "$work/run" --log-level warning \
  --set data.benchmark=qa --set "data.forget=$fiction/forget05.json" --set "data.retain=$fiction/retain95.json" \
  --set data.hold_out=0.2 --set train.epochs=20 --set eval.every=20 --set eval.at_end=true >/dev/null
expect "evaluated on the way" test -s "$work/run/eval/step-20/OWN_SUMMARY.json"
expect "known less afterwards" holds "$(figure "$work/run" forget_logprob) < $(figure "$work/known" forget_logprob) - 0.5"
"$unlearn" eval "$work/run" --log-level warning --set eval.cache=false >/dev/null
expect "the held-out rows were not trained on" \
  test "$(grep -o '"retain_ids": *\[[^]]*' "$work/run/metrics.jsonl" | grep -o '[0-9]*' | sort -un | wc -l)" -le 152
echo "own_eval_test: $checks checks passed"
