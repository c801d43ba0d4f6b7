#include "run/forget/rate_test.h"

#include <cmath>

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/run/train.h"

namespace unlearn::run {
namespace {

constexpr int64_t kProbeSteps = 6;
// Nats per token that the forget rows shall lose in them. What is known by heart loses little at
// first and then ever more.
constexpr double kEnough = 0.04;
constexpr double kHarm = 0.25;  // of the damage limit
// Nats per token that the held-out rows may gain: beyond it the model learns what it had not known,
// and higher rates only teach it more.
constexpr double kTaught = 0.5;
constexpr double kRates[] = {1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3};
constexpr size_t kUsual = 2;         // where the test begins
constexpr size_t kUsualAdapter = 4;  // adapters start at zero and need about ten times the rate

struct Probe {
  double progress = 0;     // fall of the forget rows
  double fall = INFINITY;  // of the held-out rows; infinite when the training broke down
};

Probe try_rate(const RateTest& test, double rate) {
  test.config.train.lr = rate;
  test.config.train.max_steps = kProbeSteps;
  prepare_steps(test.config, test.run);
  start_loss(test.config, test.run);
  Probe probe;
  try {
    TrainingOptions options;
    options.reference_key = test.reference_key;
    train({test.config, test.run, test.model, test.folder}, std::move(options));
    const Standing now = standing(test.before, test.measurements.likelihoods(test.model));
    probe.progress = standing(test.before, test.before).logprob - now.logprob;
    if (std::isfinite(now.logprob)) probe.fall = now.fall;
  } catch (const NonFiniteError&) {
    log::debug("rate ", rate, ": not finite");
  }
  test.start.restore(test.model);
  return probe;
}

}  // namespace

double find_rate(const RateTest& test) {
  const std::optional<int64_t> steps = test.config.train.max_steps;
  std::string tried;
  const auto probe = [&](size_t index) {
    const Probe found = try_rate(test, kRates[index]);
    tried += cat(tried.empty() ? "" : ", ", kRates[index], ": ", number(-found.progress, 2), " / ",
                 number(-found.fall, 2));
    return found;
  };
  const auto harmless = [&](const Probe& found) {
    return found.fall <= test.targets.max_damage * kHarm && found.fall >= -kTaught;  // not for NaN
  };
  size_t index = test.config.train.lora_rank > 0 ? kUsualAdapter : kUsual;
  Probe found = probe(index);
  while (!harmless(found) && index > 0) found = probe(--index);
  while (harmless(found) && found.progress < kEnough && index + 1 < std::size(kRates)) {
    found = probe(index + 1);
    if (harmless(found)) ++index;
  }
  test.config.train.lr = kRates[index];
  test.config.train.max_steps = steps;
  prepare_steps(test.config, test.run);
  start_loss(test.config, test.run);
  log::info("chosen: learning rate ", kRates[index], " (", kProbeSteps,
            " steps each changed forget / held-out rows by, nats per token: ", tried, ")");
  return kRates[index];
}

}  // namespace unlearn::run
