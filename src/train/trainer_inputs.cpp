#include "unlearn/train/trainer_inputs.h"

#include <set>

#include "train/run_stream.h"
#include "unlearn/train/schedule.h"

namespace unlearn::train {
namespace {

using data::Role;

// The rows of each role that the run's stream draws.
struct DrawnRows {
  std::set<int64_t> forget, retain, alternate;
};

DrawnRows drawn_rows(const TrainerInputs& inputs) {
  DrawnRows drawn;
  const data::PairStream stream(stream_options(inputs));
  const StepPlan plan = plan_steps(inputs.config, count_rows(inputs.data.forget));
  for (int64_t p = 0; p < plan.begin_of(plan.total); ++p) {
    const data::PairItem item = stream.at(p);
    if (inputs.data.is_empty(item)) continue;
    drawn.forget.insert(item.forget);
    drawn.retain.insert(item.retain);
    drawn.alternate.insert(item.alternate);
  }
  return drawn;
}

}  // namespace

const data::Example* TrainingData::find(Role role, int64_t row) const {
  const auto* examples = role == Role::kForget   ? forget
                         : role == Role::kRetain ? retain
                                                 : alternate;
  if (examples == nullptr || row < 0) return nullptr;
  return &examples->at(static_cast<size_t>(row));
}

scoring::ReferenceNeeds reference_needs(const TrainerInputs& inputs) {
  const losses::Needs needs = inputs.loss->needs();
  scoring::ReferenceNeeds result;
  result.layer = needs.hidden_layer;
  const DrawnRows drawn = drawn_rows(inputs);
  const auto add_logp = [&](Role role, const std::set<int64_t>& rows) {
    for (const int64_t row : rows) {
      if (const data::Example* example = inputs.data.find(role, row)) {
        result.logp.push_back({{role, row}, example});
      }
    }
  };
  const auto add_rows = [&](Role role, const std::set<int64_t>& rows,
                            scoring::RowPositions positions, int64_t skip, auto& list) {
    for (const int64_t row : rows) {
      if (const data::Example* example = inputs.data.find(role, row)) {
        list.push_back({{role, row}, example, positions, skip});
      }
    }
  };
  const auto add_hidden = [&](Role role, const std::set<int64_t>& rows,
                              const scoring::RowRequest& request) {
    if (!request.needs_reference()) return;
    add_rows(role, rows, request.positions, request.skip, result.hidden);
  };
  if (needs.reference_forget) add_logp(Role::kForget, drawn.forget);
  if (needs.reference_alternate) add_logp(Role::kAlternate, drawn.alternate);
  add_hidden(Role::kForget, drawn.forget, needs.forget_rows);
  add_hidden(Role::kRetain, drawn.retain, needs.retain_rows);
  if (needs.reference_hidden_retain) {
    add_rows(Role::kRetain, drawn.retain, scoring::RowPositions::kLabelTokens, 0,
             result.layer_hidden);
  }
  return result;
}

std::optional<int64_t> steps_before_excluded(const TrainerInputs& inputs) {
  const data::PairStream stream(stream_options(inputs));
  const StepPlan plan = plan_steps(inputs.config, count_rows(inputs.data.forget));
  for (int64_t step = 0; step < plan.total; ++step) {
    for (int64_t p = plan.begin_of(step); p < plan.begin_of(step + 1); ++p) {
      if (inputs.data.is_empty(stream.at(p))) return step;
    }
  }
  return std::nullopt;
}

}  // namespace unlearn::train
