// Decoding rules at work on logits, in transformers' order (generation/utils.py,
// _get_logits_processor) and with its arithmetic (generation/logits_process.py).
#pragma once

#include <torch/types.h>

#include <span>

#include "unlearn/scoring/decoding_rules.h"

namespace unlearn::scoring {

// The text before the token that a row of logits chooses.
struct RowText {
  std::span<const int32_t> text;  // prompt and new tokens
  int64_t prompt = 0;             // tokens of the prompt
  int64_t max_length = 0;         // of prompt and output
};

class LogitRules {
 public:
  // `stop_ids`: the tokens that end an output.
  LogitRules(const DecodingRules& rules, const std::vector<int32_t>& stop_ids);

  // Changes logits [R, V], one row a text.
  void apply(const torch::Tensor& z, const std::vector<RowText>& rows) const;

 private:
  void add_biases(const torch::Tensor& z, const std::vector<RowText>& rows,
                  const std::vector<SequenceBias>& biases) const;
  void penalise_repetition(const torch::Tensor& z, const std::vector<RowText>& rows) const;
  // -infinity for what may not come, then the row's only choice where there is one.
  void forbid(const torch::Tensor& z, const std::vector<RowText>& rows) const;
  void force(const torch::Tensor& z, const std::vector<RowText>& rows) const;
  void penalise_length(const torch::Tensor& z, const std::vector<RowText>& rows) const;
  void suppress(const torch::Tensor& z, const std::vector<RowText>& rows) const;

  const DecodingRules& rules_;
  std::vector<int32_t> stop_ids_;
  std::vector<SequenceBias> bad_words_;  // without those that are a stop token alone
};

}  // namespace unlearn::scoring
