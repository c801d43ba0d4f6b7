#!/usr/bin/env bash
# Folders with other tokenizer files than tokenizer.json, or none.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
tiny=$source_dir/data/tiny

same() {  # NAME WANTED GOT
  if [ "$2" != "$3" ]; then
    printf '%s: wanted %s, got %s\n' "$1" "$2" "$3" >&2
    exit 1
  fi
}

# Without a tokenizer: rows of ids give what they give with one, text is refused.
cp -r "$tiny" bare
rm bare/tokenizer.json bare/tokenizer_config.json bare/special_tokens_map.json
printf '{"input_ids": [65, 221, 287, 66], "labels": [-100, 221, 287, 66]}\n' >rows.jsonl
printf '{"input_ids": [65, 221, 287, 66]}\n' >prompts.jsonl
same score "$("$unlearn" score --model "$tiny" --input rows.jsonl --quiet)" \
  "$("$unlearn" score --model bare --input rows.jsonl --quiet)"
ids() { grep -o '"ids":[^]]*]'; }
same generate "$("$unlearn" generate --model "$tiny" --input prompts.jsonl --quiet | ids)" \
  "$("$unlearn" generate --model bare --input prompts.jsonl --quiet | ids)"
"$unlearn" generate --model bare --input prompts.jsonl --quiet | grep '"text":null' >/dev/null
printf '{"text": "some text"}\n' >text.jsonl
expect_error 2 "row 0: .*without a tokenizer only rows of input_ids" "$unlearn" score --model bare \
  --input text.jsonl

# add_prefix_space by the class, flags of the config, split_special_tokens: ids from transformers 5.17.
tokens() { printf '%s\n' "$2" | "$unlearn" tokenize --model "$1" --quiet; }
cp -r "$tiny" own
settings() { printf '%s\n' "$1" >own/tokenizer_config.json; }
settings '{"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": true}'
tokens own '"Who are you?"' | grep -q '{"ids":\[575,'
settings '{"split_special_tokens": true}'
same split '{"ids":[65,221,28,92,491,1023,420,88,84,92,30,287]}' "$(tokens own '"a <|endoftext|> b"')"
settings '{"added_tokens_decoder": {"1280": {"content": "<|x|>", "rstrip": true, "special": true}}}'
same rstrip '{"ids":[65,221,1280,66]}' "$(tokens own '"a <|x|>  b"')"
