#include "train/gradient_step.h"

#include <algorithm>
#include <cmath>

#include "unlearn/core/error.h"
#include "unlearn/scoring/score_batch.h"

namespace unlearn::train {
namespace {

using data::Role;
using losses::Term;
using losses::Unit;

const scoring::RowRequest& rows_of(const losses::Needs& needs, Role role) {
  return role == Role::kRetain ? needs.retain_rows : needs.forget_rows;
}

// How many units of a term's mean an example brings.
int64_t units_of(const data::Example& example, Unit unit, const scoring::RowRequest& rows,
                 int64_t end) {
  switch (unit) {
    case Unit::kToken:
      return example.num_labels;
    case Unit::kSequence:
      return 1;
    case Unit::kPosition: {
      const auto positions = scoring::row_positions(example, rows.positions, rows.skip);
      return std::count_if(positions.begin(), positions.end(),
                           [end](int64_t position) { return position < end; });
    }
  }
  return 0;
}

int64_t count_units(const std::vector<data::PackItem>& items, const Term& term,
                    const losses::Needs& needs) {
  const auto end_of = [&](Role role) {
    std::vector<const data::Example*> examples;
    for (const data::PackItem& item : items) {
      if (item.role == role) examples.push_back(item.example);
    }
    return scoring::row_end(examples, rows_of(needs, role));
  };
  const int64_t ends[] = {end_of(Role::kForget), end_of(Role::kRetain), end_of(Role::kAlternate)};
  int64_t count = 0;
  for (const data::PackItem& item : items) {
    const auto& pooled = term.pooled_with;
    const bool counts = item.role == term.role ||
                        std::find(pooled.begin(), pooled.end(), item.role) != pooled.end();
    if (counts)
      count += units_of(*item.example, term.unit, rows_of(needs, item.role),
                        ends[static_cast<size_t>(item.role)]);
  }
  return count;
}

std::string row_list(const std::vector<data::PackItem>& items, Role role) {
  std::vector<std::string> ids;
  for (const data::PackItem& item : items) {
    if (item.role == role) ids.push_back(item.example->id);
  }
  return join(ids, ", ");
}

// What divides each term's sums. exact: the unit's count over the whole step; micro_batch_mean: the
// count in this micro-batch times how many are accumulated.
class Denominators {
 public:
  Denominators(const StepCut& cut, const std::vector<Term>& terms, const losses::Needs& needs,
               bool exact) {
    for (const MicroBatch& batch : cut.micro_batches) {
      auto& row = counts_.emplace_back();
      for (const Term& term : terms) {
        row.push_back(static_cast<double>(count_units(batch, term, needs)));
      }
    }
    if (!exact) {
      for (auto& row : counts_) {
        for (double& count : row) count *= static_cast<double>(cut.accumulation);
      }
      return;
    }
    for (size_t t = 0; t < terms.size(); ++t) {
      double total = 0;
      for (const auto& row : counts_) total += row[t];
      for (auto& row : counts_) row[t] = total;
    }
  }
  double of(size_t batch, size_t term) const { return std::max(1.0, counts_[batch][term]); }

