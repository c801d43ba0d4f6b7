// Claims every registered method must keep; a new line in losses.def is covered at once.
#include <gtest/gtest.h>

#include <set>

#include "losses/fixture.h"

namespace unlearn::losses {
namespace {

class EveryMethod : public testing::TestWithParam<std::string> {
 protected:
  EveryMethod() { loss_->start(fixture_facts()); }

  std::unique_ptr<Loss> loss_ = find_method(GetParam()).make();
};

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const Method& method : methods()) result.push_back(method.info.name);
  return result;
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryMethod, testing::ValuesIn(names()),
                         [](const auto& method) { return method.param; });

// Methods whose token weights are held fixed by definition: their gradient is the weight, not the
// derivative of the value.
bool has_fixed_weights(const std::string& name) { return name == "wga" || name == "satimp"; }

// What couples a step's examples is held fixed too, as the trainer does.
void fix_statistics(Loss& loss, const LossInputs& inputs) {
  std::vector<double> means;
  for (const Statistic& statistic : loss.statistics(inputs)) {
    means.push_back(statistic.sum / statistic.count);
  }
  if (loss.needs().batch_statistics) loss.set_statistics(means);
}

double max_difference_to_finite_differences(const Loss& loss, const LossInputs& inputs,
                                            const torch::Tensor& leaf) {
  const torch::Tensor analytic = gradient(loss, inputs, leaf);
  const torch::NoGradGuard no_grad;
  torch::Tensor values = leaf.flatten();
  const torch::Tensor flat = analytic.flatten();
  double worst = 0;
  constexpr double kStep = 1e-5;
  for (int64_t i = 0; i < leaf.numel(); ++i) {
    values[i] += kStep;
    const double above = total_loss(loss, inputs).item<double>();
    values[i] -= 2 * kStep;
    const double below = total_loss(loss, inputs).item<double>();
    values[i] += kStep;
    const double numeric = (above - below) / (2 * kStep);
    worst = std::max(worst, std::abs(numeric - flat[i].item<double>()));
  }
  return worst;
}

TEST_P(EveryMethod, GradientEqualsFiniteDifferences) {
  if (has_fixed_weights(GetParam())) {
    const Batch batch = fixture_a();
    const Diagnostic w = loss_->diagnostics(batch.inputs).at(0);
    const auto sum = gradient(*loss_, batch.inputs, batch.inputs.forget.logp).sum();
    EXPECT_NEAR(sum.item<double>(), w.sum / w.count, 1e-12);
    return;
  }
  for (const char* retain : {"", "nll", "kl"}) {
    config::Settings settings;
    if (*retain != '\0') settings.set("method.retain_loss", retain, "test");
    config::SettingsReader(settings).read("method", *loss_);
    const Batch batch = fixture_a();
    fix_statistics(*loss_, batch.inputs);
    for (const auto* scores :
         {&batch.inputs.forget, &batch.inputs.retain, &batch.inputs.alternate}) {
      for (const auto* leaf : {&scores->logp, &scores->row_values, &scores->hidden}) {
        EXPECT_LT(max_difference_to_finite_differences(*loss_, batch.inputs, *leaf), 1e-8);
      }
    }
  }
}

// Every reference quirk is a smooth function too.
TEST_P(EveryMethod, QuirksKeepTheirGradient) {
  if (has_fixed_weights(GetParam())) return;
  for (const Quirk& quirk : loss_->quirks()) {
    if (quirk.on == nullptr) continue;
    const auto loss = find_method(GetParam()).make();
    config::Settings settings;
    settings.set("method.retain_loss", "kl", "test");
    config::SettingsReader(settings).read("method", *loss);
    loss->start(fixture_facts());
    enable_quirks(*loss, GetParam(), {quirk.name});
    const Batch batch = fixture_a();
    for (const auto* scores : {&batch.inputs.forget, &batch.inputs.retain}) {
      for (const auto* leaf : {&scores->logp, &scores->row_values, &scores->hidden}) {
        EXPECT_LT(max_difference_to_finite_differences(*loss, batch.inputs, *leaf), 1e-7)
            << quirk.name;
      }
    }
  }
}

// The terms' sums over two micro-batches add up to those of both together.
TEST_P(EveryMethod, CuttingABatchChangesNothing) {
  Batch whole = fixture_a();
  const Batch first({{{-0.5, -1.0, -0.25}, {-0.4, -0.9, -0.3}}}, {{{-0.2, -0.3}}},
                    {{{-3.0, -1.2}, {-3.5, -1.0}}});
  const Batch second({{{-2.0, -0.1, -1.5, -0.7, -0.3}, {-1.0, -0.2, -1.2, -0.6, -0.1}}},
                     {{{-0.6, -0.1, -0.4, -0.5}}}, {{{-2.2, -0.8, -1.1}, {-2.0, -1.1, -0.9}}});
  fix_statistics(*loss_, whole.inputs);
  const auto together = loss_->sums(whole.inputs);
  const auto a = loss_->sums(first.inputs);
  const auto b = loss_->sums(second.inputs);
  for (size_t t = 0; t < together.size(); ++t) {
    EXPECT_NEAR(together[t].item<double>(), (a[t] + b[t]).item<double>(), 1e-12);
  }
}

