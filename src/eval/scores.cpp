// Scoring stages: label log-probabilities, multiple choice, gradient norms, divergences.
#include <algorithm>
#include <cmath>

#include "eval/stages.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/data/shared_pack.h"
#include "unlearn/scoring/divergence.h"
#include "unlearn/scoring/gradient_norm.h"
#include "unlearn/scoring/next_token.h"

namespace unlearn::eval {
namespace {

using scoring::ExampleScore;

bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

// JSON has no infinities: what a diverged model says is not kept but computed again.
bool can_be_stored(const ExampleScore& score) {
  return all_finite(score.logp) && all_finite(score.mean_logp) && all_finite(score.variance_logp);
}

Json score_to_json(const ExampleScore& score) {
  std::string matches;
  for (const uint8_t match : score.argmax_matches) matches += match != 0 ? '1' : '0';
  Json json = {{"logp", score.logp}, {"match", std::move(matches)}};
  if (!score.mean_logp.empty()) {
    json["mean"] = score.mean_logp;
    json["variance"] = score.variance_logp;
  }
  return json;
}

ExampleScore score_from_json(const Json& json) {
  ExampleScore score;
  score.logp = json.at("logp").get<std::vector<double>>();
  for (const char match : json.at("match").get<std::string>()) {
    score.argmax_matches.push_back(match == '1' ? 1 : 0);
  }
  if (json.contains("mean")) {
    score.mean_logp = json.at("mean").get<std::vector<double>>();
    score.variance_logp = json.at("variance").get<std::vector<double>>();
  }
  return score;
}

// True when the stored form has all that this plan asks for.
bool answers(const ExampleScore& score, const ScoreRequest& item) {
  const auto labels = static_cast<size_t>(item.example.num_labels);
  const size_t moments = item.moments ? labels : score.mean_logp.size();
  return score.logp.size() == labels && score.argmax_matches.size() == labels &&
         score.mean_logp.size() == moments && score.variance_logp.size() == moments;
}

// Groups of one pack each: texts that begin alike, as a question's answers do, stay together.
Batches score_groups(const std::vector<Item<ScoreRequest>>& items, int64_t budget) {
  std::vector<data::TokenSpan> texts, sorted;
  for (const auto& item : items) texts.emplace_back(item.example.tokens);
  const std::vector<size_t> order = data::order_by_beginning(texts);
  for (const size_t index : order) sorted.push_back(texts[index]);
  const std::vector<size_t> cuts = data::cut_by_pack(sorted, budget, /*share=*/true);
  Batches groups;
  for (size_t c = 0; c + 1 < cuts.size(); ++c) {
    std::vector<size_t>& group = groups.emplace_back();
    for (size_t i = cuts[c]; i < cuts[c + 1]; ++i) group.push_back(order[i]);
  }
  return groups;
}

int64_t size_of(const std::vector<int32_t>& tokens) { return static_cast<int64_t>(tokens.size()); }

std::optional<Json> finite_number(double value) {
  return std::isfinite(value) ? std::optional<Json>(value) : std::nullopt;
}

}  // namespace

template <>
struct Stage<ScoreRequest> {
  static constexpr const char* kName = "scoring";

  static std::string stored_key(const Item<ScoreRequest>& item, const ExecuteOptions&) {
    return item.key;
  }
  static bool fits(const ScoreRequest& item, const ExampleScore& score) {
    return answers(score, item);
  }
  static std::optional<Json> to_json(const ExampleScore& score) {
    return can_be_stored(score) ? std::optional<Json>(score_to_json(score)) : std::nullopt;
  }
  static ExampleScore from_json(const Json& json) { return score_from_json(json); }

  static Batches batches(const std::vector<Item<ScoreRequest>>& items,
                         const std::vector<size_t>& pending, const ExecuteOptions& options) {
    return unfinished(score_groups(items, options.batch_tokens), pending);
  }
  static void run(const std::vector<Item<ScoreRequest>>& items, const std::vector<size_t>& batch,
                  const StageContext& context, const Deliver<ScoreRequest>& deliver) {
    std::vector<const data::Example*> examples;
    scoring::ScoreExamplesOptions options;
    options.batch_tokens = context.options.batch_tokens;
    for (const size_t id : batch) {
      examples.push_back(&items[id].example);
      options.with_moments.push_back(items[id].moments ? 1 : 0);
    }
    deliver(batch, scoring::score_examples(context.model(), examples, options));
  }
};

template <>
struct Stage<ChoiceRequest> {
  static constexpr const char* kName = "multiple choice";

