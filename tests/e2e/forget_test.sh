#!/usr/bin/env bash
# unlearn forget on the bundled model: one command from rows to a verdict, and the ways in which a
# verdict must say no.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
tiny=$source_dir/data/tiny
fiction=$source_dir/data/fiction
forget=(--model "$tiny" --forget "$fiction/forget05.json")
keep=(--retain "$fiction/retain95.json")
few=(--set eval.own_data.samples=2 --set eval.own_data.retain_rows=24)

# forget CODE OUTPUT FLAGS…: what it says lies in stdout and stderr.
run_forget() {
  local code=$1 output=$2 got=0
  shift 2
  "$unlearn" forget --output "$output" "${few[@]}" "$@" >stdout 2>stderr || got=$?
  [ "$got" -eq "$code" ] || die "exit code $got, not $code: $* ($(tail -n 3 stderr) $(cat stdout))"
  checks=$((checks + 1))
}
# value FILE KEY…: the first value under these keys, one inside the other.
value() {
  python3 - "$@" <<'PYTHON'
import json, sys
node = json.load(open(sys.argv[1]))
for key in sys.argv[2:]:
    node = node[int(key)] if isinstance(node, list) else node[key]
print(json.dumps(node))
PYTHON
}
holds() { awk "BEGIN { exit !($1) }"; }

# What would be done: nothing is written, the rows are counted, and kept copies of the weights are memory.
before=$(ls -A .)
"$unlearn" forget "${forget[@]}" "${keep[@]}" --output planned --dry-run --quiet >plan.txt
expect "nothing is written" test "$(ls -A .)" = "$(printf '%s\n' "$before" plan.txt | sed '/^$/d' | sort)"
expect "the template" grep -q "^template    llama2" plan.txt
expect "the rows" grep -q "^forget      10 rows in 5 forms each" plan.txt
expect "those kept, without the held-out ones" grep -q "^retain      152 rows" plan.txt
expect "the refusals, where they will lie" grep -q "^alternate   10 rows.* planned/refusals.txt" plan.txt
expect "the copies" grep -qE "GiB:.* copies 0\.0[1-9]" plan.txt
expect "what only the run finds" grep -q "^not said    the learning rate" plan.txt
"$unlearn" forget "${forget[@]}" --output planned --dry-run --quiet >plan.txt
expect "stand-ins for the model's own samples" grep -q "^no retain   the model's own samples, at most 128" plan.txt
"$unlearn" forget "${forget[@]}" "${keep[@]}" --output planned --lora --dry-run --quiet --lr 1e-4 >plan.txt
expect "an adapter's copies are small" grep -qE "^not said    whether" plan.txt
expect_error 2 "row 0 = row 190" "$unlearn" forget "${forget[@]}" --retain "$fiction/full.json" --output x --dry-run --quiet
expect_error 2 "model '.*' not found\|no such" "$unlearn" forget --model none --forget "$fiction/forget05.json" --output x --dry-run --quiet
expect_error 2 "not enough memory" "$unlearn" forget "${forget[@]}" "${keep[@]}" --output x --dry-run --quiet --set train.memory_gib=0.01
printf 'PAR1\0\0' >rows.parquet
expect_error 2 "rows.parquet: .*Parquet" "$unlearn" forget --model "$tiny" --forget rows.parquet --output x --dry-run
expect_error 2 "is the model itself" "$unlearn" forget "${forget[@]}" "${keep[@]}" --base "$tiny" --output x --dry-run --quiet

# One command: the target is reached, the others are as they were, and the page says so.
run_forget 0 gone "${forget[@]}" "${keep[@]}"
verdict=gone/verdict.json
expect "the sentence is printed" grep -qF "$(value $verdict verdict | sed 's/^"//; s/"$//')" stdout
expect "reached" test "$(value $verdict reached)" = true
expect "known before ($(value $verdict forget auc_before))" holds "$(value $verdict forget auc_before) > 0.9"
expect "not preferred after" holds "$(value $verdict forget auc_after) <= 0.55"
expect "nothing is extracted" test "$(value $verdict forget extracted_after)" = 0
expect "which was before" holds "$(value $verdict forget extracted_before) >= 8"
expect "nor anyone else's data" test "$(value $verdict cross_leaks)" = 0
expect "held-out rows are kept" holds \
  "$(value $verdict retain held_out mean_logprob_before) - $(value $verdict retain held_out mean_logprob_after) <= 0.1"
expect "a fifth was held out" test "$(value $verdict retain held_out rows)" = 24
expect "the choices are told" grep -q "chosen: learning rate" stderr
expect "the page has the sentence" grep -qF "$(value $verdict verdict | cut -c 2-40)" gone/report.html
expect "what was measured before" test -s gone/eval/before/OWN_EVAL.json
expect "the configuration is recorded" grep -q "hold_out: 0.2" gone/config.resolved.yaml
# Another way through the program: the model really says something else.
"$unlearn" generate --model gone/model --prompt "What does Rupert Ashgrove do for a living?" --max-new-tokens 20 --quiet >said
expect "asked again it does not say it ($(cat said))" test "$(grep -ci mycologist said)" = 0
# The recorded configuration makes the same weights.
"$unlearn" train --config gone/config.resolved.yaml --output again --log-level warning >/dev/null
expect "the recorded configuration repeats the run" test "$(weights gone)" = "$(weights again)"

