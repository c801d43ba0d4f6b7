#include "train/gradient_step.h"

#include <algorithm>
#include <cmath>

#include "train/gradient_sum.h"
#include "unlearn/core/error.h"
#include "unlearn/scoring/score_batch.h"

namespace unlearn::train {
namespace {

using data::Role;
using losses::Term;

std::string row_list(const std::vector<data::PackItem>& items, Role role) {
  std::vector<std::string> ids;
  for (const data::PackItem& item : items) {
    if (item.role == role) ids.push_back(item.example->id);
  }
  return join(ids, ", ");
}

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
  values = group.all_reduce(values);
  means.loss = values[0];
  means.tokens = static_cast<int64_t>(values[1]);
  for (size_t t = 0; t < means.terms.size(); ++t) means.terms[t].second = values[t + 2];
}

}  // namespace

StepExamplesLoss::StepExamplesLoss(const TrainerInputs& inputs, const StepCut& cut, int64_t step,
                                   std::pair<double, double> epochs)
    : inputs_(inputs),
      cut_(cut),
      step_(step),
      epochs_(epochs),
      exact_(inputs.config.averaging == Averaging::kExact),
      needs_(inputs.loss->needs()),
      terms_(inputs.loss->terms()),
      denominators_(cut, terms_, needs_, exact_),
      epoch_ended_(!cut.epoch_end) {
  for (const Term& term : terms_) means_.terms.emplace_back(term.name, 0.0);
}

bool StepExamplesLoss::has(Terms terms) const {
  return std::any_of(terms_.begin(), terms_.end(),
                     [terms](const Term& term) { return belongs_to(term.role, terms); });
}

double StepExamplesLoss::retain_weight() const {
  for (const Term& term : terms_) {
    if (term.role == Role::kRetain) return term.weight;
  }
  return 0.0;
}

// Where in the step this process's share begins: what is drawn for a token is the same whichever
// process runs it, and in every pass of these terms. Retain examples that are run alone lie behind
// the others.
model::StepPosition StepExamplesLoss::first_position(const StepCut& part, Terms terms) const {
  const int64_t last = request_for(needs_).with_last_token() ? 1 : 0;
  model::StepPosition position{step_, 0};
  const auto skip = [&](const StepCut& skipped, size_t batches) {
    for (size_t b = 0; b < batches; ++b) {
      for (const data::PackItem& item : skipped.micro_batches[b]) {
        position.first_token += input_tokens(*item.example) + last;
      }
    }
  };
  if (terms == Terms::kRetain) {
    skip(examples_of(cut_, Terms::kForget), cut_.micro_batches.size());
  }
  skip(part, part.begin_of(inputs_.group->rank()));
  return position;
}

// Statistics of the whole step for losses that couple its examples (no gradient).
void StepExamplesLoss::share_statistics(const StepCut& part, Terms terms) {
  torch::NoGradGuard no_grad;
  const int64_t own = inputs_.group->rank();
  Totals totals;
  model::StepPosition position = first_position(part, terms);
  for (size_t b = part.begin_of(own); b < part.end_of(own); ++b) {
    const auto scores = run_model(inputs_, part.micro_batches[b], position);
    for (const auto& statistic : inputs_.loss->statistics(scores)) totals.add(statistic);
  }
  std::vector<double> means;
  for (const auto& total : totals.over(*inputs_.group, part.leaves_idle())) {
    means.push_back(total.sum / std::max(1.0, total.count));
  }
  inputs_.loss->set_statistics(means);
}

// Where an epoch ends inside the step.
void StepExamplesLoss::end_epoch(bool is_over) {
  if (epoch_ended_ || !is_over) return;
  inputs_.loss->observe_epoch(cut_.epoch_end->means, cut_.epoch_end->epoch);
  terms_ = inputs_.loss->terms();
  epoch_ended_ = true;
}

void StepExamplesLoss::add_gradient(const TermPass& pass) {
  const distributed::Group& group = *inputs_.group;
  const StepCut part = examples_of(cut_, pass.terms);
  if (needs_.batch_statistics && exact_) share_statistics(part, pass.terms);
  model::StepPosition position = first_position(part, pass.terms);
  const size_t begin = part.begin_of(group.rank()), end = part.end_of(group.rank());
  const auto run = [&] {
    std::optional<GradientSums> sums;
    if (inputs_.config.gradient_sum == GradientSum::kFloat32 && end - begin > 1) {
      sums.emplace(inputs_.model->parameters());
    }
    for (size_t b = begin; b < end; ++b) {
      end_epoch(cut_.epoch_end && b >= cut_.epoch_end->before);
      const bool is_last = b + 1 == end && !sums;  // sums in fp32 are complete after it only
      if (is_last && pass.summed_by != nullptr) pass.summed_by->begin_sum();
      run_micro_batch(part.micro_batches[b], b, pass, position);
    }
    if (sums) sums->finish();
    end_epoch(true);
  };
  group.all_or_none([&] {
    try {
      run();
    } catch (...) {
      // The others wait for what this process has begun to send, before they hear of its error.
      if (pass.summed_by != nullptr) pass.summed_by->send_rest();
      throw;
    }
    if (pass.summed_by != nullptr) pass.summed_by->send_rest();
  });
}

