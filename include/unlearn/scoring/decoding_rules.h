// What a model's generation_config.json asks of greedy decoding beyond the likeliest token:
// penalties, forced and suppressed tokens, as transformers' generate() obeys them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::scoring {

// Added to the logit of a sequence's last token where the text ends with its other tokens.
struct SequenceBias {
  std::vector<int32_t> ids;
  double bias = 0;
};

// The penalty on long outputs grows as factor^(tokens after start).
struct LengthDecay {
  int64_t start = 0;  // new tokens without it
  double factor = 1;
};

struct DecodingRules {
  std::vector<SequenceBias> biases;
  double repetition_penalty = 1;        // of tokens that the text (prompt included) has; 1: none
  int64_t no_repeat_ngram_size = 0;     // 0: none
  std::vector<SequenceBias> bad_words;  // their bias is minus infinity
  int64_t min_length = 0;               // of prompt and output
  int64_t min_new_tokens = 0;           // takes the place of min_length
  std::optional<int32_t> forced_bos;    // after a prompt of one token
  std::vector<int32_t> forced_eos;      // at the last token that the limits leave
  std::optional<LengthDecay> length_decay;
  std::vector<int32_t> suppressed;        // everywhere
  std::vector<int32_t> begin_suppressed;  // as the first new token

  Json applied = Json::object();        // the file's keys that the fields above come from
  std::vector<std::string> refused;     // keys that change greedy outputs and are not built in
  std::vector<std::string> unused;      // keys of sampling that are not built in
  std::vector<std::string> notes = {};  // further warnings
  std::filesystem::path file = {};

  bool empty() const { return applied.empty(); }
  // "repetition_penalty 1.05, no_repeat_ngram_size 3"
  std::string text() const;
  // UserError when outputs would differ from transformers'. `off` is how to leave the file out.
  void check(const std::string& off) const;
  // Says what is applied and what is not. `sampled`: tokens are drawn.
  void report(const std::string& off, bool sampled) const;
};

// Reads <folder>/generation_config.json; without it there are no rules. UserError on values of a
// wrong kind and on token ids beyond the vocabulary.
DecodingRules read_decoding_rules(const std::filesystem::path& folder, int64_t vocab_size);

}  // namespace unlearn::scoring
