// Scoring stages: label log-probabilities, multiple choice, gradient norms, divergences.
#include <algorithm>
#include <cmath>
#include <numeric>

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

// An ExampleScore as the cache keeps it.
struct StoredScore {
  ExampleScore score;
};

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

// Called by Json::get.
void from_json(const Json& json, StoredScore& stored) {
  ExampleScore& score = stored.score;
  score.logp = json.at("logp").get<std::vector<double>>();
  for (const char match : json.at("match").get<std::string>()) {
    score.argmax_matches.push_back(match == '1' ? 1 : 0);
  }
  if (json.contains("mean")) {
    score.mean_logp = json.at("mean").get<std::vector<double>>();
    score.variance_logp = json.at("variance").get<std::vector<double>>();
  }
}

// True when the stored form has all that this plan asks for.
bool answers(const ExampleScore& score, const ScoreItem& item) {
  const auto labels = static_cast<size_t>(item.example.num_labels);
  const size_t moments = item.moments ? labels : score.mean_logp.size();
  return score.logp.size() == labels && score.argmax_matches.size() == labels &&
         score.mean_logp.size() == moments && score.variance_logp.size() == moments;
}

// Cuts indices, longest first, into groups of at most `budget` tokens.
template <class LengthOf>
std::vector<std::vector<ResultId>> cut_groups(std::vector<ResultId> ids, int64_t budget,
                                              const LengthOf& length_of) {
  std::stable_sort(ids.begin(), ids.end(),
                   [&](ResultId a, ResultId b) { return length_of(a) > length_of(b); });
  std::vector<std::vector<ResultId>> groups;
  int64_t tokens = 0;
  for (const ResultId id : ids) {
    const int64_t length = length_of(id);
    if (groups.empty() || tokens + length > budget) {
      groups.emplace_back();
      tokens = 0;
    }
    groups.back().push_back(id);
    tokens += length;
  }
  return groups;
}

// Groups of one pack each: texts that begin alike, as a question's answers do, stay together.
std::vector<std::vector<ResultId>> score_groups(const std::vector<ScoreItem>& items,
                                                int64_t budget) {
  std::vector<data::TokenSpan> texts, sorted;
  for (const ScoreItem& item : items) texts.emplace_back(item.example.tokens);
  const std::vector<size_t> order = data::order_by_beginning(texts);
  for (const size_t index : order) sorted.push_back(texts[index]);
  const std::vector<size_t> cuts = data::cut_by_pack(sorted, budget, /*share=*/true);
  std::vector<std::vector<ResultId>> groups;
  for (size_t c = 0; c + 1 < cuts.size(); ++c) {
    std::vector<ResultId>& group = groups.emplace_back();
    for (size_t i = cuts[c]; i < cuts[c + 1]; ++i) group.push_back(order[i]);
  }
  return groups;
}

std::vector<ResultId> all_ids(size_t count) {
  std::vector<ResultId> ids(count);
  std::iota(ids.begin(), ids.end(), ResultId{0});
  return ids;
}

// The groups of which a result is missing. They are cut from all requests and run whole: the last
// bits of a result depend on what runs beside it, and an evaluation that goes on after a kill must
// say what it would have said without one.
std::vector<std::vector<ResultId>> unfinished(std::vector<std::vector<ResultId>> groups,
                                              const std::vector<ResultId>& pending) {
  std::erase_if(groups, [&](const std::vector<ResultId>& group) {
    return std::none_of(group.begin(), group.end(), [&](ResultId id) {
      return std::binary_search(pending.begin(), pending.end(), id);
    });
  });
  return groups;
}

size_t count_ids(const std::vector<std::vector<ResultId>>& groups) {
  size_t count = 0;
  for (const std::vector<ResultId>& group : groups) count += group.size();
  return count;
}

int64_t size_of(const std::vector<int32_t>& tokens) { return static_cast<int64_t>(tokens.size()); }

}  // namespace

