#!/usr/bin/env bash
# Audits on the bundled data: planted fakes are exposed by the attack that should expose them, a killed
# audit that is repeated gives the same bytes, and no audited folder is touched.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
tiny=$source_dir/data/tiny
data=$source_dir/data/fiction
cp -r "$tiny" original
hash_of() { find "$1" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum; }
# says OUTPUT ATTACK VERDICT METRIC: the sentence of an attack and a metric.
says() { grep -q "^$2 $3.*; $4 goes from" "$1"; }
above() { awk -v x="$1" -v low="$2" 'BEGIN { exit !(x != "" && x > low) }'; }
forget=(--data "$data" --config "$source_dir/configs/fiction.yaml" --set data.forget=forget05
  --set data.retain=retain95 --set train.epochs=8 --quiet)
small=(--set eval.rows=10 --seed 3)

# --- an ordinary unlearned model: whole battery, quick ---------------------------------------------
"$unlearn" "${forget[@]}" --model original --method simnpo --output simnpo >/dev/null
before_run=$(hash_of simnpo)
before_original=$(hash_of original)
"$unlearn" audit simnpo --original original --quick "${small[@]}" --output whole >whole.txt 2>whole.log
expect "a sentence per attack" test "$(grep -c 'prompt-\|relearn-\|quantise-\|noise-' whole.txt)" -ge 8
expect "a verdict" grep -q '^verdict: ' whole.txt
expect "the page" grep -q '<h2>What came back</h2>' whole/audit.html
expect "nothing from outside" test "$(grep -c 'src=\|href=\|url(\|@import' whole/audit.html)" -eq 0
expect "the audited run is as it was" test "$(hash_of simnpo)" = "$before_run"
expect "the original is as it was" test "$(hash_of original)" = "$before_original"
expect "relearning is judged" says whole.txt relearn-forget-full '.*brings back' probability

# --- killed in the middle and repeated: the same bytes ---------------------------------------------
some=(--attacks "quantise,noise,prompt,relearn" --quick "${small[@]}")
"$unlearn" audit simnpo --original original "${some[@]}" --output once >/dev/null 2>&1
"$unlearn" audit simnpo --original original "${some[@]}" --output twice >/dev/null 2>&1 &
pid=$!
for _ in $(seq 600); do
  [ "$(find twice/cells -name '*.json' 2>/dev/null | wc -l)" -lt 4 ] || break
  sleep 0.1
done
kill -9 $pid 2>/dev/null || true
wait $pid 2>/dev/null || true
expect "killed before the end" test ! -e twice/audit.json
"$unlearn" audit simnpo --original original "${some[@]}" --output twice >/dev/null 2>&1
cmp once/audit.json twice/audit.json || die "a killed and repeated audit says something else"
cmp once/audit.html twice/audit.html || die "its page says something else"
expect "cells were taken over" above \
  "$(grep -o '"cells_taken": [0-9]*' twice/costs.json | sed 's/.* //')" 3
"$unlearn" audit simnpo --original original "${some[@]}" --output twice >/dev/null 2>again.log
expect "nothing is measured again" grep -q '"cells_measured": 0' twice/costs.json
expect "the day is told" grep -qE '"date": "20[0-9]{2}-[0-9]{2}-[0-9]{2} ' twice/costs.json
cmp once/audit.json twice/audit.json || die "a repeated audit says something else"
# Neither a damaged cell nor an edited one is believed.
mapfile -t cells < <(find twice/cells -name '*.json' | sort)
echo '{' >"${cells[0]}"
sed -i 's/0\.[0-9]*/0.999/' "${cells[1]}"
"$unlearn" audit simnpo --original original "${some[@]}" --output twice >/dev/null 2>again.log
expect "both are measured again" test "$(grep -c 'not as the audit wrote it' again.log)" = 2
cmp once/audit.json twice/audit.json || die "an edited cell decided"
# A budget counts what an evaluation took when its results, which are there now, were made.
"$unlearn" audit simnpo --original original "${some[@]}" --budget 0.0001 --output twice >/dev/null 2>&1
expect "a budget leaves attacks out" grep -q '"reason"' twice/audit.json
rm twice/costs.json
expect_error 2 "does not say how long" "$unlearn" audit simnpo --original original "${some[@]}" --budget 0.0002 --output twice

