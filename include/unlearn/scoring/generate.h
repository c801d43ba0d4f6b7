// Batched generation with a key-value cache: greedy by default, exact for prompts of any lengths.
// A finished output leaves its place to the next prompt.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "unlearn/model/causal_lm.h"
#include "unlearn/runtime/token_budget.h"
#include "unlearn/scoring/decoding_rules.h"

namespace unlearn::scoring {

struct GenerateOptions {
  int64_t max_new_tokens = 128;
  int64_t max_total_tokens = 0;   // prompt + new; 0: no limit
  double temperature = 0.0;       // 0: greedy
  double top_p = 1.0;             // sampling keeps the smallest set of tokens with this probability
  uint64_t seed = 0;              // a draw is a pure function of (seed, stream, step)
  std::vector<uint64_t> streams;  // each prompt's random stream; empty: its index
  DecodingRules rules = {};       // what the model's generation_config.json asks for
  std::vector<int32_t> stop_ids;  // end-of-sequence tokens; they end an output and are not in it
  // Asked after every new token of an output; true ends it (stop strings).
  std::function<bool(const std::vector<int32_t>& output)> should_stop;
  // Cached tokens (prompt + new) of the outputs under way.
  int64_t batch_tokens = runtime::kGenerationTokens.cpu;
  std::function<void(int64_t done, int64_t total)> progress;
  // Who's Harry Potter (arXiv 2310.02238): at every step the logits become
  // z - whp_alpha ReLU(z_reinforced - z), with a model fine-tuned further on the forget data.
  model::CausalLM* reinforced = nullptr;
  double whp_alpha = 1.0;
};

// z - alpha ReLU(reinforced - z), of any shape.
torch::Tensor whp_logits(const torch::Tensor& logits, const torch::Tensor& reinforced,
                         double alpha);

// Continues every prompt (at least one token each); outputs in the prompts' order.
std::vector<std::vector<int32_t>> generate(model::CausalLM& model,
                                           const std::vector<std::vector<int32_t>>& prompts,
                                           const GenerateOptions& options);

}  // namespace unlearn::scoring
