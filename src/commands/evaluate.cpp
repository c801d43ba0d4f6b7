#include "commands/evaluate.h"

#include <algorithm>
#include <cstdlib>

#include "commands/stage_progress.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"

namespace unlearn::commands {
namespace {
namespace fs = std::filesystem;

constexpr size_t kHeadlineMetrics = 5;

// What the weights are: content of every weight file and of config.json, precision, device kind.
std::string weights_key(const fs::path& folder, torch::Dtype dtype, torch::Device device) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path& path = entry.path();
    if (path.extension() == ".safetensors" || path.filename() == "config.json") {
      files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  std::string all = cat(dtype_text(dtype), device.is_cuda() ? " cuda" : " cpu");
  for (const fs::path& file : files) all += cat("\n", file.filename(), sha256_file(file));
  return sha256(all);
}

}  // namespace

Evaluator::Evaluator(const RunConfig& config, fs::path model_folder)
    : config_(config),
      folder_(std::move(model_folder)),
      device_(resolve_device(config.device)),
      dtype_(resolve_dtype(config.model.dtype, device_)) {
  const checkpoint::HfConfig hf_config = checkpoint::open_hf_folder(folder_);
  vocab_size_ = hf_config.size("vocab_size");
  tokenizer_ = tokenizer::load_tokenizer(folder_);
  template_ = resolve_template(config.model.prompt_template, config.custom_template, folder_);
  if (!config.eval.reference_model.empty()) {
    checkpoint::open_hf_folder(config.eval.reference_model);
  }
}

eval::EvaluationInputs Evaluator::inputs() const {
  return {*tokenizer_, template_, config_.data, config_.eval, vocab_size_};
}

std::string Evaluator::plan_summary() const {
  const auto evaluation = eval::make_evaluation(config_.data.benchmark, inputs());
  eval::Plan own, reference;
  evaluation->plan(own, reference);
  std::string text = own.summary();
  if (!reference.empty()) text += cat("; reference model: ", reference.summary());
  return text;
}

std::vector<std::string> Evaluator::headline() const {
  return eval::make_evaluation(config_.data.benchmark, inputs())->headline();
}

bool Evaluator::is_complete(const fs::path& eval_folder) const {
  const auto evaluation = eval::make_evaluation(config_.data.benchmark, inputs());
  return fs::exists(eval_folder / (evaluation->file_prefix() + "_SUMMARY.json"));
}

std::string Evaluator::headline_text(const eval::Outcome& outcome) const {
  std::vector<std::string> parts;
  for (const std::string& name : headline()) {
    const auto entry = outcome.evaluation.metrics.find(name);
    if (entry == outcome.evaluation.metrics.end() || !entry->second.value) continue;
    parts.push_back(cat(name, " ", number(*entry->second.value, 4)));
    if (parts.size() == kHeadlineMetrics) break;
  }
  return join(parts, "  ");
}

std::shared_ptr<model::CausalLM> Evaluator::load(const fs::path& folder) const {
  auto model = model::load_model(folder, dtype_, device_);
  model->eval();
  return model;
}

fs::path Evaluator::cache_of(const fs::path& model_folder, const fs::path& eval_folder) const {
  if (!config_.eval.cache) return {};
  const char* shared = std::getenv("UNLEARN_CACHE_DIR");
  const bool is_shared = shared != nullptr && *shared != '\0';
  const fs::path root = is_shared ? fs::path(shared) / "eval" : eval_folder / "cache";
  constexpr size_t kKeyLength = 16;
  return root / weights_key(model_folder, dtype_, device_).substr(0, kKeyLength);
}

eval::Outcome Evaluator::evaluate_folder(const fs::path& eval_folder) {
  std::shared_ptr<model::CausalLM> loaded;
  const auto provider = [&]() -> model::CausalLM& {
    if (!loaded) loaded = load(folder_);
    return *loaded;
  };
  const std::string& reference = config_.eval.reference_model;
  return run(provider, cache_of(folder_, eval_folder),
             reference.empty() ? fs::path() : cache_of(reference, eval_folder), eval_folder);
}

eval::Outcome Evaluator::evaluate_model(model::CausalLM& model, const fs::path& eval_folder) {
  const auto provider = [&]() -> model::CausalLM& { return model; };
  return run(provider, {}, {}, eval_folder);
}

eval::Outcome Evaluator::run(const eval::ModelProvider& model, const fs::path& cache,
                             const fs::path& reference_cache, const fs::path& eval_folder) {
  const auto evaluation = eval::make_evaluation(config_.data.benchmark, inputs());
  const bool on_cuda = device_.is_cuda();
  StageProgress progress;
  eval::EvaluationRun settings;
  settings.model = model;
  settings.reference = [this]() -> model::CausalLM& {
    if (!reference_) reference_ = load(config_.eval.reference_model);
    return *reference_;
  };
  settings.cache = cache;
  settings.reference_cache = reference_cache;
  settings.batch_tokens = on_cuda ? 32768 : 4096;
  settings.generation_tokens = on_cuda ? 131072 : 8192;
  settings.progress = [&](const std::string& stage, int64_t done, int64_t total) {
    progress.show(stage, done, total);
  };
  eval::Outcome outcome = eval::run_evaluation(*evaluation, inputs(), settings);
  eval::write_outcome(eval_folder, *evaluation, outcome);
  return outcome;
}

}  // namespace unlearn::commands
