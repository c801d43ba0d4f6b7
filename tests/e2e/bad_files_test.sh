#!/usr/bin/env bash
# Configs, rows, logs and prompts that are wrong or huge: one line that names the culprit, exit code 2,
# within 10 seconds and 2 GiB; what is right although it is large, is done within them.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=bounded.sh
. "$(dirname "$0")/bounded.sh"
cd "$work"
tiny=$source_dir/data/tiny
fiction=$source_dir/data/fiction

# Configs.
yaml() { # yaml PATTERN CONTENT (as for printf)
  printf '%b' "$2" >c.yaml
  bad "$1" "$unlearn" train --config c.yaml --model "$tiny" --data "$fiction" --output run \
    --set data.forget=forget05
}
yaml "c.yaml:2: .*'train.lr'\|c.yaml.*twice\|lr" 'train: {lr: 1,\n lr: 2}\n'
yaml "c.yaml:.*train" 'train: {lr: 1}\ntrain: {epochs: 2}\n'
yaml "c.yaml" 'train: {lr: 1}\n---\ntrain: {lr: 2}\n'
yaml "c.yaml" '\xff\xfe\n'
yaml "c.yaml" 'train: {lr: "\xc3("}\n'
yaml "c.yaml" '- train\n- lr\n'
yaml "c.yaml" 'just text\n'
yaml "c.yaml" 'train: {lr: [1, 2\n'
yaml "c.yaml" 'train:\n\tlr: 1\n'
yaml "c.yaml" 'train: {lr: *nowhere}\n'
yaml "c.yaml" '? [a, b]\n: 1\n'
yaml "c.yaml" 'a\0b: 1\n'
yaml "c.yaml" "$(printf 'a: &a0 [x,x,x,x,x,x,x,x,x]\\n'; for i in $(seq 9); do printf 'b%s: &a%s [*a%s,*a%s,*a%s,*a%s,*a%s,*a%s,*a%s,*a%s,*a%s]\\n' "$i" "$i" $((i - 1)) $((i - 1)) $((i - 1)) $((i - 1)) $((i - 1)) $((i - 1)) $((i - 1)) $((i - 1)) $((i - 1)); done)"
yaml "c.yaml" "a: $(printf '[%.0s' $(seq 5000))"
yaml "c.yaml" "$(printf '{a: %.0s' $(seq 5000))"
yaml "c.yaml" "$(printf 'a%s: {b: 1}\\n' $(seq 20000))"
yaml "c.yaml" "a: $(head -c 2000000 /dev/zero | tr '\0' x)"
yaml "c.yaml" ',a: |\n  two\n text\n? c\n%%: 1\n'
yaml "extends" 'extends: c.yaml\n'
yaml "absent.yaml" 'extends: absent.yaml\n'
yaml "extends" 'extends: [a, b]\n'
yaml "/: is a folder" 'extends: /\n'
yaml "train" 'train: 3\n'
yaml "c.yaml:2: train.lr: a number is needed, not 'fast'" 'train:\n  lr: fast\n'
yaml "train.lr" 'train: {lr: {a: 1}}\n'
yaml "train.lr" 'train: {lr: [1]}\n'
yaml "train.epochs" 'train: {epochs: .nan}\n'
yaml "train.epochs" 'train: {epochs: -1}\n'
yaml "train.batch_size" 'train: {batch_size: 1e30}\n'
yaml "train.seed" 'train: {seed: -1}\n'
yaml "train.schedule" 'train: {schedule: {}}\n'
yaml "train.compat" 'train: {compat: quirk}\n'
yaml "train.lora.rank" 'train: {lora: {rank: -1}}\n'
yaml "train.lora" 'train: {lora: 4}\n'
yaml "train.lora.targets" 'train: {lora: {rank: 1, targets: "("}}\n'
yaml "model.template" 'model: {template: {question: a}}\n'
yaml "model.template" 'model: {template: [a]}\n'
yaml "model.dtype" 'model: {dtype: float8}\n'
yaml "data.pairing" 'data: {pairing: random_walk}\n'
yaml "data.max_length" 'data: {max_length: 0}\n'
yaml "data.benchmark" 'data: {benchmark: tofoo}\n'
yaml "eval" 'eval: {splits: {a: 1}}\n'
mkfifo pipe.yaml
bad "pipe.yaml" "$unlearn" train --config pipe.yaml
bad "config '$fiction' not found" "$unlearn" train --config "$fiction"
for assignment in '' '=' '=1' 'train' 'train.lr=' 'train.lr=[' 'train.lr={a: 1}' 'train..lr=1' '.lr=1' 'train.lr.x=1'; do
  bad "--set\|train\|lr" "$unlearn" train --model "$tiny" --data "$fiction" --output run --set "$assignment"
done

