// What an evaluation wants to know from a model, gathered before anything runs: equal requests of
// different metrics become one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "unlearn/data/example.h"
#include "unlearn/scoring/score_examples.h"

namespace unlearn::eval {

// A kind of request is a struct with
//   Answer               what the model says to it;
//   key()                a hash of all that decides the answer;
//   join(same)           takes over what a request of the same key asks for besides;
//   tokens()             every token id in it;
//   hide(token)          the same request where a token is hidden from attention
//                        (ExecuteOptions::masked_token): true when the answer may be another.
// Each is stored, run and counted by the templates below and in src/eval/stages.h.

// Scores of the example's labels.
struct ScoreRequest {
  using Answer = scoring::ExampleScore;
  data::Example example;
  bool moments = false;  // also mean and variance of log p over the vocabulary

  std::string key() const;
  void join(const ScoreRequest& same) { moments = moments || same.moments; }
  std::vector<std::span<const int32_t>> tokens() const { return {example.tokens}; }
  bool hide(int32_t token);
};

// Mean over parameter tensors of the 2-norm of the gradient of the example's mean label loss.
struct GradientRequest {
  using Answer = double;
  data::Example example;

  std::string key() const;
  void join(const GradientRequest&) {}
  std::vector<std::span<const int32_t>> tokens() const { return {example.tokens}; }
  bool hide(int32_t token);
};

// Mean over the example's tokens of KL(original model || model). Labels do not matter.
struct DivergenceRequest {
  using Answer = double;
  data::Example example;

  std::string key() const;
  void join(const DivergenceRequest&) {}
  std::vector<std::span<const int32_t>> tokens() const { return {example.tokens}; }
  bool hide(int32_t token);
};

// How far a generation may go. It ends at EOS and before a stop string in any case.
struct GenerationLimits {
  int64_t max_new_tokens = 200;
  int64_t max_total_tokens = 0;           // prompt and new tokens; 0: no limit
  std::vector<std::string> stop_strings;  // an output that holds one ends with it

  bool operator==(const GenerationLimits&) const = default;
};

// A request's own way to draw tokens, whatever the evaluation's (ExecuteOptions::temperature).
struct Sampling {
  double temperature = 1;
  double top_p = 1;
  int64_t draw = 0;  // the same prompt's samples differ by it

  bool operator==(const Sampling&) const = default;
};

// New tokens after a prompt, without the end-of-sequence token.
struct GenerationRequest {
  using Answer = std::vector<int32_t>;
  std::vector<int32_t> prompt;
  GenerationLimits limits;
  std::optional<Sampling> sampling = {};  // unset: as the evaluation draws

  std::string key() const;
  void join(const GenerationRequest&) {}
  std::vector<std::span<const int32_t>> tokens() const { return {prompt}; }
  // The prompt goes without the token, as transformers' generate counts positions past it.
  // UserError for a prompt that ends with it.
  bool hide(int32_t token);
};

// log p of each candidate as the next token after a prompt (multiple choice).
struct ChoiceRequest {
  using Answer = std::vector<double>;  // per candidate
  std::vector<int32_t> prompt;
  std::vector<int32_t> candidates;

  std::string key() const;
  void join(const ChoiceRequest&) {}
  std::vector<std::span<const int32_t>> tokens() const { return {prompt, candidates}; }
  bool hide(int32_t) { return false; }  // lm-evaluation-harness hides nothing
};

// A request's place among those of its kind.
template <class Request>
struct Id {
  size_t index = 0;
  bool operator==(const Id&) const = default;
};
using ScoreId = Id<ScoreRequest>;
using GradientId = Id<GradientRequest>;
using DivergenceId = Id<DivergenceRequest>;
using GenerationId = Id<GenerationRequest>;
using ChoiceId = Id<ChoiceRequest>;

template <class Request>
struct Item : Request {
  std::string key;  // content hash
};

// The requests of one kind.
template <class Request>
class Requests {
 public:
  Id<Request> add(Request request) {
    std::string key = request.key();
    const auto [place, is_new] = places_.try_emplace(key, items_.size());
    if (is_new) {
      items_.push_back({std::move(request), std::move(key)});
    } else {
      items_[place->second].join(request);
    }
    return {place->second};
  }
  const std::vector<Item<Request>>& items() const { return items_; }
  void hide(int32_t token);

 private:
  std::vector<Item<Request>> items_;
  std::unordered_map<std::string, size_t> places_;
};

class Plan {
 public:
  template <class Request>
  Id<Request> add(Request request) {
    return std::get<Requests<Request>>(requests_).add(std::move(request));
  }
  template <class Request>
  const std::vector<Item<Request>>& of() const {
    return std::get<Requests<Request>>(requests_).items();
  }
  // visit(items) for every kind.
  template <class Visit>
  void for_each_kind(const Visit& visit) const {
    std::apply([&](const auto&... kinds) { (visit(kinds.items()), ...); }, requests_);
  }

  ScoreId score(data::Example example, bool moments = false) {
    return add(ScoreRequest{std::move(example), moments});
  }
  GradientId gradient_norm(data::Example example) {
    return add(GradientRequest{std::move(example)});
  }
  DivergenceId divergence(data::Example example) {
    return add(DivergenceRequest{std::move(example)});
  }
  GenerationId generate(std::vector<int32_t> prompt, const GenerationLimits& limits,
                        const std::optional<Sampling>& sampling = {}) {
    return add(GenerationRequest{std::move(prompt), limits, sampling});
  }
  ChoiceId choose(std::vector<int32_t> prompt, std::vector<int32_t> candidates) {
    return add(ChoiceRequest{std::move(prompt), std::move(candidates)});
  }

  // The same requests where a token is hidden from attention; the keys of those that hold it are
  // others.
  Plan with_masked_token(int32_t token) const;
  // UserError for a token id that a model with `vocab_size` embeddings does not have; `what` names
  // the model ("" for the one under evaluation).
  void check_token_ids(int64_t vocab_size, const std::string& what) const;
  bool empty() const;
  // "812 texts (41,201 tokens), 310 generations"
  std::string summary() const;

 private:
  std::tuple<Requests<ScoreRequest>, Requests<GenerationRequest>, Requests<ChoiceRequest>,
             Requests<GradientRequest>, Requests<DivergenceRequest>>
      requests_;
};

// The answers, in the plan's order.
class Results {
 public:
  template <class Request>
  const typename Request::Answer& operator[](Id<Request> id) const {
    return of<Request>().at(id.index);
  }
  template <class Request>
  std::vector<typename Request::Answer>& of() {
    return std::get<Answers<Request>>(answers_).values;
  }
  template <class Request>
  const std::vector<typename Request::Answer>& of() const {
    return std::get<Answers<Request>>(answers_).values;
  }

 private:
  template <class Request>
  struct Answers {
    std::vector<typename Request::Answer> values;
  };
  std::tuple<Answers<ScoreRequest>, Answers<GenerationRequest>, Answers<ChoiceRequest>,
             Answers<GradientRequest>, Answers<DivergenceRequest>>
      answers_;
};

}  // namespace unlearn::eval
