#include "run/forget/rounds.h"

#include <optional>
#include <tuple>

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/plural.h"

namespace unlearn::run {
namespace {

namespace own = metrics::own_data;

constexpr int64_t kPatience = 10;  // rounds without a better state after the target's likelihood

// How far a state is from passing; less is better.
struct Distance {
  double excess =
      0;  // of the preference over its target, or of the log-probability over the base's
  int64_t extracted = 0;
  int64_t leaks = 0;
  bool operator<(const Distance& other) const {
    return std::tie(excess, extracted, leaks) <
           std::tie(other.excess, other.extracted, other.leaks);
  }
};

double excess_of(const Standing& standing, const own::Targets& targets) {
  if (standing.above) return std::max(0.0, *standing.above - targets.base_tolerance);
  return std::max(0.0, standing.auc - targets.auc);
}

class Rounds {
 public:
  explicit Rounds(const RoundsInput& input)
      : input_(input), rows_(static_cast<int64_t>(input.before.rows.size())) {
    best_ = {excess_of(standing(input.before, input.before), input.targets), rows_, rows_};
  }

  RoundsResult run() {
    TrainingOptions options;
    options.reference_key = input_.reference_key;
    options.hooks.on_step = input_.on_step;
    options.hooks.after_step = [this](int64_t step) { return after_step(step); };
    try {
      result_.last =
          train({input_.config, input_.run, input_.model, input_.folder}, std::move(options));
    } catch (const NonFiniteError& error) {
      log::warn(error.what());
      result_.damaged = true;
      result_.ending = cat("the loss was no longer finite after step ", result_.last);
    }
    (weights_ ? *weights_ : input_.start).restore(input_.model);
    if (!after_) after_ = input_.measurements.everything(input_.model);
    result_.after = std::move(*after_);
    if (result_.ending.empty()) {
      result_.ending = cat("the target was not reached in ", counted(result_.last, "step"));
    }
    if (!result_.reached) {
      result_.ending += result_.step > 0 ? cat("; the state after step ", result_.step, " is kept")
                                         : std::string("; no state was better than the original");
    }
    return std::move(result_);
  }

 private:
  train::AfterStep after_step(int64_t step) {
    result_.last = step;
    if (step % input_.steps_per_round != 0 && step != input_.run.plan.total) {
      return train::AfterStep::kContinue;
    }
    const Standing now = standing(input_.before, input_.measurements.likelihoods(input_.model));
    log::info("step ", step, "  preference ", number(now.auc, 3), "  forget rows ",
              number(now.logprob, 3), "  held-out rows lost ", number(now.fall, 3),
              " nats per token");
    if (now.damaged(input_.targets)) {
      result_.damaged = true;
      return stop(cat("the damage limit was passed after ", counted(step, "step")));
    }
    if (!now.reached(input_.targets)) {
      keep_if_better(step, {excess_of(now, input_.targets), rows_, rows_}, std::nullopt);
      return train::AfterStep::kContinue;
    }
    return judge_state(step);
  }

  // The likelihoods are where they shall be: now the outputs.
  train::AfterStep judge_state(int64_t step) {
    own::Measured now = input_.measurements.everything(input_.model);
    const own::Verdict verdict =
        own::judge(own::evidence_of(input_.before, now), input_.targets, {});
    const Json& forget = verdict.json["forget"];
    const int64_t extracted = forget["extracted_after"].get<int64_t>() +
                              forget["extracted_in_other_words"].get<int64_t>();
    log::info("step ", step, "  ", verdict.sentence);
    if (verdict.damage_ok == false) {
      result_.damaged = true;
      return stop(cat("the damage limit was passed after ", counted(step, "step")));
    }
    keep_if_better(step, {0, extracted, verdict.cross_leaks}, std::move(now));
    if (verdict.reached) {
      result_.reached = true;
      return stop(cat("the target is reached after ", counted(step, "step")));
    }
    if (++waited_ > kPatience) {
      return stop(cat("nothing better came in ", kPatience, " rounds after step ", result_.step));
    }
    return train::AfterStep::kContinue;
  }

  void keep_if_better(int64_t step, const Distance& distance, std::optional<own::Measured> all) {
    if (!(distance < best_)) return;
    best_ = distance;
    result_.step = step;
    weights_.emplace(input_.model);
    after_ = std::move(all);
    waited_ = 0;
  }

  train::AfterStep stop(std::string ending) {
    result_.ending = std::move(ending);
    return train::AfterStep::kStop;
  }

  const RoundsInput& input_;
  int64_t rows_;
  Distance best_;
  std::optional<WeightSnapshot> weights_;  // of the best state
  std::optional<own::Measured> after_;     // everything, of the best state
  int64_t waited_ = 0;
  RoundsResult result_;
};

}  // namespace

RoundsResult train_in_rounds(const RoundsInput& input) { return Rounds(input).run(); }

}  // namespace unlearn::run
