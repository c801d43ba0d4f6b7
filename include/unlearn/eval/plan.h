// What an evaluation wants to know from a model, gathered before anything runs: equal requests of
// different metrics become one.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "unlearn/data/example.h"
#include "unlearn/scoring/score_batch.h"

namespace unlearn::eval {

// How far a generation may go. It ends at EOS and before a stop string in any case.
struct GenerationLimits {
  int64_t max_new_tokens = 200;
  int64_t max_total_tokens = 0;           // prompt and new tokens; 0: no limit
  std::vector<std::string> stop_strings;  // an output that holds one ends with it

  bool operator==(const GenerationLimits&) const = default;
};

// A request's place in the results of its kind.
using ResultId = size_t;

struct ScoreItem {
  std::string key;  // content hash
  data::Example example;
  bool moments = false;  // also mean and variance of log p over the vocabulary
};
struct GenerationItem {
  std::string key;
  std::vector<int32_t> prompt;
  GenerationLimits limits;
};
struct ChoiceItem {
  std::string key;
  std::vector<int32_t> prompt;
  std::vector<int32_t> candidates;
};

class Plan {
 public:
  // Scores of the example's labels.
  ResultId score(data::Example example, bool moments = false);
  // New tokens after a prompt.
  ResultId generate(std::vector<int32_t> prompt, const GenerationLimits& limits);
  // log p of each candidate as the next token after a prompt (multiple choice).
  ResultId choose(std::vector<int32_t> prompt, std::vector<int32_t> candidates);
  // Mean over parameter tensors of the 2-norm of the gradient of the example's mean label loss.
  ResultId gradient_norm(data::Example example);
  // Mean over the example's tokens of KL(original model || model).
  ResultId divergence(data::Example example);

  const std::vector<ScoreItem>& scores() const { return scores_; }
  const std::vector<GenerationItem>& generations() const { return generations_; }
  const std::vector<ChoiceItem>& choices() const { return choices_; }
  const std::vector<ScoreItem>& gradients() const { return gradients_; }
  const std::vector<ScoreItem>& divergences() const { return divergences_; }
  // The same requests where a token is hidden from attention (ExecuteOptions::masked_token):
  // prompts go without it, as transformers' generate counts positions past it; the keys of texts
  // with that token are others. UserError for a prompt that ends with it.
  Plan with_masked_token(int32_t token) const;
  bool empty() const;
  // "812 texts (41,201 tokens), 310 generations"
  std::string summary() const;

 private:
  using Places = std::unordered_map<std::string, ResultId>;
  std::vector<ScoreItem> scores_, gradients_, divergences_;
  std::vector<GenerationItem> generations_;
  std::vector<ChoiceItem> choices_;
  Places score_places_, gradient_places_, divergence_places_, generation_places_, choice_places_;
};

// The answers, in the plan's order.
struct Results {
  std::vector<scoring::ExampleScore> scores;
  std::vector<std::vector<int32_t>> generations;  // without the end-of-sequence token
  std::vector<std::vector<double>> choices;       // per candidate
  std::vector<double> gradient_norms;
  std::vector<double> divergences;
};

}  // namespace unlearn::eval
