#!/usr/bin/env bash
# Model folders, tokenizers and adapters that are wrong: one line that names the culprit, exit code 2,
# within 10 seconds and 2 GiB.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=bounded.sh
. "$(dirname "$0")/bounded.sh"
cd "$work"
tiny=$source_dir/data/tiny
cp -r "$tiny" model
chmod -R u+w model

# config.json: lines of "pattern @ keys that are added or changed".
while IFS='@' read -r pattern keys; do
  with_keys "$tiny/config.json" "${keys# }" >model/config.json
  bad "${pattern% }" "$unlearn" inspect model
done <<'END'
config.json: hidden_size: must be a whole number @ "hidden_size": 0
config.json: hidden_size: must be a whole number @ "hidden_size": -128
config.json: hidden_size: must be a whole number @ "hidden_size": 128.5
config.json: hidden_size: must be a whole number @ "hidden_size": "128"
config.json: hidden_size: must be a whole number @ "hidden_size": [128]
config.json: hidden_size: must be a whole number @ "hidden_size": 1e300
config.json: hidden_size: must be a whole number @ "hidden_size": 99999999999999999999
hidden_size @ "hidden_size": null
num_hidden_layers: must be a whole number @ "num_hidden_layers": 0
num_hidden_layers: must be a whole number @ "num_hidden_layers": 1e9
num_hidden_layers: @ "num_hidden_layers": true
num_attention_heads @ "num_attention_heads": 5
num_attention_heads @ "num_attention_heads": 0
num_key_value_heads @ "num_key_value_heads": 3
num_key_value_heads @ "num_key_value_heads": 8
partial_rotary_factor: must rotate an even number @ "head_dim": 31
head_dim @ "head_dim": -32
intermediate_size @ "intermediate_size": 0
vocab_size @ "vocab_size": 0
vocab_size @ "vocab_size": "many"
vocab_size @ "vocab_size": 1e18
max_position_embeddings @ "max_position_embeddings": -1
rms_norm_eps: must not be negative @ "rms_norm_eps": -1e-5
rms_norm_eps: must be a number @ "rms_norm_eps": "small"
hidden_act @ "hidden_act": "swish_of_mine"
hidden_act @ "hidden_act": 3
rope_theta @ "rope_theta": 0
rope_theta @ "rope_theta": -1
rope_theta @ "rope_theta": "big"
rope_scaling @ "rope_scaling": "linear"
rope_scaling @ "rope_scaling": {"rope_type": "spiral", "factor": 2}
factor @ "rope_scaling": {"rope_type": "linear"}
factor @ "rope_scaling": {"rope_type": "linear", "factor": -2}
factor @ "rope_scaling": {"rope_type": "yarn", "factor": "x"}
low_freq_factor @ "rope_scaling": {"rope_type": "llama3", "factor": 8}
rope_parameters @ "rope_parameters": [1]
attention_bias @ "attention_bias": "yes"
mlp_bias @ "mlp_bias": 2
tie_word_embeddings @ "tie_word_embeddings": "true"
model_type @ "model_type": 7
model_type @ "model_type": null
no model type\|model_type\|supported @ "model_type": ""
mamba @ "model_type": "mamba"
partial_rotary_factor @ "partial_rotary_factor": 3
layer_types @ "model_type": "qwen3", "layer_types": "all"
layer_types @ "model_type": "qwen3", "layer_types": ["full_attention"]
layer_types @ "model_type": "qwen3", "layer_types": ["a", "b", "c", "d"]
query_pre_attn_scalar\|missing @ "model_type": "gemma2", "query_pre_attn_scalar": 0
END
config_is() { # config_is PATTERN CONTENT (as for printf)
  printf '%b' "$2" >model/config.json
  bad "$1" "$unlearn" inspect model
}
config_is "config.json" ''
config_is "config.json" '{'
config_is "config.json.*object" '[]'
config_is "config.json.*object" 'null'
config_is "config.json" '{"model_type": "llama"'
config_is "model_type" '{}'
config_is "config.json.*a NUL byte" '{"model_type": "llama\0"}'
config_is "config.json.*UTF-16" '\xff\xfe{\0}\0'
config_is "config.json" '{"model_type": "\xff"}'
config_is "nested deeper" "$(printf '[%.0s' $(seq 3000))"
config_is "config.json.*gzip" '\x1f\x8b\b'
config_is "config.json" '{"model_type": "llama"} {}'
rm model/config.json && mkdir model/config.json
bad "config.json" "$unlearn" inspect model
rmdir model/config.json
bad "config.json" "$unlearn" inspect model
bad "is a file" "$unlearn" inspect "$tiny/config.json"
cp "$tiny/config.json" model/