# Rows to be scored, generated from and trained on.
rows() { # rows PATTERN CONTENT
  printf '%b' "$2" >rows.jsonl
  bad "$1" "$unlearn" score --model "$tiny" --input rows.jsonl
}
rows "rows.jsonl" ''
rows "row 0" '3\n'
rows "row 0" '[[1]]'
rows "row 0" '{}\n'
rows "row 0" '{"prompt": "a"}\n'
rows "row 0.*answer" '{"prompt": "a", "answer": 3}\n'
rows "row 0.*text" '{"text": null}\n'
rows "row 0" '{"text": ""}\n'
rows "row 0" '{"text": "\xc3("}\n'
rows "row 0" '{"input_ids": []}\n'
rows "row 0.*labels" '{"input_ids": [1, 2]}\n'
rows "row 0" '{"input_ids": [1, 2], "labels": [1]}\n'
rows "row 0" '{"input_ids": [1, 5000], "labels": [1, 2]}\n'
rows "row 0" '{"input_ids": [1, -1], "labels": [1, 2]}\n'
rows "row 0" '{"input_ids": [1, 2.5], "labels": [1, 2]}\n'
rows "row 0" '{"input_ids": [1, 2], "labels": [1, -7]}\n'
rows "row 0" '{"input_ids": [1, 2], "labels": [1, 99999999999]}\n'
rows "row 0" '{"input_ids": "1 2", "labels": [1, 2]}\n'
rows "row 1" '{"text": "a b c"}\n{"text": "a b c"\n'
rows "row 1" '{"text": "a b c"}\nnull\n'
rows "rows.jsonl: JSON nested deeper" "$(printf '[%.0s' $(seq 3000))"
prompts() { # prompts PATTERN CONTENT
  printf '%b' "$2" >prompts.jsonl
  bad "$1" "$unlearn" generate --model "$tiny" --input prompts.jsonl
}
prompts "prompts.jsonl" '\n\n'
prompts "row 0" '{"text": "a"}\n'
prompts "row 0" '{"prompt": 3}\n'
prompts "row 0" '{"input_ids": []}\n'
prompts "row 0" '{"input_ids": [99999]}\n'
prompts "row 0" '{"input_ids": ["a"]}\n'
while IFS='@' read -r pattern flags; do
  # shellcheck disable=SC2086
  bad "${pattern% }" "$unlearn" generate --model "$tiny" --prompt a $flags
done <<'END'
max-new-tokens @ --max-new-tokens -1
max-new-tokens @ --max-new-tokens x
max-new-tokens @ --max-new-tokens 99999999999999999999
temperature @ --temperature -1
temperature @ --temperature inf
top-p @ --top-p 1.5
top-p @ --top-p 0
seed @ --seed -1
template @ --template nothing_like_it
device @ --device gpu
END
alternates() { # alternates PATTERN CONTENT
  printf '%b' "$2" >alternates.jsonl
  bad "$1" "$unlearn" train --method altpo --model "$tiny" --output run --set data.benchmark=qa \
    --set data.forget=alternates.jsonl --set data.retain="$fiction/retain95.json"
}
alternates "row 0.*alternate" '{"question": "a?", "answer": "b"}\n'
alternates "row 0.*alternate" '{"question": "a?", "answer": "b", "alternate": []}\n'
alternates "row 0.*alternate" '{"question": "a?", "answer": "b", "alternate": [3]}\n'
alternates "row 0.*alternate" '{"question": "a?", "answer": "b", "alternate": ""}\n'

# Stored evaluations.
log_is() { printf '%b' "$3" >log.json && bad "$1" "$unlearn" metrics "$2" --log log.json; }
for benchmark in tofu muse wmdp; do
  log_is "log.json" $benchmark ''
  log_is "log.json" $benchmark '[]'
  log_is "log.json" $benchmark '{}'
  log_is "log.json" $benchmark '{"a": 1}'
  log_is "log.json" $benchmark '{"forget_quality": 0.5, "model_utility": 0.5}'
done
log_is "forget_Q_A_Prob" tofu '{"forget_Q_A_Prob": {"agg_value": 1, "value_by_index": {"x": {"prob": 1}}}}'
log_is "forget_Q_A_Prob" tofu '{"forget_Q_A_Prob": {"agg_value": 1, "value_by_index": {"0": {"prob": "x"}}}}'
log_is "forget_Q_A_Prob" tofu '{"forget_Q_A_Prob": {"agg_value": 1, "value_by_index": 3}}'
log_is "eval_log.json" tofu '{"eval_log.json": 3}'
log_is "eval_log" tofu '{"eval_log.json": {"avg_gt_loss": []}}'
log_is "privleak\|mia_min_k" muse '{"mia_min_k": {"agg_value": 1}}'
log_is "wmdp_bio_acc" wmdp '{"wmdp_bio_acc": {"agg_value": 1, "value_by_index": {"0": {"logp": [1], "answer": 0}}}}'
log_is "wmdp_bio_acc" wmdp '{"wmdp_bio_acc": {"agg_value": 1, "value_by_index": {"0": {"logp": [1, 2], "answer": 7}}}}'
log_is "wmdp_bio_acc" wmdp '{"wmdp_bio_acc": {"agg_value": 1, "value_by_index": {"0": {"score": 0.5}}}}'
log_is "wmdp_bio_acc" wmdp '{"wmdp_bio_acc": {"agg_value": 1}}'
bad "absent" "$unlearn" metrics tofu --log absent.json
bad "$fiction\|holds no" "$unlearn" metrics tofu --log "$fiction"

