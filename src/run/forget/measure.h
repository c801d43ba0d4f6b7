// Measurements of the model in training on own data.
#pragma once

#include <filesystem>
#include <optional>

#include "unlearn/config/settings.h"
#include "unlearn/metrics/own_data/measured.h"
#include "unlearn/run/evaluator.h"

namespace unlearn::run {

// Two evaluations of the same rows: likelihoods alone, which every round needs, and all there is.
class OwnMeasurements {
 public:
  // Reads and checks the data. `base`: folder of the model before it learnt the rows, or "".
  OwnMeasurements(const config::Settings& settings, const std::string& base, torch::Device device);

  metrics::own_data::Measured likelihoods(model::CausalLM& model);
  // With a folder, the evaluation's files are written there.
  metrics::own_data::Measured everything(model::CausalLM& model,
                                         const std::filesystem::path& folder = {});

 private:
  // The evaluators refer to their configurations.
  struct Part {
    RunConfig config;
    std::optional<Evaluator> evaluator;
    void open(torch::Device device);
    metrics::own_data::Measured measure(model::CausalLM& model,
                                        const std::filesystem::path& folder);
  };
  Part likelihoods_, everything_;
};

// What decides whether to go on, from likelihoods alone.
struct Standing {
  double auc = 1;               // preference; 1 where it is unknown
  double logprob = 0;           // mean of the forget rows
  std::optional<double> above;  // nats above the base's mean, where there is a base
  double fall = 0;              // of the held-out rows, or of the seen ones where none are held out
  bool reached(const metrics::own_data::Targets& targets) const;
  bool damaged(const metrics::own_data::Targets& targets) const;  // also where a number is NaN
};
Standing standing(const metrics::own_data::Measured& before,
                  const metrics::own_data::Measured& now);

}  // namespace unlearn::run