# verify
"$unlearn" verify gone >said
expect "nothing differs" grep -q "all is as the verdict was given on" said
"$unlearn" verify gone --measure >said
expect "nor when measured again" grep -q "forget.auc_after: the same" said
cp -r gone touched
printf 'x' | dd of=touched/model/model.safetensors bs=1 seek=4000 conv=notrunc status=none
code=0
"$unlearn" verify touched >said || code=$?
expect "a changed byte is found" grep -q "model after: CHANGED" said
expect "with its exit code" test "$code" = 4
expect_error 2 "holds no verdict.json" "$unlearn" verify again
cp -r gone edited
sed -i 's/"extracted_after": 0/"extracted_after": 1/' edited/verdict.json
code=0
"$unlearn" verify edited >said || code=$?
expect "an edited verdict is found" grep -q "verdict.json: CHANGED since the run wrote it" said
expect "with the same code" test "$code" = 4

# The first rate passes the damage limit, the next does not come as far: the better state is the result.
run_forget 4 limited "${forget[@]}" "${keep[@]}" --max-damage 0.01 --set train.max_steps=40 --set eval.own_data.retain_rows=8
states=$(grep -oE 'the state after step [0-9]+ is kept|no state was better' stderr | sort | uniq -c | sort -rn | head -n 1)
expect "a later training came to less" grep -q "no state was better than the original" stderr
expect "the better one is trained again" grep -q "the better state is trained again, at learning rate" stderr
expect "to the same state: $states" grep -qE '^ *2 the state after step [0-9]+ is kept$' <<<"$states"
expect "and it is the result" holds "$(value limited/verdict.json forget auc_after) < 0.95"
expect "whose steps are in the folder" test "$(wc -l <limited/metrics.jsonl)" -eq "$(value limited/verdict.json settings steps)"

# Half done: few steps. The rows that are still given away are named.
run_forget 4 half "${forget[@]}" "${keep[@]}" --lr 1e-5 --set train.max_steps=2
expect "not reached" test "$(value half/verdict.json reached)" = false
expect "rows are named" holds "$(value half/verdict.json forget extracted_after) >= 8"
expect "with what they give away" test "$(value half/verdict.json rows 0 extracted_after)" = true
expect "on the page, too" grep -qF "$(value half/verdict.json verdict | cut -c 2-30)" half/report.html

# SimNPO alone answers with other people's data here, and that is caught.
run_forget 4 leaks "${forget[@]}" "${keep[@]}" --set method.name=simnpo --set method.forget_weight=0.5 --lr 5e-4 \
  --set train.max_steps=40
expect "leaks are counted" holds "$(value leaks/verdict.json cross_leaks) >= 1"
expect "and named" grep -q '"of_row"' leaks/verdict.json

# A method that ruins the model, with a damage limit that would let it.
run_forget 4 ruined "${forget[@]}" "${keep[@]}" --set method.name=ga --set method.retain_loss=none --lr 3e-3 --max-damage 100
expect "the ruined state is not taken" grep -q "damage limit was passed" stderr
run_forget 4 damaged "${forget[@]}" "${keep[@]}" --set method.name=ga --set method.retain_loss=none --lr 3e-3
expect "nor one that is damaged" grep -q "damage limit was passed" stderr
expect "held-out rows are as they were" holds "$(value damaged/verdict.json retain held_out fall) <= 0.1"

# No retain file: the model's own samples, without anything of the rows to be forgotten.
code=0
"$unlearn" forget --output alone "${few[@]}" "${forget[@]}" --lr 3e-5 --set train.max_steps=250 >stdout 2>stderr || code=$?
expect "done ($(tail -n 2 stderr))" test "$code" = 0 -o "$code" = 4
expect "its samples are there" holds "$(wc -l <alone/retain.samples.jsonl) >= 8"
expect "without the person" test "$(grep -c Ashgrove alone/retain.samples.jsonl)" = 0
expect "by their divergence" grep -q 'retain_loss: "*kl' alone/config.resolved.yaml
expect "which is said" grep -q "There was no file of rows to keep" alone/verdict.json
expect "known less" holds "$(value alone/verdict.json forget auc_after) < 0.9"