void StepExamplesLoss::run_micro_batch(const MicroBatch& items, size_t batch, const TermPass& pass,
                                       model::StepPosition& position) {
  const losses::LossInputs scores = run_model(inputs_, items, position);
  const std::vector<torch::Tensor> sums = inputs_.loss->sums(scores);
  torch::Tensor objective;
  for (size_t t = 0; t < terms_.size(); ++t) {
    if (!is_run(terms_[t], pass)) continue;
    const double weight = pass.coefficients == Coefficients::kApplied ? terms_[t].weight : 1.0;
    const torch::Tensor part = sums[t] * (weight / denominators_.of(batch, t));
    objective = objective.defined() ? objective + part : part;
  }
  objective.backward();
  // Values are read once the backward pass is queued too: a GPU never waits for this.
  record(items, batch, pass, sums, scores);
}

void StepExamplesLoss::record(const MicroBatch& items, size_t batch, const TermPass& pass,
                              const std::vector<torch::Tensor>& sums,
                              const losses::LossInputs& scores) {
  // What a micro-batch's share of the step's mean must be multiplied by to be its own mean.
  const auto share = exact_ ? 1.0 : static_cast<double>(cut_.accumulation);
  std::vector<double> own_means;
  for (size_t t = 0; t < terms_.size(); ++t) {
    if (!is_run(terms_[t], pass)) continue;
    const double sum = sums[t].item<double>();
    check_finite(sum, terms_[t], items, step_);
    if (!pass.is_recorded) continue;
    const double mean = sum / denominators_.of(batch, t);
    means_.terms[t].second += mean;
    means_.loss += terms_[t].weight * mean;
    own_means.push_back(mean * share);
  }
  if (!pass.is_recorded) return;
  // Methods report on the forget side.
  if (pass.terms != Terms::kRetain) {
    for (const auto& diagnostic : inputs_.loss->diagnostics(scores)) diagnostics_.add(diagnostic);
    if (step_ == 1 && needs_.forget && needs_.forget_logp) {
      known_.add(losses::Statistic{"forget", scores.forget.logp.sum().item<double>(),
                                   static_cast<double>(scores.forget.logp.numel())});
    }
  }
  for (const auto& item : items) means_.tokens += input_tokens(*item.example);
  if (exact_ || pass.terms != Terms::kAll) return;
  is_observed_ = true;
  for (const Term& term : terms_) means_.loss += term.weight * term.offset / share;
  inputs_.loss->observe(own_means, batch < cut_.next_epoch ? epochs_.first : epochs_.second);
  terms_ = inputs_.loss->terms();
}

StepMeans StepExamplesLoss::finish() {
  const distributed::Group& group = *inputs_.group;
  add_up(group, means_);
  // Terms that are run apart are observed together, whatever the averaging.
  if (!is_observed_) {
    for (const Term& term : terms_) means_.loss += term.weight * term.offset;
    std::vector<double> step_means;
    for (const auto& [name, mean] : means_.terms) step_means.push_back(mean);
    inputs_.loss->observe(step_means, epochs_.first);
  }
  for (const auto& total : diagnostics_.over(group, cut_.leaves_idle())) {
    if (total.count > 0) means_.diagnostics.emplace_back(total.name, total.sum / total.count);
  }
  if (step_ == 1) {
    for (const auto& total : known_.over(group, cut_.leaves_idle())) {
      if (total.count > 0) means_.forget_logprob = total.sum / total.count;
    }
  }
  return means_;
}

std::vector<double> evaluate_terms(const TrainerInputs& inputs, const StepCut& cut) {
  const torch::NoGradGuard no_grad;
  const std::vector<Term> terms = inputs.loss->terms();
  const Denominators denominators(cut, terms, inputs.loss->needs(),
                                  inputs.config.averaging == Averaging::kExact);
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
  return inputs.group->all_reduce(means);
}

}  // namespace unlearn::train
