# Shared by the bench scripts: model configs by name and data of TOFU-like lengths.
# shellcheck shell=bash

# model_config NAME: a config.json on stdout. Names: tiny, 30m, 135m, 1b, 3b, 7b, 8b (Llama), gpt2_30m,
# gemma2_12m, gemma2_9b.
model_config() {
  local width layers heads kv inner vocab tied
  case $1 in
    gpt2_*) gpt2_config && return ;;
    gemma2_12m) gemma2_config 256 8 8 64 1024 20480 && return ;;
    gemma2_9b) gemma2_config 3584 42 16 256 14336 256000 && return ;;
    tiny) width=128 layers=4 heads=4 kv=2 inner=344 vocab=1280 tied=true ;;
    30m) width=384 layers=12 heads=6 kv=6 inner=1024 vocab=20480 tied=true ;;
    135m) width=576 layers=30 heads=9 kv=3 inner=1536 vocab=49152 tied=true ;;
    1b) width=2048 layers=16 heads=32 kv=8 inner=8192 vocab=128256 tied=true ;;
    3b) width=3072 layers=28 heads=24 kv=8 inner=8192 vocab=128256 tied=true ;;
    7b) width=4096 layers=32 heads=32 kv=32 inner=11008 vocab=32000 tied=false ;;
    8b) width=4096 layers=32 heads=32 kv=8 inner=14336 vocab=128256 tied=false ;;
    *) echo "unknown model '$1'" >&2 && return 2 ;;
  esac
  cat <<JSON
{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": $width,
 "num_hidden_layers": $layers, "num_attention_heads": $heads, "num_key_value_heads": $kv,
 "intermediate_size": $inner, "vocab_size": $vocab, "tie_word_embeddings": $tied,
 "hidden_act": "silu", "max_position_embeddings": 4096, "rms_norm_eps": 1e-05,
 "rope_theta": 500000.0, "initializer_range": 0.02, "torch_dtype": "bfloat16",
 "bos_token_id": 0, "eos_token_id": 0}
JSON
}

gpt2_config() {
  cat <<JSON
{"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": 384, "n_layer": 12,
 "n_head": 6, "n_positions": 2048, "vocab_size": 20480, "activation_function": "gelu_new",
 "layer_norm_epsilon": 1e-05, "tie_word_embeddings": true, "initializer_range": 0.02,
 "bos_token_id": 0, "eos_token_id": 0}
JSON
}

gemma2_config() { # gemma2_config WIDTH LAYERS HEADS HEAD_DIM INNER VOCABULARY
  cat <<JSON
{"architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", "hidden_size": $1,
 "num_hidden_layers": $2, "num_attention_heads": $3, "num_key_value_heads": $(($3 / 2)),
 "head_dim": $4, "intermediate_size": $5, "vocab_size": $6, "max_position_embeddings": 8192,
 "sliding_window": 4096, "query_pre_attn_scalar": $4, "attn_logit_softcapping": 50.0,
 "final_logit_softcapping": 30.0, "rms_norm_eps": 1e-06, "rope_theta": 10000.0,
 "hidden_activation": "gelu_pytorch_tanh", "tie_word_embeddings": true,
 "initializer_range": 0.02, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
JSON
}

# model_folder NAME FOLDER SOURCE_DIR: config and the bundled tokenizer, without weights.
model_folder() {
  mkdir -p "$2"
  cp "$3"/data/tiny/tokenizer*.json "$3"/data/tiny/special_tokens_map.json "$2"
  model_config "$1" >"$2/config.json"
}

# numbers MODEL: matmul parameters of the blocks and of the head, layers, heads * head size.
model_numbers() {
  model_config "$1" | tr -d ' \n"{}' | tr ',' '\n' | awk -F: '
    { value[$1] = $2 }
    END {
      d = value["hidden_size"]; head = d / value["num_attention_heads"]
      kv = value["num_key_value_heads"] * head; layers = value["num_hidden_layers"]
      body = layers * (2 * d * d + 2 * d * kv + 3 * d * value["intermediate_size"])
      printf "%.0f %.0f %d %d\n", body, value["vocab_size"] * d, layers, d
    }'
}

# rows_file FILE COUNT SEED QUESTION_WORDS ANSWER_WORDS SPREAD: TOFU-like rows of drawn lengths.
rows_file() {
  awk -v n="$2" -v seed="$3" -v q="$4" -v a="$5" -v spread="$6" '
    function text(count, i, words) {
      words = ""
      for (i = 0; i < count; i++) words = words (i ? " " : "") word[int(rand() * 8) + 1]
      return words
    }
    BEGIN {
      split("the river was born in a small town", word, " ")
      srand(seed)
      printf "["
      for (r = 0; r < n; r++) {
        printf "%s{\"question\": \"%s\", \"answer\": \"%s\"}", r ? ",\n" : "",
          text(int(q * (1 + spread * (rand() - 0.5)))), text(int(a * (1 + spread * (rand() - 0.5))))
      }
      print "]"
    }' >"$1"
}

# With the bundled tokenizer and no template 52 and 32 words are 93 tokens, 36 of them labelled, as
# tofu_len_v1.json has on average.
make_data() { # make_data FOLDER ANSWER_WORDS SPREAD
  mkdir -p "$1"
  rows_file "$1/forget05.json" 128 1 52 "$2" "$3"
  rows_file "$1/retain95.json" 512 2 52 "$2" "$3"
}