# Plain texts of a model that people talk with: the conversation is not asked, and that is said.
cp -r "$tiny" chatty
echo '{% for m in messages %}{{ m.content }} {% endfor %}' >chatty/chat_template.jinja
sed -E 's/.*"question": ?"([^"]*)", ?"answer": ?"(([^"\\]|\\.)*)".*/{"text":"\1 \2"}/' "$fiction/forget05.json" >texts.jsonl
sed -E 's/.*"question": ?"([^"]*)", ?"answer": ?"(([^"\\]|\\.)*)".*/{"text":"\1 \2"}/' "$fiction/retain95.json" >kept.jsonl
run_forget 4 chat --model chatty --forget texts.jsonl --retain kept.jsonl --lr 1e-5 --set train.max_steps=2 --force
expect "a warning" grep -q "warning The texts are asked for as plain text" stderr
expect "and in the verdict" grep -q "answers in a conversation is not asked" chat/verdict.json
expect "the plan names no template" grep -q "^template    none (plain text)" \
  <("$unlearn" forget --model "$tiny" --forget texts.jsonl --retain kept.jsonl --output x --dry-run --quiet)

# Rows that are to be kept, too.
expect_error 2 "row 0 = row 190.*drop_overlap" "$unlearn" forget "${forget[@]}" --retain "$fiction/full.json" --output x --quiet
expect "nothing was written" test ! -e x
run_forget 4 dropped "${forget[@]}" --retain "$fiction/full.json" --drop-overlap --lr 1e-5 --set train.max_steps=2
expect "they were taken out" grep -q "taken out of what is kept" stderr
"$unlearn" train --config dropped/config.resolved.yaml --output y --dry-run --log-level error >plan
expect "190 rows are left, 38 of them held out" grep -q "^retain *152 rows" plan

# Rows that stand twice, before anything is written.
{ cat "$fiction/forget05.json" && head -n 2 "$fiction/forget05.json"; } >twice.jsonl
expect_error 2 "row 10 = row 0, row 11 = row 1 (2 of 12)" "$unlearn" forget --model "$tiny" --forget twice.jsonl "${keep[@]}" \
  --output x --quiet
expect "nothing was written" test ! -e x

# A wrong template, and rows that the model never saw, are asked about before step 1.
expect_error 2 "wrong template? --set model.template=llama2" "$unlearn" forget "${forget[@]}" "${keep[@]}" \
  --set model.template=phi --output x --quiet
expect_error 2 "the model does not know these rows under template llama2" "$unlearn" forget --model "$tiny" \
  --forget "$fiction/holdout05.json" "${keep[@]}" --output x --quiet --target 0.9
expect "nothing was written" test ! -e x
"$unlearn" forget --output forced "${few[@]}" "${forget[@]}" "${keep[@]}" --set model.template=phi --force --lr 1e-5 \
  --set train.max_steps=2 >stdout 2>stderr || true
expect "--force goes on" grep -q "(--force)" stderr

# Killed and started again it ends in the same bytes; train does not go on with it. Its model's folder may
# go meanwhile.
slow=(--forget "$fiction/forget05.json" "${keep[@]}" "${few[@]}" --lr 1e-7 --set train.max_steps=40 --quiet)
wait_for() { # wait_for FILE
  for _ in $(seq 3000); do
    if [ -s "$1" ]; then return; fi
    sleep 0.02
  done
  die "waited a minute for $1"
}
cp -r "$tiny" moved
code=0
"$unlearn" forget --model moved --output lonely "${slow[@]}" >/dev/null 2>stderr &
pid=$!
wait_for lonely/metrics.jsonl
rm -r moved
wait "$pid" || code=$?
expect "it ends without its model's folder ($(tail -n 1 stderr))" test "$code" -eq 4
expect "the tokenizer is saved all the same" cmp "$tiny/tokenizer.json" lonely/model/tokenizer.json
expect "the verdict names that model" test "$(value lonely/verdict.json sha256 model)" = "$(value $verdict sha256 model)"
"$unlearn" forget --model "$tiny" --output killed "${slow[@]}" >/dev/null 2>&1 &
pid=$!
wait_for killed/metrics.jsonl
kill -9 "$pid"
wait "$pid" 2>/dev/null || true
expect "killed before its verdict" test ! -e killed/verdict.json
expect_error 2 "is a run of unlearn forget, .*: unlearn forget .*--output killed .*--overwrite" \
  "$unlearn" train --output killed --resume
echo "mine" >killed/notes.txt
run_forget 4 killed --model "$tiny" "${slow[@]}" --overwrite
expect "the same weights" test "$(weights killed)" = "$(weights lonely)"
expect "somebody's file stays" grep -qx mine killed/notes.txt

# Wrong inputs.
expect_error 2 "forget: file 'absent.json' not found" "$unlearn" forget --model "$tiny" --forget absent.json
expect_error 2 "is not empty" "$unlearn" forget "${forget[@]}" "${keep[@]}" --output half --quiet
run_forget 4 half "${forget[@]}" "${keep[@]}" --lr 1e-5 --set train.max_steps=2 --overwrite --lora
expect "an adapter, merged" grep -q '"adapter (LoRA)"' half/verdict.json
expect "the old run is gone" test -s half/model/model.safetensors
expect "all of it" test "$(grep -c "left there" stderr)" = 0
echo "forget_test: $checks checks passed"