# --- fake 1: a model that only refuses; the answer's first words open it ----------------------------
"$unlearn" "${forget[@]}" --model original --method idk --set train.epochs=20 --output refuses >/dev/null
"$unlearn" audit refuses --original original --attacks prompt --quick "${small[@]}" --output of_refuses \
  >refuses.txt 2>/dev/null
expect "prefilled answers expose it" says refuses.txt prompt-prefill-3 leaks rouge
expect "an opening that breaks the original says nothing" says refuses.txt prompt-opening inconclusive rouge
expect "and that is said" grep -q '^prompt-opening .*; rouge .*less out of the model before unlearning' refuses.txt

# --- fake 2: only the head lost the tokens of the answers; the original's head brings them back ------
"$source_dir/scripts/plant_head.py" "$unlearn" original "$data/forget05.json" "$data/retain95.json" headless
"$unlearn" audit --model headless --original original --benchmark tofu --data "$data" \
  --set data.forget=forget05 --attacks reset "${small[@]}" --output of_headless >headless.txt 2>/dev/null
expect "the head's reset exposes it" says headless.txt reset-head leaks probability

# --- fake 3: unlearning smaller than a step of 4 bits; rounding brings it back -----------------------
"$unlearn" quantise --quiet --model original --format nf4_fp32 --output coarse >/dev/null
"$unlearn" "${forget[@]}" --model coarse --method ga --set train.lora.rank=8 --set train.lora.merge=true \
  --set train.warmup_epochs=0 --set train.epochs=14 --output fragile >/dev/null
"$unlearn" audit fragile --original coarse --attacks quantise \
  --set "audit.quantise.formats=[nf4_fp32]" "${small[@]}" --output of_fragile >fragile.txt 2>/dev/null
expect "rounding exposes it" says fragile.txt quantise-nf4_fp32 leaks probability

# --- a retain model: block by block, and utility tasks after every attack -----------------------------
tasks=$source_dir/tests/data_fixtures/tasks
"$unlearn" audit simnpo --original original --retain-model refuses --attacks noise --quick "${small[@]}" \
  --set "eval.tasks.piqa=$tasks/piqa.jsonl" --output of_blocks >blocks.txt 2>/dev/null
expect "the depth score is said" grep -q '^depth score: .* %' blocks.txt
expect "of ten rows" grep -q '"labels": "whole answers"' of_blocks/audit.json
expect "over-unlearning has its line" grep -Eq '^(mia_[a-z_]*: )?over-unlearn' blocks.txt
expect "a block each on the page" grep -q '<h2>Block by block</h2>' of_blocks/audit.html
expect "tasks are part of the utility" grep -A4 '"tasks": {' of_blocks/audit.json
# The same after an attack; utility only where an attack ends; no attack at all.
"$unlearn" audit simnpo --original original --retain-model refuses --attacks "relearn,quantise" --quick "${small[@]}" \
  --set audit.depth.attacks=true --set "audit.quantise.formats=[nf4]" --output of_depth >depth.txt 2>/dev/null
for metric in depth lens; do
  expect "what an attack brings back by $metric" says depth.txt relearn-forget-full '.*' "$metric"
  expect "and rounding" says depth.txt quantise-nf4 '.*' "$metric"
done
python3 - <<'PYTHON' || die "curves of an audit"
import json
curves = {e["metric"]["name"]: e["curve"] for e in json.load(open("of_depth/audit.json"))["attacks"]
          if e["id"] == "relearn-forget-full"}
curve = curves["probability"]
assert len(curve) == 3 and all(point["U"] is not None and point["R"] is not None for point in curve), curve
assert [point["utility"] is None for point in curve] == [True, True, False], curve
assert [point["U"] is None for point in curves["depth"]] == [True, True, False], curves
PYTHON
checks=$((checks + 1))
"$unlearn" audit simnpo --original original --retain-model refuses --attacks none "${small[@]}" --output of_depth \
  >none.txt 2>/dev/null
