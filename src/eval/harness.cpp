#include "unlearn/eval/harness.h"

#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/core/python_text.h"

namespace unlearn::eval {
namespace {

using Tokens = std::vector<int32_t>;

struct EncodedPair {
  Tokens context, continuation;
};

EncodedPair encode_pair(const Continuation& pair, const EvaluationInputs& inputs) {
  const size_t kept = python_rstrip(pair.context).size();
  const std::string context = pair.context.substr(0, kept);
  const std::string continuation = pair.context.substr(kept) + pair.continuation;
  // The harness sets add_bos_token for every model type with this in its name.
  const bool with_bos = inputs.model_type.find("gemma") != std::string::npos;
  EncodedPair encoded{inputs.tokenizer.encode(context, with_bos), {}};
  const Tokens whole = inputs.tokenizer.encode(context + continuation, with_bos);
  if (encoded.context.empty()) user_error("a context without a token");
  if (whole.size() <= encoded.context.size()) {
    user_error("'", pair.continuation, "' is no token of its own after the text before it");
  }
  encoded.continuation.assign(whole.begin() + static_cast<std::ptrdiff_t>(encoded.context.size()),
                              whole.end());
  return encoded;
}

Tokens newest(const Tokens& tokens, int64_t limit) {
  const auto size = static_cast<int64_t>(tokens.size());
  return {tokens.end() - (limit > 0 ? std::min(limit, size) : size), tokens.end()};
}

// The last token is a label alone, so that the model reads `limit` tokens at most.
data::Example continued(const EncodedPair& pair, int64_t limit) {
  const auto count = static_cast<int64_t>(pair.continuation.size());
  if (limit > 0 && count > limit) {
    user_error("a continuation of ", count, " tokens; the model reads ", limit);
  }
  data::Example example;
  example.tokens = newest(pair.context, limit > 0 ? limit + 1 - count : 0);
  example.labels.assign(example.tokens.size(), data::kIgnored);
  example.tokens.insert(example.tokens.end(), pair.continuation.begin(), pair.continuation.end());
  example.labels.insert(example.labels.end(), pair.continuation.begin(), pair.continuation.end());
  example.num_labels = count;
  return example;
}

}  // namespace

PlannedContinuations plan_continuations(const std::vector<Continuation>& continuations,
                                        const EvaluationInputs& inputs, Plan& plan, bool exactly) {
  std::vector<EncodedPair> pairs;
  for (const Continuation& pair : continuations) pairs.push_back(encode_pair(pair, inputs));
  const int64_t limit = inputs.config.max_length.value_or(inputs.context);
  PlannedContinuations planned;
  const bool single = std::all_of(pairs.begin(), pairs.end(), [&](const EncodedPair& pair) {
    return pair.continuation.size() == 1 && pair.context == pairs.front().context;
  });
  if (single && !exactly) {
    Tokens candidates;
    for (const EncodedPair& pair : pairs) candidates.push_back(pair.continuation.front());
    planned.choice = plan.choose(newest(pairs.front().context, limit), std::move(candidates));
    return planned;
  }
  for (const EncodedPair& pair : pairs)
    planned.scores.push_back(plan.score(continued(pair, limit)));
  return planned;
}

std::vector<double> log_likelihoods(const PlannedContinuations& planned, const Results& results) {
  if (planned.choice) return results[*planned.choice];
  std::vector<double> sums;
  for (const ScoreId id : planned.scores) sums.push_back(results[id].sum());
  return sums;
}

std::vector<bool> greedy_matches(const PlannedContinuations& planned, const Results& results) {
  UNLEARN_CHECK(!planned.choice);
  std::vector<bool> matches;
  for (const ScoreId id : planned.scores) {
    const std::vector<uint8_t>& hits = results[id].argmax_matches;
    matches.push_back(std::all_of(hits.begin(), hits.end(), [](uint8_t hit) { return hit != 0; }));
  }
  return matches;
}

}  // namespace unlearn::eval