 private:
  std::vector<std::vector<double>> counts_;  // [micro-batch][term]
};

scoring::ScoreRequest request_for(const losses::Needs& needs) {
  scoring::ScoreRequest request;
  request.forget = {needs.forget_logp, needs.forget_rows, needs.hidden_forget};
  request.retain = {needs.retain_logp, needs.retain_rows, needs.hidden_retain};
  request.hidden_layer = needs.hidden_layer;
  return request;
}

// `position` says where in the step the batch begins, and is moved to its end.
losses::LossInputs run_model(const TrainerInputs& inputs, const MicroBatch& items,
                             model::StepPosition& position) {
  const scoring::ScoreRequest request = request_for(inputs.loss->needs());
  const data::PackedBatch batch = data::pack(items, request.with_last_token());
  inputs.model->set_step_position(position);
  position.first_token += batch.num_tokens();
  scoring::BatchScores scores =
      scoring::score_batch(*inputs.model, batch, request, inputs.reference);
  return {std::move(scores.forget), std::move(scores.retain), std::move(scores.alternate)};
}

// Where in the step this process's share begins: what is drawn for a token is the same whichever
// process runs it.
model::StepPosition first_position(const TrainerInputs& inputs, const StepCut& cut, int64_t step) {
  const bool with_last = request_for(inputs.loss->needs()).with_last_token();
  model::StepPosition position{step, 0};
  for (size_t b = 0; b < cut.begin_of(inputs.group->rank()); ++b) {
    for (const data::PackItem& item : cut.micro_batches[b]) {
      position.first_token += input_tokens(*item.example) + (with_last ? 1 : 0);
    }
  }
  return position;
}

// Sums and counts by name, in the order of their coming.
class Totals {
 public:
  // `part`: a losses::Diagnostic or a losses::Statistic.
  template <class Part>
  void add(const Part& part) {
    const auto known = std::find(names_.begin(), names_.end(), part.name);
    const auto index = static_cast<size_t>(known - names_.begin());
    if (known == names_.end()) {
      names_.push_back(part.name);
      values_.insert(values_.end(), {0.0, 0.0});
    }
    values_[2 * index] += part.sum;
    values_[2 * index + 1] += part.count;
  }
  // Of all processes; each has the same names, because each has examples of all roles.
  std::vector<losses::Statistic> over(const distributed::Group& group) const {
    const std::vector<double> values = group.sum(values_);
    std::vector<losses::Statistic> totals;
    for (size_t i = 0; i < names_.size(); ++i) {
      totals.push_back({names_[i], values[2 * i], values[2 * i + 1]});
    }
    return totals;
  }

