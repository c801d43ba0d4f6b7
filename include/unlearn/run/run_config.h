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
#include "unlearn/tokenizer/tokenizer.h"
#include "unlearn/train/train_config.h"

namespace unlearn::run {

// Precisions of a model's weights by name; unset: by device (`dtype`), as the folder's
// (`save_dtype`).
inline constexpr config::Named<std::optional<torch::Dtype>> kDtypes[] = {
    {std::nullopt, "auto"},
    {torch::kFloat32, "float32"},
    {torch::kBFloat16, "bfloat16"},
    {torch::kFloat64, "float64"}};
inline constexpr config::Named<std::optional<torch::Dtype>> kSavedDtypes[] = {
    {std::nullopt, "auto"},
    {torch::kFloat32, "float32"},
    {torch::kBFloat16, "bfloat16"},
    {torch::kFloat16, "float16"}};

// Whose rules read a tokenizer's files; unset: by the folder (resolve_rules).
inline constexpr config::Named<std::optional<tokenizer::Rules>> kTokenizerRules[] = {
    {std::nullopt, "auto"},
    {tokenizer::Rules::kTransformers5, "transformers5"},
    {tokenizer::Rules::kTransformers4, "transformers4"}};

// Where the weights are from before the first step.
enum class Init : uint8_t { kPretrained, kRandom };
inline constexpr config::Named<Init> kInits[] = {{Init::kPretrained, "pretrained"},
                                                 {Init::kRandom, "random"}};

// The `model:` section.
struct ModelConfig {
  std::string path;
  std::string adapter;  // PEFT folder added into the weights before anything else
  std::optional<torch::Dtype> dtype;
  std::string prompt_template = "auto";
  std::optional<tokenizer::Rules> tokenizer;
  std::optional<torch::Dtype> save_dtype;
  Init init = Init::kPretrained;
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
