// The configuration of a run, resolved from defaults, method defaults, config files and flags.
#pragma once

#include <torch/types.h>

#include <memory>
#include <optional>
#include <string>

#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/config/settings.h"
#include "unlearn/eval/eval_config.h"
#include "unlearn/losses/loss.h"
#include "unlearn/train/train_config.h"

namespace unlearn::run {

// The `model:` section.
struct ModelConfig {
  std::string path;
  std::string adapter;  // PEFT folder added into the weights before anything else
  std::string dtype = "auto";
  std::string prompt_template = "auto";
  std::string tokenizer = "auto";  // whose rules read the tokenizer's files
  std::string save_dtype = "auto";
  std::string init = "pretrained";
  bool strict = false;
  std::string reference;  // model folder; empty: the model before its first step
  double reference_perturb = 0.0;
  void visit(config::FieldVisitor& visitor);
};

enum class Purpose : uint8_t { kUnlearn, kFinetune };

struct RunConfig {
  Purpose purpose = Purpose::kUnlearn;
  ModelConfig model;
  std::optional<data::Template> custom_template;
  benchmarks::DataSection data;
  train::TrainConfig train;
  eval::EvalConfig eval;
  std::string method;  // our name
  std::unique_ptr<losses::Loss> loss;
  std::string output;
  std::string device = "auto";

  // All values as nested JSON, in the order of the config skeleton.
  Json resolved() const;
  // The part of it that decides the result (no output, logging or checkpoint settings).
  Json fingerprint() const;
};

// Both take what the user gives: the config file's settings below those of --set and flags.
// UserError names the origin and the key of what is wrong.

// The sections that an evaluation reads (model, data, eval, device); a config of a training run
// will do. There is no loss in it.
RunConfig resolve_evaluation(const config::Settings& user);
// All sections, above the method's defaults for the benchmark. With kFinetune the method is
// next-token training, whatever `method` holds.
RunConfig resolve_run(const config::Settings& user, Purpose purpose);

}  // namespace unlearn::run
