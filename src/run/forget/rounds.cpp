#include "run/forget/rounds.h"

#include <optional>

#include "run/stop_rule.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/plural.h"

namespace unlearn::run {
namespace {

namespace own = metrics::own_data;

constexpr int64_t kPatience = 10;  // rounds without a better state after the target's likelihood

double excess_of(const Standing& standing, const own::Targets& targets) {
  if (standing.above) return std::max(0.0, *standing.above - targets.base_tolerance);
  return std::max(0.0, standing.auc - targets.auc);
}

class Rounds {
 public:
  explicit Rounds(const RoundsInput& input)
      : input_(input),
        rows_(static_cast<double>(input.before.rows.size())),
        rule_(std::vector<double>{excess_of(standing(input.before, input.before), input.targets),
                                  rows_, rows_}) {}

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
      is_finite_ = false;
      rule_.stop(cat("the loss was no longer finite after step ", result_.last));
    }
    result_.step = rule_.best();
    result_.distance = rule_.distance();
    result_.reached = rule_.reached();
    result_.damaged = rule_.damaged() || !is_finite_;
    result_.ending = rule_.ending();
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
    if (!now.damaged(input_.targets) && now.reached(input_.targets)) return judge_state(step);
    return look(step,
                {.distance = {excess_of(now, input_.targets), rows_, rows_},
                 .damaged = now.damaged(input_.targets)},
                std::nullopt);
  }

  // The likelihoods are where they shall be: now the outputs.
  train::AfterStep judge_state(int64_t step) {
    own::Measured now = input_.measurements.everything(input_.model);
    const own::Verdict verdict =
        own::judge(own::evidence_of(input_.before, now), input_.targets, {});
    const Json& forget = verdict.json["forget"];
    const auto extracted = static_cast<double>(forget["given_away_after"].get<int64_t>());
    log::info("step ", step, "  ", verdict.sentence);
    const train::AfterStep wish =
        look(step,
             {.distance = {0, extracted, static_cast<double>(verdict.cross_leaks)},
              .reached = verdict.reached,
              .damaged = verdict.damage_ok == false},
             std::move(now));
    if (stops(wish) || ++waited_ <= kPatience) return wish;
    return rule_.stop(
        cat("nothing better came in ", kPatience, " rounds after step ", rule_.best()));
  }

  // The best state is kept in memory.
  train::AfterStep look(int64_t step, const MeasuredState& state,
                        std::optional<own::Measured> all) {
    const train::AfterStep wish = rule_.look(step, state);
    if (keeps(wish)) {
      weights_.emplace(input_.model);
      after_ = std::move(all);
      waited_ = 0;
    }
    return stops(wish) ? train::AfterStep::kStop : train::AfterStep::kContinue;
  }

  const RoundsInput& input_;
  double rows_;
  StopRule rule_;  // of preference (or likelihood), extracted rows, leaks
  bool is_finite_ = true;
  std::optional<WeightSnapshot> weights_;  // of the best state
  std::optional<own::Measured> after_;     // everything, of the best state
  int64_t waited_ = 0;
  RoundsResult result_;
};

}  // namespace

RoundsResult train_in_rounds(const RoundsInput& input) { return Rounds(input).run(); }

}  // namespace unlearn::run
