// Runs a plan on a model, batch by batch, keeping what is done on disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "unlearn/eval/plan.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/runtime/token_budget.h"
#include "unlearn/scoring/decoding_rules.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::eval {

// In a cache folder: results by content hash.
constexpr const char* kResultsFile = "results.jsonl";

// Called for the model when something has to run; a plan that is wholly cached never asks.
using ModelProvider = std::function<model::CausalLM&()>;

struct ExecuteOptions {
  const tokenizer::Tokenizer* tokenizer = nullptr;  // for EOS and stop strings
  double temperature = 0;                           // of generations; 0: greedy
  double top_p = 1;
  uint64_t seed = 0;
  scoring::DecodingRules rules = {};  // of the model's generation_config.json
  // Hidden from attention in texts that are scored and in prompts (eval.pad_is_masked); multiple
  // choice, which OpenUnlearning leaves to lm-evaluation-harness, does not know it.
  std::optional<int32_t> masked_token = {};
  int64_t batch_tokens = runtime::kScoringTokens.cpu;
  int64_t generation_tokens = runtime::kGenerationTokens.cpu;
  // Results are appended to <cache>/results.jsonl after every batch and read back by content hash;
  // empty: not kept. The folder belongs to one model in one precision.
  std::filesystem::path cache;
  ModelProvider original;    // the model before unlearning; asked for divergences only
  std::string original_key;  // what its weights are
  // ("scoring", 12, 80): items done of those that had to run.
  std::function<void(const std::string& stage, int64_t done, int64_t total)> progress;
};

Results execute(const Plan& plan, const ModelProvider& model, const ExecuteOptions& options);

}  // namespace unlearn::eval
