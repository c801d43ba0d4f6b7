#include "unlearn/run/evaluator.h"

#include <algorithm>
#include <cstdlib>

#include "run/stage_progress.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/lock.h"
#include "unlearn/core/log.h"
#include "unlearn/core/manifest.h"
#include "unlearn/model/lora.h"
#include "unlearn/model/weight_format.h"
#include "unlearn/run/device.h"
#include "unlearn/run/prepare.h"
#include "unlearn/run/prompt_template.h"
#include "unlearn/runtime/token_budget.h"

namespace unlearn::run {
namespace {
namespace fs = std::filesystem;

constexpr size_t kHeadlineMetrics = 5;
constexpr const char* kLeaveRulesOut = "eval.generation_config=ignore";
constexpr const char* kCache = "cache";  // in the eval folder

// Names and contents of a folder's weights and settings.
std::string content_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (entry.path().extension() == ".safetensors" || name == "config.json" ||
        name == "generation_config.json" || name == "adapter_config.json") {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::string all;
  for (const fs::path& file : files) all += cat("\n", file.filename(), sha256_file(file));
  return all;
}

// What the weights are: content of every file that decides them, precision, device kind.
std::string weights_key(const EvaluatedModel& evaluated, torch::Dtype dtype, torch::Device device) {
  std::string all = cat(dtype_text(dtype), device.is_cuda() ? " cuda" : " cpu");
  all += content_of(evaluated.folder);
  for (const std::string& adapter : {evaluated.merged_adapter, evaluated.adapter}) {
    if (!adapter.empty()) all += cat("\nadapter", content_of(adapter));
  }
  if (const model::WeightFormat* format = evaluated.base_format) {
    all += cat("\nbits ", model::format_key(format));
  }
  return sha256(all);
}

}  // namespace

EvaluatedModel adapter_of_run(const RunConfig& config, const fs::path& adapter) {
  fs::path base = config.model.path;
  // A relative path is one from where the run was started; run.json knows it whole (adapters of
  // earlier versions did).
  if (!fs::exists(base / "config.json")) {
    for (const auto& [file, key] :
         {std::pair{adapter.parent_path() / "run.json", "model_folder"},
          std::pair{adapter / "adapter_config.json", "base_model_name_or_path"}}) {
      const Json settings = fs::exists(file) ? read_json(file) : Json::object();
      const auto named = settings.find(key);
      if (named == settings.end() || !named->is_string()) continue;
      base = named->get<std::string>();
      break;
    }
  }
  return {base, config.model.adapter, adapter.string(), config.train.base_format()};
}

Evaluator::Evaluator(const RunConfig& config, EvaluatedModel evaluated, torch::Device device)
    : config_(config),
      evaluated_(std::move(evaluated)),
      device_(device),
      dtype_(resolve_dtype(config.model.dtype, device_)) {
  const fs::path& folder = evaluated_.folder;
  const checkpoint::HfConfig hf_config = checkpoint::open_hf_folder(folder);
  vocab_size_ = hf_config.size("vocab_size");
  model_type_ = hf_config.model_type();
  for (const char* key : {"n_positions", "max_position_embeddings", "n_ctx"}) {
    if (context_ == 0) context_ = hf_config.size_or(key, 0, INT32_MAX);
  }
  if (config.eval.generation_config == eval::GenerationConfig::kApply) {
    rules_ = scoring::read_decoding_rules(folder, vocab_size_);
  }
  for (const std::string& adapter : {evaluated_.merged_adapter, evaluated_.adapter}) {
    if (!adapter.empty()) model::check_adapter(folder, adapter);
  }
  tokenizer_ = tokenizer::load_tokenizer(folder, resolve_rules(config.model.tokenizer, folder));
  template_ = resolve_template(
      config, folder,
      config.data.chosen().reads_template ? ForeignChat::kRefuse : ForeignChat::kIgnore);
  if (!config.eval.reference_model.empty()) {
    check_model(config.eval.reference_model, config.model.strict);
    reference_vocab_size_ =
        checkpoint::open_hf_folder(config.eval.reference_model).size("vocab_size");
  }
  if (const std::string& original = config.eval.original_model; !original.empty()) {
    check_model(original, config.model.strict);
    const int64_t size = checkpoint::open_hf_folder(original).size("vocab_size");
    if (size != vocab_size_) {
      user_error("eval.original_model: ", original, " has a vocabulary of ", size,
                 " tokens, the evaluated model one of ", vocab_size_);
    }
  }
}

eval::EvaluationInputs Evaluator::inputs() const {
  return {*tokenizer_, template_,   config_.data, config_.eval,
          vocab_size_, model_type_, context_,     reference_vocab_size_};
}

std::string Evaluator::plan_summary() const {
  const auto evaluation = benchmarks::make_evaluation(config_.data.benchmark, inputs());
  const auto [own, reference] = eval::checked_plans(*evaluation, inputs());
  if (!own.of<eval::GenerationRequest>().empty()) {
    rules_.check(kLeaveRulesOut);
    rules_.report(kLeaveRulesOut, config_.eval.temperature > 0);
  }
  std::string text = own.summary();
  if (!reference.empty()) text += cat("; reference model: ", reference.summary());
  return text;
}

std::vector<std::string> Evaluator::headline() const {
  return benchmarks::make_evaluation(config_.data.benchmark, inputs())->headline();
}

bool Evaluator::is_complete(const fs::path& eval_folder) const {
  const auto evaluation = benchmarks::make_evaluation(config_.data.benchmark, inputs());
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

std::shared_ptr<model::CausalLM> Evaluator::load(const EvaluatedModel& evaluated) const {
  auto model = model::load_model(evaluated.folder, dtype_, device_, evaluated.base_format);
  if (!evaluated.merged_adapter.empty()) model::merge_adapter(*model, evaluated.merged_adapter);
  if (!evaluated.adapter.empty()) model::attach_adapter(*model, evaluated.adapter);
  model->eval();
  return model;
}

fs::path Evaluator::cache_of(const EvaluatedModel& evaluated, const fs::path& eval_folder) const {
  if (!config_.eval.cache) return {};
  const char* shared = std::getenv("UNLEARN_CACHE_DIR");
  const bool is_shared = shared != nullptr && *shared != '\0';
  const fs::path root = is_shared ? fs::path(shared) / "eval" : eval_folder / kCache;
  constexpr size_t kKeyLength = 16;
  return root / weights_key(evaluated, dtype_, device_).substr(0, kKeyLength);
}

void Evaluator::check_output(const fs::path& eval_folder) const {
  const std::string& log = config_.eval.retain_log;
  if (!log.empty() && fs::exists(log) &&
      lies_in(fs::is_directory(log) ? eval_folder : fs::path(log),
              fs::is_directory(log) ? fs::path(log) : eval_folder)) {
    user_error("eval.retain_log: ", log, " lies where the results are written, ",
               eval_folder.string(), "; give another --output");
  }
  const auto evaluation = benchmarks::make_evaluation(config_.data.benchmark, inputs());
  OwnFolder(eval_folder).check_free(eval::eval_file_names(evaluation->file_prefix()));
}

eval::Outcome Evaluator::evaluate_folder(const fs::path& eval_folder) {
  fs::create_directories(eval_folder);
  const FileLock lock(eval_folder / FileLock::kName, eval_folder.string());
  const std::string& reference = config_.eval.reference_model;
  const fs::path cache = cache_of(evaluated_, eval_folder);
  const fs::path reference_cache =
      reference.empty() ? fs::path() : cache_of({reference}, eval_folder);
  OwnFolder own(eval_folder);
  for (const fs::path& folder : {cache, reference_cache}) {
    if (folder.empty() || folder.parent_path() != eval_folder / kCache) continue;
    own.claim({(fs::path(kCache) / folder.filename() / eval::kResultsFile).string()});
  }
  std::shared_ptr<model::CausalLM> loaded;
  const auto provider = [&]() -> model::CausalLM& {
    if (!loaded) loaded = load(evaluated_);
    return *loaded;
  };
  return run(provider, cache, reference_cache, eval_folder);
}

eval::Outcome Evaluator::evaluate_model(model::CausalLM& model, const fs::path& eval_folder) {
  const bool training = model.is_training();
  model.eval();  // no dropout
  const auto provider = [&]() -> model::CausalLM& { return model; };
  eval::Outcome outcome = run(provider, {}, {}, eval_folder);
  model.train(training);
  return outcome;
}

eval::Outcome Evaluator::run(const eval::ModelProvider& model, const fs::path& cache,
                             const fs::path& reference_cache, const fs::path& eval_folder) {
  const auto evaluation = benchmarks::make_evaluation(config_.data.benchmark, inputs());
  eval::Outcome outcome = answer(*evaluation, model, cache, reference_cache);
  if (!eval_folder.empty()) eval::write_outcome(eval_folder, *evaluation, outcome);
  return outcome;
}

eval::Outcome Evaluator::answer(eval::BenchmarkEvaluation& evaluation,
                                const eval::ModelProvider& model, const fs::path& cache,
                                const fs::path& reference_cache) {
  StageProgress progress;
  eval::EvaluationRun settings;
  settings.model = model;
  settings.reference = [this]() -> model::CausalLM& {
    if (!reference_) reference_ = load({config_.eval.reference_model});
    return *reference_;
  };
  if (const std::string& original = config_.eval.original_model; !original.empty()) {
    settings.original = [this]() -> model::CausalLM& {
      if (!original_) original_ = load({config_.eval.original_model});
      return *original_;
    };
    if (!cache.empty()) settings.original_key = weights_key({original}, dtype_, device_);
  }
  settings.rules = rules_;
  settings.cache = cache;
  settings.reference_cache = reference_cache;
  settings.batch_tokens = runtime::kScoringTokens.on(device_);
  settings.generation_tokens = runtime::kGenerationTokens.on(device_);
  settings.progress = [&](const std::string& stage, int64_t done, int64_t total) {
    progress.show(stage, done, total);
  };
  return eval::run_evaluation(evaluation, inputs(), settings);
}

model::ModelDims Evaluator::dims() const {
  return model::summarize_model_folder(evaluated_.folder).dims;
}

eval::Plan Evaluator::requests() const {
  const auto evaluation = benchmarks::make_evaluation(config_.data.benchmark, inputs());
  return eval::checked_plans(*evaluation, inputs()).own;
}

std::string Evaluator::requests_key() const {
  std::string keys;
  requests().for_each_kind([&](const auto& items) {
    for (const auto& item : items) keys += item.key + "\n";
    keys += "\n";
  });
  return sha256(keys);
}

std::string Evaluator::model_key() const { return weights_key(evaluated_, dtype_, device_); }

eval::Outcome Evaluator::measure(model::CausalLM& model, const fs::path& cache) {
  const auto evaluation = benchmarks::make_evaluation(config_.data.benchmark, inputs());
  return answer(*evaluation, [&]() -> model::CausalLM& { return model; }, cache, {});
}

eval::ExecuteOptions Evaluator::execute_options() const {
  eval::ExecuteOptions options;
  options.tokenizer = tokenizer_.get();
  options.rules = rules_;
  options.batch_tokens = config_.eval.batch_tokens.value_or(runtime::kScoringTokens.on(device_));
  options.generation_tokens =
      config_.eval.generation_tokens.value_or(runtime::kGenerationTokens.on(device_));
  return options;
}

}  // namespace unlearn::run