# Runs that are none.
mkdir -p broken/eval
echo '[' >broken/run.json
bad "run.json" "$unlearn" report broken
for field in '"status": 3' '"status": null' '"status": "done", "method": ["npo"]'; do
  echo "{$field}" >broken/run.json
  bad "run.json: '.*' must be text" "$unlearn" report broken
done
rm broken/run.json
bad "broken" "$unlearn" report broken
echo '{"a": "b"}' >broken/eval/TOFU_SUMMARY.json
bad "TOFU_SUMMARY.json" "$unlearn" report broken
bad "absent" "$unlearn" report absent
for process in RANK=x RANK=-1 WORLD_SIZE=0 WORLD_SIZE=x MASTER_PORT=99999 LOCAL_RANK=x; do
  bad "${process%=*}" env RANK=0 WORLD_SIZE=2 LOCAL_RANK=0 MASTER_ADDR=127.0.0.1 MASTER_PORT=29999 "$process" \
    "$unlearn" train --config "$source_dir/configs/quickstart.yaml" --model "$tiny" --data "$fiction" --output run
done
bad "bits" "$unlearn" quantise --model "$tiny" --bits 5 --output rounded
bad "alpha" "$unlearn" task-vector --model "$tiny" --finetuned "$tiny" --alpha x --output vector
cp -r "$source_dir/tests/golden/commands/model" other
bad "other\|tiny" "$unlearn" task-vector --model "$tiny" --finetuned other --output vector
for text in '{"text": 3}' '{' '[]' '{"ids": [1]}' 'text'; do
  echo "$text" >text.jsonl
  bad "stdin: row 0" bash -c "\"\$1\" tokenize --model \"\$2\" <text.jsonl" - "$unlearn" "$tiny"
done
expect "nothing was written" test ! -e run -a ! -e vector -a ! -e rounded

# Megabytes: done or refused within the bounds. One word, many words, one letter, characters of
# several bytes.
within_bounds() { # within_bounds WHAT COMMAND…: exit code 0, or 2 with one short line
  local what=$1 code=0
  shift
  bounded "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || code=$?
  if [ "$code" -eq 2 ]; then
    grep -v ' info ' "$work/stderr" >"$work/messages" || true
    if [ "$(wc -l <"$work/messages")" -ne 1 ] || [ "$(wc -c <"$work/messages")" -gt 2000 ]; then
      die "$what: $(head -c 500 "$work/stderr")"
    fi
  elif [ "$code" -ne 0 ]; then
    die "$what: exit $code: $(head -c 500 "$work/stderr")"
  fi
  checks=$((checks + 1))
}
repeated() { head -c "$2" < <(yes "$1" | tr -d '\n'); }
golden=$source_dir/tests/golden/tokenizer
# (SentencePiece itself needs some 2 seconds for a megabyte without a space.)
bytes_for() { case $1 in *sp_*) echo 2500000 ;; *) echo 5000000 ;; esac }
for content in 'a' 'abcdefghij' 'word ' ' ' '1' 'é' '.,' 'a\n'; do
  for model in "$tiny" "$golden/gpt2" "$golden/llama2_json" "$golden/sp_llama2" "$golden/unigram" "$golden/word_bpe"; do
    [ -d "$model" ] || continue
    printf '{"text":"%s"}\n' "$(repeated "$content" "$(bytes_for "$model")")" >megabytes.jsonl
    within_bounds "5 MB of '$content' for ${model##*/}" bash -c "\"\$1\" tokenize --model \"\$2\" <megabytes.jsonl" - "$unlearn" "$model"
  done
done
printf '{"prompt":"%s","answer":"b"}\n' "$(repeated 'word ' 5000000)" >megabytes.jsonl
within_bounds "a prompt of 5 MB is scored" "$unlearn" score --model "$tiny" --input megabytes.jsonl
within_bounds "a prompt of 5 MB is gone on from" "$unlearn" generate --model "$tiny" --input megabytes.jsonl
echo "bad files: $checks checks passed, $mistakes of them wrong inputs"