// Only what needs() names is read: everything else may be absent.
TEST_P(EveryMethod, ReadsOnlyWhatItNeeds) {
  const Needs needs = loss_->needs();
  Batch batch = fixture_a();
  if (!needs.forget) batch.inputs.forget = {};
  if (!needs.retain) batch.inputs.retain = {};
  if (!needs.alternate) batch.inputs.alternate = {};
  if (!needs.reference_forget) batch.inputs.forget.reference_logp.reset();
  if (!needs.reference_alternate) batch.inputs.alternate.reference_logp.reset();
  if (needs.forget_rows.function == nullptr) batch.inputs.forget.row_values.reset();
  if (needs.retain_rows.function == nullptr) batch.inputs.retain.row_values.reset();
  if (!needs.forget_logp) batch.inputs.forget.logp.reset();
  if (!needs.retain_logp) batch.inputs.retain.logp.reset();
  if (!needs.hidden_forget) batch.inputs.forget.hidden.reset();
  if (!needs.hidden_retain) batch.inputs.retain.hidden.reset();
  batch.inputs.forget.reference_hidden.reset();
  if (!needs.reference_hidden_retain) batch.inputs.retain.reference_hidden.reset();
  for (const auto& sum : loss_->sums(batch.inputs)) {
    EXPECT_TRUE(std::isfinite(sum.item<double>()));
  }
  loss_->diagnostics(batch.inputs);
}

// Update rules run the terms of one side alone: the other side is empty then, and the terms that
// are run keep their sums.
TEST_P(EveryMethod, TheOtherSideMayBeEmpty) {
  for (const char* retain : {"", "nll", "kl"}) {
    config::Settings settings;
    if (*retain != '\0') settings.set("method.retain_loss", retain, "test");
    config::SettingsReader(settings).read("method", *loss_);
    const Batch whole = fixture_a();
    const Batch empty({}, {}, {});
    LossInputs forget = whole.inputs, kept = whole.inputs;
    forget.retain = empty.inputs.retain;
    kept.forget = empty.inputs.forget;
    kept.alternate = empty.inputs.alternate;
    fix_statistics(*loss_, whole.inputs);
    const auto together = loss_->sums(whole.inputs);
    const auto forget_sums = loss_->sums(forget);
    const auto retain_sums = loss_->sums(kept);
    const std::vector<Term> terms = loss_->terms();
    for (size_t t = 0; t < terms.size(); ++t) {
      const auto& own = terms[t].role == data::Role::kRetain ? retain_sums : forget_sums;
      EXPECT_EQ(own[t].item<double>(), together[t].item<double>()) << terms[t].name;
    }
    loss_->statistics(forget);
    loss_->statistics(kept);
    loss_->diagnostics(forget);
  }
}

TEST_P(EveryMethod, TermsAreForgetThenRetain) {
  const std::set<std::string> known = {"forget", "retain", "forget_kl", "refusal"};
  for (const Term& term : loss_->terms()) EXPECT_TRUE(known.contains(term.name)) << term.name;
}

// Tokens of a sequence may come in any order (their weights go with them).
TEST_P(EveryMethod, PermutingTokensInsideASequenceChangesNothing) {
  const Batch permuted({{{-1.0, -0.25, -0.5}, {-0.9, -0.3, -0.4}},
                        {{-0.3, -2.0, -0.7, -0.1, -1.5}, {-0.1, -1.0, -0.6, -0.2, -1.2}}},
                       {{{-0.3, -0.2}}, {{-0.5, -0.6, -0.1, -0.4}}},
                       {{{-1.2, -3.0}, {-1.0, -3.5}}, {{-1.1, -2.2, -0.8}, {-0.9, -2.0, -1.1}}});
  EXPECT_NEAR(total_loss(*loss_, permuted.inputs).item<double>(),
              total_loss(*loss_, fixture_a().inputs).item<double>(), 1e-12);
}

TEST_P(EveryMethod, StateSurvivesSaving) {
  const auto restored = find_method(GetParam()).make();
  ModelFacts other = fixture_facts();
  other.seed = 2;
  restored->start(other);
  restored->load_state(loss_->save_state());
  EXPECT_EQ(restored->save_state(), loss_->save_state());
  EXPECT_EQ(total_loss(*restored, fixture_a().inputs).item<double>(),
            total_loss(*loss_, fixture_a().inputs).item<double>());
}

// Every default a method proposes is accepted by it, for every benchmark.
TEST_P(EveryMethod, TakesItsOwnDefaults) {
  const Method& method = find_method(GetParam());
  for (const char* benchmark : {"tofu", "muse", "wmdp", "qa"}) {
    for (const char* split : {"forget01", "forget05", "forget10", "news", "books", "bio"}) {
      config::Settings settings;
      for (const auto& [key, value] : method.defaults_for(benchmark, split)) {
        if (key.starts_with("method.")) settings.assign(key + "=" + value, "defaults");
      }
      // The one parameter without a default.
      const bool pdu = GetParam() == "pdu" && !settings.contains("method.retain_loss_eps");
      if (pdu) settings.set("method.retain_loss_eps", 0.5, "test");
      const auto loss = method.make();
      config::SettingsReader reader(settings);
      reader.read("method", *loss);
      EXPECT_NO_THROW(reader.refuse_unknown());
      EXPECT_NO_THROW(loss->check());
    }
  }
}

TEST_P(EveryMethod, TakesWhatItsSpellingsImply) {
  for (const Alias& alias : find_method(GetParam()).info.aliases) {
    EXPECT_EQ(find_method(alias.name).info.name, GetParam()) << alias.name;
    Fields fields;
    for (const auto& [key, value] : implied_settings(alias.name)) {
      fields.emplace_back(key.substr(std::string("method.").size()), value);
    }
    if (GetParam() == "pdu") fields.emplace_back("retain_loss_eps", 0.5);
    for (auto& [key, value] : fields) {
      if (value == "true" || value == "false") value = value == "true";
    }
    EXPECT_NO_THROW(make_loss(alias.name, fields)) << alias.name;
  }
}

}  // namespace
}  // namespace unlearn::losses