# Weights: a header of any length, and some bytes behind it.
header() { # header JSON [BYTES]: model.safetensors
  local size=${#1} i
  {
    for i in 0 8 16 24 32 40 48 56; do printf '%b' "\\x$(printf '%02x' $(((size >> i) & 255)))"; done
    printf '%s' "$1"
    head -c "${2:-0}" /dev/zero
  } >model/model.safetensors
  bad "$pattern" "$unlearn" inspect model
}
entry() { printf '"%s":{"dtype":"%s","shape":%s,"data_offsets":%s}' "$@"; }
pattern="model.safetensors"
header 'null'
header '[]'
header '{"a": 3}'
header '{'
header '{"a":{}}'
header "{$(entry a F32 '[1]' '[0,4]')" 4
pattern="model.safetensors: tensor 'a'"
header "{$(entry a F99 '[1]' '[0,4]')}" 4
header "{$(entry a F32 '[2]' '[0,4]')}" 4
header "{$(entry a F32 '[-1]' '[0,4]')}" 4
header "{$(entry a F32 '[1.0]' '[0,4]')}" 4
header "{$(entry a F32 '"1"' '[0,4]')}" 4
header "{$(entry a F32 '[4294967296,4294967296]' '[0,4]')}" 4
header "{$(entry a F32 '[1]' '[4,0]')}" 4
header "{$(entry a F32 '[1]' '[0,4,8]')}" 4
header "{$(entry a F32 '[1]' '"0"')}" 4
header "{$(entry a F32 '[1]' '[-4,0]')}" 4
header "{$(entry a F32 '[1]' '[0,4]')}" 0
header "{$(entry a F32 '[1]' '[8,12]')}" 12
header '{"a":{"dtype":"F32","shape":[1]}}' 4
header '{"a":{"dtype":3,"shape":[1],"data_offsets":[0,4]}}' 4
pattern="tensor 'b'"
header "{$(entry a F32 '[2]' '[0,8]'),$(entry b F32 '[1]' '[4,8]')}" 8
pattern="'a'"
header "{$(entry a F32 '[1]' '[0,4]'),$(entry a F32 '[1]' '[4,8]')}" 8
pattern="model.safetensors"
header "{$(entry a F32 '[1]' '[0,4]')}" 8
header '{"__metadata__":{"format":3}}'
weights_are() { printf '%b' "$2" >model/model.safetensors && bad "$1" "$unlearn" inspect model; }
weights_are "model.safetensors" ''
weights_are "model.safetensors" 'abc'
weights_are "model.safetensors" '\xff\xff\xff\xff\xff\xff\xff\x7f{}'
weights_are "model.safetensors" '\0\0\0\x40\0\0\0\0{}'
rm model/model.safetensors
bad "no model.safetensors\|model.safetensors" "$unlearn" inspect model
touch model/pytorch_model.bin
bad "pickle\|model.safetensors" "$unlearn" inspect model
rm model/pytorch_model.bin
ln -s /etc/hostname model/model.safetensors
bad "model.safetensors" "$unlearn" inspect model
rm model/model.safetensors

# The index of shards.
cp "$tiny/model.safetensors" model/part.safetensors
index() { printf '%s' "$2" >model/model.safetensors.index.json && bad "$1" "$unlearn" inspect model; }
index "index.json" ''
index "index.json" '[]'
index "weight_map" '{}'
index "weight_map" '{"weight_map": []}'
index "weight_map names no tensor" '{"weight_map": {}}'
index "weight_map: 'a\\\\x00b\\\\nc' is not a file name" '{"weight_map": {"a\u0000b\nc": 3}}'
index "weight_map" '{"weight_map": {"a": 3}}'
index "absent.safetensors" '{"weight_map": {"a": "absent.safetensors"}}'
index "\.\./tiny" '{"weight_map": {"a": "../tiny/model.safetensors"}}'
index "/etc/hostname" '{"weight_map": {"a": "/etc/hostname"}}'
index "'no_such'" '{"weight_map": {"no_such": "part.safetensors"}}'
index "index.json\|part" '{"weight_map": {"a": "part.safetensors\u0000"}}'
rm model/model.safetensors.index.json model/part.safetensors
cp "$tiny/model.safetensors" model/

# Tokenizers.
tokenizer_is() { printf '%s' "$2" >model/tokenizer.json && bad "$1" "$unlearn" tokenize --model model; }
pieces='"vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]'
bpe() { tokenizer_is "$1" "{\"model\": {\"type\": \"BPE\", $pieces}, $2}"; }
tokenizer_is "tokenizer.json" ''
tokenizer_is "tokenizer.json" '[]'
tokenizer_is "model" '{}'
tokenizer_is "type\|Alien" '{"model": {"type": "Alien", "vocab": {}}}'
tokenizer_is "vocab" '{"model": {"type": "BPE", "merges": []}}'
tokenizer_is "vocab" '{"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}'
tokenizer_is "vocab" '{"model": {"type": "BPE", "vocab": {"a": 99999999999}, "merges": []}}'
tokenizer_is "vocab" '{"model": {"type": "BPE", "vocab": {"a": "b"}, "merges": []}}'
tokenizer_is "vocab" '{"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}}'
tokenizer_is "tokenizer.json: model: merge 0" '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a z"]}}'
tokenizer_is "tokenizer.json: model: merge 0" '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a"]}}'
tokenizer_is "tokenizer.json: model: merge 0" '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [3]}}'
tokenizer_is "vocab" '{"model": {"type": "Unigram", "vocab": [["a"]]}}'
tokenizer_is "unk_id\|vocab" '{"model": {"type": "Unigram", "unk_id": 9, "vocab": [["a", 0]]}}'
bpe "normalizer" '"normalizer": {"type": "Alien"}'
bpe "normalizer" '"normalizer": "NFC"'
bpe "normalizer\|Replace\|pattern" '"normalizer": {"type": "Replace", "pattern": {"Regex": "("}, "content": ""}'
bpe "pre_tokenizer" '"pre_tokenizer": {"type": "Alien"}'
bpe "pre_tokenizer\|Split\|pattern" '"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "[a"}, "behavior": "Isolated", "invert": false}'
bpe "behavior" '"pre_tokenizer": {"type": "Split", "pattern": {"String": "a"}, "behavior": "Alien", "invert": false}'
bpe "decoder" '"decoder": {"type": "Alien"}'
bpe "post_processor" '"post_processor": {"type": "Alien"}'
bpe "added_tokens" '"added_tokens": {}'
bpe "added_tokens" '"added_tokens": [{"id": 7}]'
bpe "added_tokens" '"added_tokens": [{"id": -7, "content": "x", "special": true}]'
cp "$tiny/tokenizer.json" model/
side() { printf '%s' "$3" >"model/$2" && bad "$1" "$unlearn" tokenize --model model; }
side "tokenizer_config.json" tokenizer_config.json '[]'
side "tokenizer_config.json" tokenizer_config.json '{'
side "add_bos_token" tokenizer_config.json '{"add_bos_token": "yes"}'
side "bos_token" tokenizer_config.json '{"bos_token": 3}'
side "added_tokens_decoder" tokenizer_config.json '{"added_tokens_decoder": {"x": {"content": "a"}}}'
side "added_tokens_decoder" tokenizer_config.json '{"added_tokens_decoder": {"3": {}}}'
cp "$tiny/tokenizer_config.json" model/
side "special_tokens_map.json" special_tokens_map.json '3'
side "special_tokens_map.json\|eos_token" special_tokens_map.json '{"eos_token": [1]}'
cp "$tiny/special_tokens_map.json" model/
side "added_tokens.json" added_tokens.json '{"x": "y"}'
rm model/added_tokens.json
side "generation_config.json" generation_config.json '{"eos_token_id": "end"}'
side "eos_token_id" generation_config.json '{"eos_token_id": -2}'
side "eos_token_id" generation_config.json '{"eos_token_id": [1, -100]}'
cp "$tiny/generation_config.json" model/
side "config.json: eos_token_id" config.json "$(with_keys "$tiny/config.json" '"eos_token_id": -2')"
cp "$tiny/config.json" model/
rm model/tokenizer.json
bad "tokenizer" "$unlearn" tokenize --model model
head -c 5000 /dev/zero >model/tokenizer.model
bad "tokenizer.model" "$unlearn" tokenize --model model
printf 'no protobuf' >model/tokenizer.model
bad "tokenizer.model" "$unlearn" tokenize --model model
rm model/tokenizer.model
cp "$tiny/tokenizer.json" model/

# Adapters.
echo '{"prompt": "Who?", "answer": "Me."}' >rows.jsonl
golden=$source_dir/tests/golden
cp -r "$golden/lora/llama" adapter
chmod -R u+w adapter
while IFS='@' read -r pattern keys; do
  with_keys "$golden/lora/llama/adapter_config.json" "${keys# }" >adapter/adapter_config.json
  bad "${pattern% }" "$unlearn" score --model model --adapter adapter --input rows.jsonl
done <<'END'
adapter_config.json: r: @ "r": 0
adapter_config.json: r: @ "r": -3
adapter_config.json: r: @ "r": 2.5
adapter_config.json: r: @ "r": "3"
lora_alpha @ "lora_alpha": "x"
lora_alpha @ "lora_alpha": null
peft_type @ "peft_type": "PREFIX_TUNING"
peft_type @ "peft_type": 3
use_dora @ "use_dora": true
modules_to_save @ "modules_to_save": ["lm_head"]
target_modules @ "target_modules": null
target_modules @ "target_modules": 3
target_modules @ "target_modules": [3]
target_modules @ "target_modules": "("
target_modules @ "target_modules": ".*nowhere"
rank_pattern @ "rank_pattern": {"(": 2}
rank_pattern @ "rank_pattern": {"q_proj": -2}
rank_pattern @ "rank_pattern": [2]
alpha_pattern @ "alpha_pattern": {"q_proj": "x"}
layers_to_transform @ "layers_to_transform": "first"
bias @ "bias": "all"
init_lora_weights @ "init_lora_weights": "alien"
adapter_config.json: r: is 4 for layer @ "r": 4
END
for content in '' '[]' '{}' '{'; do
  printf '%s' "$content" >adapter/adapter_config.json
  bad "adapter_config.json" "$unlearn" score --model model --adapter adapter --input rows.jsonl
done
echo "bad models: $checks checks passed, $mistakes of them wrong inputs"