expect "no attack, but the depth score" grep -q '^depth score: ' none.txt
expect "and nothing to judge" grep -q '^verdict: none, as no attack was tried$' none.txt
expect "nor on its page" grep -q 'No attack was tried: whether it is forgotten is not judged' of_depth/audit.html
refused() { # refused TEXT FLAG…: an audit that does not begin
  local got=0
  "$unlearn" audit simnpo --original original "${small[@]}" --output refused "${@:2}" >/dev/null 2>refused.txt || got=$?
  expect "$1: exit code 2" test $got -eq 2
  expect "$1: said" grep -q -- "$1" refused.txt
  expect "$1: nothing written" test ! -e refused
}
refused '--attacks: none stands alone' --attacks none,prune
refused 'audit.depth.attacks: needs --retain-model' --attacks quantise --set audit.depth.attacks=true
expect "what was measured is taken over" grep -q '"cells_measured": 0' of_depth/costs.json
printf '%s\n' '{"question": "Q?", "answer": "It is blue.", "prefix": "It is", "entity": "red"}' >entities.jsonl
expect_error 2 "entities.jsonl: row 0: 'red' is not in what follows the prefix" "$unlearn" audit simnpo \
  --original original --retain-model refuses --set audit.depth.rows=entities.jsonl --output x

# --- own rows and texts, MUSE, WMDP -------------------------------------------------------------------
own=("${forget[@]}" --model original --method npo --set "data.forget=$data/forget05.json"
  --set "data.retain=$data/retain95.json" --set data.hold_out=0.2)
"$unlearn" "${own[@]}" --set data.benchmark=qa --output own >/dev/null
"$unlearn" audit own --original original --attacks "quantise,prompt" --quick "${small[@]}" --output of_own \
  >own.txt 2>/dev/null
for metric in probability rouge extracted; do
  expect "own rows: $metric" says own.txt quantise-nf4 '.*' "$metric"
done
expect "own rows are asked in other words" says own.txt prompt-opening '.*' rouge
expect "what is kept has a figure" grep -Eq '"utility": *{' of_own/audit.json
for file in forget05 retain95; do
  sed -E 's/.*"answer": "(.*)"\}$/\1/' "$data/$file.json" >"$file.txt"
done
"$unlearn" "${own[@]}" --set data.benchmark=text --set data.forget=forget05.txt --set data.retain=retain95.txt \
  --set data.max_length=64 --output own_text >/dev/null
"$unlearn" audit own_text --original original --attacks "noise,prompt" --quick "${small[@]}" --output of_text \
  >text.txt 2>/dev/null
expect "own texts: probability" says text.txt noise-0.05 '.*' probability
expect "their prompts are left out by name" grep -q 'needs questions with answers' of_text/audit.json
fixtures=$source_dir/tests/data_fixtures
for benchmark in muse:news:knowmem wmdp:bio:bio; do
  IFS=: read -r name split metric <<<"$benchmark"
  "$unlearn" audit --model coarse --original original --retain-model refuses --benchmark "$name" \
    --data "$fixtures/$name" --set "data.forget=$split" --attacks "noise,prompt" --quick --seed 3 \
    --output "of_$name" >"$name.txt" 2>/dev/null
  expect "$name is audited" says "$name.txt" noise-0.05 '.*' "$metric"
done
expect_error 2 "tasks has no measures that an audit could read" "$unlearn" audit --model original \
  --set "eval.tasks.piqa=$tasks/piqa.jsonl" --output x

# --- refused by name ---------------------------------------------------------------------------------
expect_error 2 "no attack (did you mean 'relearn'" "$unlearn" audit simnpo --attacks relern --output x
expect_error 2 "give a run folder, or --model" "$unlearn" audit --output x
expect_error 2 "which an audit never writes to" "$unlearn" audit simnpo --output simnpo/model/audit
expect_error 2 "audit.relearn.epoch" "$unlearn" audit simnpo --set audit.relearn.epoch=3 --output x
expect_error 2 "'fast' is none" "$unlearn" audit simnpo --set "audit.relearn.forms=[fast]" --output x
expect "nothing half-written" test ! -e x
expect "attacks are listed" test "$("$unlearn" list attacks --json | grep -c '"family"')" -ge 1
echo "audit: $checks checks passed"
