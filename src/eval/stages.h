// The stages of execute(): each fills the answers of one kind of request from the store or the
// model.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "eval/result_store.h"
#include "unlearn/eval/execute.h"

namespace unlearn::eval {

struct StageContext {
  const ModelProvider& model;
  const ExecuteOptions& options;
  ResultStore& store;
};

// Adds to request_counts().
void count_requests(int64_t asked, int64_t run);

using Batches = std::vector<std::vector<size_t>>;

// 0, 1, …, count - 1.
std::vector<size_t> all_ids(size_t count);
// Cuts indices, longest first, into groups of at most `budget` tokens.
Batches cut_groups(std::vector<size_t> ids, int64_t budget,
                   const std::function<int64_t(size_t id)>& length_of);
// The batches of which a result is missing (`pending`, sorted). They are cut from all requests and
// run whole: the last bits of a result depend on what runs beside it, and an evaluation that goes
// on after a kill must give what it would have given without one.
Batches unfinished(Batches batches, const std::vector<size_t>& pending);

// Takes the answers of some requests: keeps them, and reports that they are done.
template <class Request>
using Deliver =
    std::function<void(std::span<const size_t> ids, std::vector<typename Request::Answer> answers)>;

// How a kind of request is run and stored; specialised in the stages' files with
//   kName                                 in progress reports;
//   stored_key(item, options)             key of the answer in the store;
//   fits(item, answer)                    whether a stored answer has all that is asked for;
//   to_json(answer), from_json(json)      its stored form; none for what JSON cannot hold, which is
//                                         computed again;
//   batches(items, pending, options)      what runs together, so that `pending` is answered;
//   run(items, batch, context, deliver)   computes the answers of a batch, in any order.
template <class Request>
struct Stage;

template <class Request>
void run_requests(const Plan& plan, const StageContext& context, Results& results) {
  using Kind = Stage<Request>;
  const std::vector<Item<Request>>& items = plan.of<Request>();
  auto& answers = results.of<Request>();
  answers.resize(items.size());
  std::vector<size_t> pending;
  for (size_t id = 0; id < items.size(); ++id) {
    auto stored = context.store.find_as<typename Request::Answer>(
        Kind::stored_key(items[id], context.options), Kind::from_json);
    if (stored && Kind::fits(items[id], *stored)) {
      answers[id] = std::move(*stored);
    } else {
      pending.push_back(id);
    }
  }
  Batches batches;
  if (!pending.empty()) batches = Kind::batches(items, pending, context.options);
  size_t done = 0, total = 0;
  for (const std::vector<size_t>& batch : batches) total += batch.size();
  count_requests(static_cast<int64_t>(items.size()), static_cast<int64_t>(total));
  const Deliver<Request> deliver = [&](std::span<const size_t> ids,
                                       std::vector<typename Request::Answer> values) {
    for (size_t i = 0; i < ids.size(); ++i) {
      if (std::optional<Json> json = Kind::to_json(values[i])) {
        context.store.add(Kind::stored_key(items[ids[i]], context.options), std::move(*json));
      }
      answers[ids[i]] = std::move(values[i]);
    }
    context.store.flush();
    done += ids.size();
    if (context.options.progress) {
      context.options.progress(Kind::kName, static_cast<int64_t>(done),
                               static_cast<int64_t>(total));
    }
  };
  for (const std::vector<size_t>& batch : batches) Kind::run(items, batch, context, deliver);
}

// Instantiated beside their stages (scores.cpp, generations.cpp).
extern template void run_requests<ScoreRequest>(const Plan&, const StageContext&, Results&);
extern template void run_requests<GradientRequest>(const Plan&, const StageContext&, Results&);
extern template void run_requests<DivergenceRequest>(const Plan&, const StageContext&, Results&);
extern template void run_requests<GenerationRequest>(const Plan&, const StageContext&, Results&);
extern template void run_requests<ChoiceRequest>(const Plan&, const StageContext&, Results&);

}  // namespace unlearn::eval