void run_scores(const Plan& plan, const StageContext& context, Results& results) {
  const std::vector<ScoreItem>& items = plan.scores();
  results.scores.resize(items.size());
  std::vector<ResultId> pending;
  for (ResultId id = 0; id < items.size(); ++id) {
    auto stored = context.store.find_as<StoredScore>(items[id].key);
    if (stored && answers(stored->score, items[id])) {
      results.scores[id] = std::move(stored->score);
    } else {
      pending.push_back(id);
    }
  }
  const auto groups = unfinished(score_groups(items, context.options.batch_tokens), pending);
  const size_t total = count_ids(groups);
  size_t done = 0;
  for (const auto& group : groups) {
    std::vector<const data::Example*> examples;
    scoring::ScoreExamplesOptions options;
    options.batch_tokens = context.options.batch_tokens;
    for (const ResultId id : group) {
      examples.push_back(&items[id].example);
      options.with_moments.push_back(items[id].moments ? 1 : 0);
    }
    auto scores = scoring::score_examples(context.model(), examples, options);
    for (size_t i = 0; i < group.size(); ++i) {
      if (can_be_stored(scores[i])) {
        context.store.add(items[group[i]].key, score_to_json(scores[i]));
      }
      results.scores[group[i]] = std::move(scores[i]);
    }
    context.store.flush();
    report_progress(context, "scoring", done += group.size(), total);
  }
}

void run_choices(const Plan& plan, const StageContext& context, Results& results) {
  const std::vector<ChoiceItem>& items = plan.choices();
  results.choices.resize(items.size());
  std::vector<ResultId> pending;
  for (ResultId id = 0; id < items.size(); ++id) {
    auto stored = context.store.find_as<std::vector<double>>(items[id].key);
    if (stored && stored->size() == items[id].candidates.size()) {
      results.choices[id] = std::move(*stored);
    } else {
      pending.push_back(id);
    }
  }
  const auto length_of = [&](ResultId id) { return size_of(items[id].prompt); };
  const auto groups = unfinished(
      cut_groups(all_ids(items.size()), context.options.batch_tokens, length_of), pending);
  const size_t total = count_ids(groups);
  size_t done = 0;
  for (const auto& group : groups) {
    std::vector<scoring::NextTokenQuery> queries;
    for (const ResultId id : group) queries.push_back({&items[id].prompt, &items[id].candidates});
    auto logp = scoring::next_token_logprob(context.model(), queries);
    for (size_t i = 0; i < group.size(); ++i) {
      if (all_finite(logp[i])) context.store.add(items[group[i]].key, Json(logp[i]));
      results.choices[group[i]] = std::move(logp[i]);
    }
    context.store.flush();
    report_progress(context, "multiple choice", done += group.size(), total);
  }
}

void run_gradients(const Plan& plan, const StageContext& context, Results& results) {
  const std::vector<ScoreItem>& items = plan.gradients();
  results.gradient_norms.resize(items.size());
  std::vector<ResultId> pending;
  for (ResultId id = 0; id < items.size(); ++id) {
    if (const auto stored = context.store.find_as<double>(items[id].key)) {
      results.gradient_norms[id] = *stored;
    } else {
      pending.push_back(id);
    }
  }
  for (size_t i = 0; i < pending.size(); ++i) {
    const ScoreItem& item = items[pending[i]];
    const double norm = scoring::mean_gradient_norm(context.model(), item.example);
    if (std::isfinite(norm)) context.store.add(item.key, Json(norm));
    results.gradient_norms[pending[i]] = norm;
    context.store.flush();
    report_progress(context, "gradients", i + 1, pending.size());
  }
}

void run_divergences(const Plan& plan, const StageContext& context, Results& results) {
  const std::vector<ScoreItem>& items = plan.divergences();
  results.divergences.resize(items.size());
  const auto stored_key = [&](ResultId id) {
    return sha256(cat(items[id].key, " from ", context.options.original_key));
  };
  std::vector<ResultId> pending;
  for (ResultId id = 0; id < items.size(); ++id) {
    if (const auto stored = context.store.find_as<double>(stored_key(id))) {
      results.divergences[id] = *stored;
    } else {
      pending.push_back(id);
    }
  }
  const auto length_of = [&](ResultId id) { return size_of(items[id].example.tokens); };
  const auto groups = unfinished(
      cut_groups(all_ids(items.size()), context.options.batch_tokens, length_of), pending);
  const size_t total = count_ids(groups);
  size_t done = 0;
  for (const auto& group : groups) {
    std::vector<const data::Example*> examples;
    for (const ResultId id : group) examples.push_back(&items[id].example);
    const auto values =
        scoring::mean_divergence(context.model(), context.options.original(), examples);
    for (size_t i = 0; i < group.size(); ++i) {
      if (std::isfinite(values[i])) context.store.add(stored_key(group[i]), Json(values[i]));
      results.divergences[group[i]] = values[i];
    }
    context.store.flush();
    report_progress(context, "divergences", done += group.size(), total);
  }
}

}  // namespace unlearn::eval
