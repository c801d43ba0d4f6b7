#!/usr/bin/env bash
# Model folders and adapters as other programs leave them.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work"
tiny=$source_dir/data/tiny
fiction=$source_dir/data/fiction

# edit FILE STATEMENTS: a safetensors file through Python, as {name: (dtype, shape, bytes)} `t`.
edit() {
  python3 - "$1" "$2" <<'END'
import json, struct, sys
path, statements = sys.argv[1:]
with open(path, "rb") as file:
    size = struct.unpack("<Q", file.read(8))[0]
    header, data = json.loads(file.read(size)), file.read()
header.pop("__metadata__", None)
t = {name: (h["dtype"], h["shape"], data[slice(*h["data_offsets"])]) for name, h in header.items()}
metadata = {"format": "pt"}
exec(statements)
at, header = 0, {"__metadata__": metadata}
for name, (dtype, shape, content) in t.items():
    header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(content)]}
    at += len(content)
text = json.dumps(header).encode()
with open(path, "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + b"".join(c for _, _, c in t.values()))
END
}
set_json() { # set_json FILE KEY VALUE
  python3 - "$@" <<'END'
import json, sys
path, key, value = sys.argv[1:]
content = json.load(open(path))
content[key] = json.loads(value)
json.dump(content, open(path, "w"))
END
}

printf '{"prompt": "Who?", "answer": "Me."}\n' >pair.jsonl
score() { "$unlearn" score --input pair.jsonl --quiet "$@"; }
score --model "$tiny" >plain.txt

# Tensors without a place: a warning, and with --strict an error, in every command.
cp -r "$tiny" extra
chmod -R u+w extra
edit extra/model.safetensors 't["v_head.summary.weight"] = ("F32", [1], bytes(4)); metadata = None'
score --model extra >extra.txt 2>warnings.txt
expect "they change nothing" cmp plain.txt extra.txt
expect "they are named" grep -q "tensor 'v_head.summary.weight' has no place in the model (1 in all)" warnings.txt
train=("$unlearn" train --config "$source_dir/configs/quickstart.yaml" --data "$fiction" --epochs 2
  --quiet --output run)
expect_error 2 "v_head.summary.weight.*refused by model.strict" score --model extra --strict
expect_error 2 "v_head.summary.weight.*refused by model.strict" "${train[@]}" --model extra --strict
expect_error 2 "v_head.summary.weight" "${train[@]}" --model extra --set model.strict=true --dry-run
expect_error 2 "v_head.summary.weight" "$unlearn" generate --model extra --prompt a --strict
expect_error 2 "v_head.summary.weight" "$unlearn" eval --model extra --data "$fiction" \
  --set data.forget=forget05 --strict
edit extra/model.safetensors 'del t["model.norm.weight"]'
expect_error 2 "model.norm.weight' is missing" score --model extra

# A tied config with another head: the stored one counts, in training too, and is saved.
cp -r "$tiny" other
chmod -R u+w other
set_json other/config.json tie_word_embeddings true
edit other/model.safetensors '
e = t["model.embed_tokens.weight"]
t["lm_head.weight"] = (e[0], e[1], e[2][4:] + e[2][:4])'
score --model other >other.txt 2>warnings.txt
expect "it is told" grep -q "the stored 'lm_head.weight' is not the embedding; it is taken" warnings.txt
cp -r other untied
set_json untied/config.json tie_word_embeddings false
score --model untied >untied.txt
expect "the stored head counts" cmp other.txt untied.txt
for model in other untied; do
  "${train[@]}" --model $model --output run-$model >/dev/null 2>&1
done
expect "in training too" cmp run-other/model/model.safetensors run-untied/model/model.safetensors
expect "and the saved config says so" grep -q '"tie_word_embeddings": false' run-other/model/config.json

# auto_map goes, its files stay behind; the folder is whole.
cp -r "$tiny" remote
chmod -R u+w remote
set_json remote/config.json auto_map '{"AutoModelForCausalLM": "modeling_own.Own"}'
echo 'raise SystemExit("run")' >remote/modeling_own.py
"${train[@]}" --model remote --output run-remote >/dev/null 2>&1
expect "the saved config names no code" test "$(grep -c auto_map run-remote/model/config.json)" -eq 0
expect "the code stays behind" test ! -e run-remote/model/modeling_own.py

# Adapters: base_model_name_or_path is what was given, a relative path is found again.
cp -r "$tiny" base
"${train[@]}" --model base --lr 1e-2 --set train.lora.rank=2 --output lora >/dev/null 2>&1
expect "the base is named as it was given" grep -q '"base_model_name_or_path": "base"' lora/adapter/adapter_config.json
mkdir elsewhere
(cd elsewhere && "$unlearn" eval ../lora --data "$fiction" --set eval.rows=2 --set eval.splits='[forget]' \
  --output evaluated >table.txt 2>eval.log) || die "a run is evaluated from elsewhere: $(cat elsewhere/eval.log)"
expect "a run is evaluated from elsewhere" test -s elsewhere/evaluated/eval/TOFU_SUMMARY.json
score --model base --adapter lora/adapter >adapted.txt
expect "the adapter changes the scores" test "$(cmp -s plain.txt adapted.txt && echo same)" = ""
expect_error 2 "lora/adapter: is a LoRA adapter, not a model; .*(base)" score --model lora/adapter
expect_error 2 "is a LoRA adapter, not a model" "${train[@]}" --model lora/adapter

# What an adapter lacks is refused wherever one is given.
cp -r lora/adapter empty
edit empty/adapter_model.safetensors 't.clear()'
cp -r lora/adapter lacking
edit lacking/adapter_model.safetensors 't = {n: v for n, v in t.items() if ".layers.1.mlp.up_proj." not in n}'
for adapter in empty lacking; do
  expect_error 2 "$adapter/adapter_model.safetensors: tensors are missing" \
    score --model base --adapter $adapter
  expect_error 2 "tensors are missing" "$unlearn" generate --model base --prompt a --adapter $adapter
  for checked in --dry-run --quiet; do
    expect_error 2 "tensors are missing" "$unlearn" eval --model base --data "$fiction" \
      --set data.forget=forget05 --adapter $adapter $checked
    expect_error 2 "tensors are missing" "${train[@]}" --model base --set model.adapter=$adapter $checked
  done
done
expect "nothing is left of the refused runs" test ! -e run
expect_error 2 "model.adapter: belongs to stored weights" "$unlearn" finetune --model base \
  --set model.init=random --set model.adapter=lora/adapter --set data.train="$fiction/forget05.json" \
  --set data.benchmark=qa --output run
cp lacking/adapter_model.safetensors lora/adapter/
rm -rf lora/eval
expect_error 2 "tensors are missing" "$unlearn" eval lora --data "$fiction" --set data.forget=forget05
set_json lora/run.json status '"evaluating"'
expect_error 2 "tensors are missing" "${train[@]}" --model base --lr 1e-2 --set train.lora.rank=2 \
  --output lora --resume --set eval.at_end=true
rm lacking/adapter_model.safetensors
touch lacking/adapter_model.bin
expect_error 2 "holds only pickled tensors" score --model base --adapter lacking

# inspect is for people; --json for programs.
"$unlearn" inspect extra >inspected.txt
expect "no JSON in the table" test "$(grep -c '[][{}"]' inspected.txt)" -eq 0
expect "a missing tensor is named" grep -q "^missing tensors *model.norm.weight$" inspected.txt
expect "and one without a place" grep -q "^unused tensors *v_head.summary.weight$" inspected.txt
echo "checkpoints: $checks checks passed"