 private:
  std::vector<std::string> names_;
  std::vector<double> values_;  // sum and count of each
};

// Statistics of the whole step for losses that couple its examples (no gradient).
void share_statistics(const TrainerInputs& inputs, const StepCut& cut, int64_t step) {
  torch::NoGradGuard no_grad;
  const int64_t own = inputs.group->rank();
  Totals totals;
  model::StepPosition position = first_position(inputs, cut, step);
  for (size_t b = cut.begin_of(own); b < cut.end_of(own); ++b) {
    const auto scores = run_model(inputs, cut.micro_batches[b], position);
    for (const auto& statistic : inputs.loss->statistics(scores)) totals.add(statistic);
  }
  std::vector<double> means;
  for (const auto& total : totals.over(*inputs.group)) {
    means.push_back(total.sum / std::max(1.0, total.count));
  }
  inputs.loss->set_statistics(means);
}

void check_finite(double value, const Term& term, const std::vector<data::PackItem>& items,
                  int64_t step) {
  if (std::isfinite(value)) return;
  throw NonFiniteError(cat("step ", step, ": the ", term.name, " term is ", number(value),
                           " for rows ", row_list(items, term.role), "; nothing past step ",
                           step - 1, " is saved (lower train.lr?)"));
}

// What each process has of the step's means, added up.
void add_up(const distributed::Group& group, StepMeans& means) {
  std::vector<double> values = {means.loss, static_cast<double>(means.tokens)};
  for (const auto& [name, mean] : means.terms) values.push_back(mean);
  values = group.sum(values);
  means.loss = values[0];
  means.tokens = static_cast<int64_t>(values[1]);
  for (size_t t = 0; t < means.terms.size(); ++t) means.terms[t].second = values[t + 2];
}

}  // namespace

const data::Example* TrainingData::find(Role role, int64_t row) const {
  const auto* examples = role == Role::kForget   ? forget
                         : role == Role::kRetain ? retain
                                                 : alternate;
  if (examples == nullptr || row < 0) return nullptr;
  return &examples->at(static_cast<size_t>(row));
}

StepMeans accumulate_gradients(const TrainerInputs& inputs, const StepCut& cut, int64_t step,
                               std::pair<double, double> epochs) {
  const distributed::Group& group = *inputs.group;
  std::vector<Term> terms = inputs.loss->terms();
  const losses::Needs needs = inputs.loss->needs();
  const bool exact = inputs.config.averaging == "exact";
  const Denominators denominators(cut, terms, needs, exact);
  if (needs.batch_statistics && exact) share_statistics(inputs, cut, step);

  // What a micro-batch's share of the step's mean must be multiplied by to be its own mean.
  const auto share = exact ? 1.0 : static_cast<double>(cut.accumulation);
  StepMeans means;
  Totals diagnostics, known;
  model::StepPosition position = first_position(inputs, cut, step);
  for (const Term& term : terms) means.terms.emplace_back(term.name, 0.0);
  bool epoch_ended = !cut.epoch_end;
  const auto end_epoch = [&](bool is_over) {
    if (epoch_ended || !is_over) return;
    inputs.loss->observe_epoch(cut.epoch_end->means, cut.epoch_end->epoch);
    terms = inputs.loss->terms();
    epoch_ended = true;
  };
  const auto run_share = [&] {
    for (size_t b = cut.begin_of(group.rank()); b < cut.end_of(group.rank()); ++b) {
      end_epoch(cut.epoch_end && b >= cut.epoch_end->before);
      const MicroBatch& items = cut.micro_batches[b];
      const losses::LossInputs scores = run_model(inputs, items, position);
      const std::vector<torch::Tensor> sums = inputs.loss->sums(scores);
      torch::Tensor objective;
      for (size_t t = 0; t < terms.size(); ++t) {
        const torch::Tensor part = sums[t] * (terms[t].weight / denominators.of(b, t));
        objective = objective.defined() ? objective + part : part;
      }
      objective.backward();
      // Values are read once the backward pass is queued too: a GPU never waits for this.
      std::vector<double> own_means;
      for (size_t t = 0; t < terms.size(); ++t) {
        const double sum = sums[t].item<double>();
        check_finite(sum, terms[t], items, step);
        const double mean = sum / denominators.of(b, t);
        means.terms[t].second += mean;
        means.loss += terms[t].weight * mean;
        own_means.push_back(mean * share);
      }
      for (const auto& diagnostic : inputs.loss->diagnostics(scores)) diagnostics.add(diagnostic);
      if (step == 1 && needs.forget && needs.forget_logp) {
        known.add(losses::Statistic{"forget", scores.forget.logp.sum().item<double>(),
                                    static_cast<double>(scores.forget.logp.numel())});
      }
      for (const auto& item : items) means.tokens += input_tokens(*item.example);
      if (exact) continue;
      for (const Term& term : terms) means.loss += term.weight * term.offset / share;
      inputs.loss->observe(own_means, b < cut.next_epoch ? epochs.first : epochs.second);
      terms = inputs.loss->terms();
    }
    end_epoch(true);
  };
  group.together(run_share);
  add_up(group, means);
  if (exact) {
    for (const Term& term : terms) means.loss += term.weight * term.offset;
    std::vector<double> step_means;
    for (const auto& [name, mean] : means.terms) step_means.push_back(mean);
    inputs.loss->observe(step_means, epochs.first);
  }
  for (const auto& total : diagnostics.over(group)) {
    if (total.count > 0) means.diagnostics.emplace_back(total.name, total.sum / total.count);
  }
  if (step == 1) {
    for (const auto& total : known.over(group)) {
      if (total.count > 0) means.forget_logprob = total.sum / total.count;
    }
  }
  return means;
}

std::vector<double> evaluate_terms(const TrainerInputs& inputs, const StepCut& cut) {
  const torch::NoGradGuard no_grad;
  const std::vector<Term> terms = inputs.loss->terms();
  const Denominators denominators(cut, terms, inputs.loss->needs(),
                                  inputs.config.averaging == "exact");
  const int64_t own = inputs.group->rank();
  const bool training = inputs.model->is_training();
  inputs.model->eval();
  std::vector<double> means(terms.size(), 0.0);
  model::StepPosition position;  // nothing is drawn in eval mode
  for (size_t b = cut.begin_of(own); b < cut.end_of(own); ++b) {
    const std::vector<torch::Tensor> sums =
        inputs.loss->sums(run_model(inputs, cut.micro_batches[b], position));
    for (size_t t = 0; t < terms.size(); ++t) {
      means[t] += sums[t].item<double>() / denominators.of(b, t);
    }
  }
  inputs.model->train(training);
  return inputs.group->sum(means);
}

}  // namespace unlearn::train