  static std::string stored_key(const Item<ChoiceRequest>& item, const ExecuteOptions&) {
    return item.key;
  }
  static bool fits(const ChoiceRequest& item, const std::vector<double>& logp) {
    return logp.size() == item.candidates.size();
  }
  static std::optional<Json> to_json(const std::vector<double>& logp) {
    return all_finite(logp) ? std::optional<Json>(logp) : std::nullopt;
  }
  static std::vector<double> from_json(const Json& json) { return json.get<std::vector<double>>(); }

  static Batches batches(const std::vector<Item<ChoiceRequest>>& items,
                         const std::vector<size_t>& pending, const ExecuteOptions& options) {
    const auto length_of = [&](size_t id) { return size_of(items[id].prompt); };
    return unfinished(cut_groups(all_ids(items.size()), options.batch_tokens, length_of), pending);
  }
  static void run(const std::vector<Item<ChoiceRequest>>& items, const std::vector<size_t>& batch,
                  const StageContext& context, const Deliver<ChoiceRequest>& deliver) {
    std::vector<scoring::NextTokenQuery> queries;
    for (const size_t id : batch) queries.push_back({&items[id].prompt, &items[id].candidates});
    deliver(batch, scoring::next_token_logprob(context.model(), queries));
  }
};

template <>
struct Stage<GradientRequest> {
  static constexpr const char* kName = "gradients";

  static std::string stored_key(const Item<GradientRequest>& item, const ExecuteOptions&) {
    return item.key;
  }
  static bool fits(const GradientRequest&, double) { return true; }
  static std::optional<Json> to_json(double norm) { return finite_number(norm); }
  static double from_json(const Json& json) { return json.get<double>(); }

  static Batches batches(const std::vector<Item<GradientRequest>>&,
                         const std::vector<size_t>& pending, const ExecuteOptions&) {
    Batches batches;
    for (const size_t id : pending) batches.push_back({id});
    return batches;
  }
  static void run(const std::vector<Item<GradientRequest>>& items, const std::vector<size_t>& batch,
                  const StageContext& context, const Deliver<GradientRequest>& deliver) {
    for (const size_t id : batch) {
      deliver({&id, 1}, {scoring::mean_gradient_norm(context.model(), items[id].example)});
    }
  }
};

template <>
struct Stage<DivergenceRequest> {
  static constexpr const char* kName = "divergences";

  static std::string stored_key(const Item<DivergenceRequest>& item,
                                const ExecuteOptions& options) {
    return sha256(cat(item.key, " from ", options.original_key));
  }
  static bool fits(const DivergenceRequest&, double) { return true; }
  static std::optional<Json> to_json(double divergence) { return finite_number(divergence); }
  static double from_json(const Json& json) { return json.get<double>(); }

  static Batches batches(const std::vector<Item<DivergenceRequest>>& items,
                         const std::vector<size_t>& pending, const ExecuteOptions& options) {
    const auto length_of = [&](size_t id) { return size_of(items[id].example.tokens); };
    return unfinished(cut_groups(all_ids(items.size()), options.batch_tokens, length_of), pending);
  }
  static void run(const std::vector<Item<DivergenceRequest>>& items,
                  const std::vector<size_t>& batch, const StageContext& context,
                  const Deliver<DivergenceRequest>& deliver) {
    std::vector<const data::Example*> examples;
    for (const size_t id : batch) examples.push_back(&items[id].example);
    deliver(batch, scoring::mean_divergence(context.model(), context.options.original(), examples));
  }
};

template void run_requests<ScoreRequest>(const Plan&, const StageContext&, Results&);
template void run_requests<ChoiceRequest>(const Plan&, const StageContext&, Results&);
template void run_requests<GradientRequest>(const Plan&, const StageContext&, Results&);
template void run_requests<DivergenceRequest>(const Plan&, const StageContext&, Results&);

}  // namespace unlearn::eval
