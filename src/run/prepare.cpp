#include "unlearn/run/prepare.h"

#include <algorithm>
#include <map>

#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/losses/compat.h"
#include "unlearn/model/lora.h"
#include "unlearn/run/device.h"
#include "unlearn/run/prompt_template.h"
#include "unlearn/run/weights.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

data::SplitRequest request_for(const RunConfig& config) {
  if (config.purpose == Purpose::kFinetune) return {.train = true};
  const losses::Needs needs = config.loss->needs();
  // Steps are counted in forget rows, and refusals are drawn for them, whatever the loss reads.
  const bool own = needs.alternate_source == losses::AlternateSource::kProvided;
  return {.forget = true,
          .retain = needs.retain,
          .alternate = needs.alternate,
          .own_alternate = own,
          .for_training = true};
}

// What the run's quirks do to its examples.
void decorate(const RunConfig& config, PreparedRun& run) {
  const auto examples_of = [](std::optional<data::Split>& split) {
    return split ? &split->examples : nullptr;
  };
  const tokenizer::SpecialIds& special = run.tokenizer->special();
  losses::RunExamples examples{.forget = examples_of(run.splits.forget),
                               .retain = examples_of(run.splits.retain),
                               .alternate = examples_of(run.splits.alternate),
                               .train = examples_of(run.splits.train),
                               .benchmark = config.data.benchmark,
                               .max_length = config.data.max_length,
                               .eos = special.eos,
                               .pad = special.pad};
  losses::decorate_examples(*config.loss, config.train.compat, examples);
}

// What transformers loads the folder as with dtype="auto": what config.json declares, else what
// most weights are stored in. Nothing for a folder without weights of these kinds.
std::optional<torch::Dtype> folder_dtype(const fs::path& folder, const Json& hf_config) {
  const std::map<std::string, torch::Dtype> known = {{"float32", torch::kFloat32},
                                                     {"bfloat16", torch::kBFloat16},
                                                     {"float16", torch::kFloat16},
                                                     {"float64", torch::kFloat64}};
  for (const char* key : {"dtype", "torch_dtype"}) {
    const auto found = hf_config.find(key);
    if (found == hf_config.end() || !found->is_string()) continue;
    if (const auto it = known.find(found->get<std::string>()); it != known.end()) return it->second;
  }
  const checkpoint::TensorStore store(folder);
  std::map<torch::Dtype, int64_t> elements;
  for (const std::string& name : store.names()) {
    elements[store.info(name).dtype] += store.info(name).elements();
  }
  const auto most = std::max_element(elements.begin(), elements.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  const bool is_known = most != elements.end() && torch::isFloatingType(most->first);
  return is_known ? std::optional(most->first) : std::nullopt;
}

// model.save_dtype; auto keeps the folder's precision, and writes no more bits than were trained.
torch::Dtype saved_dtype(const RunConfig& config, const PreparedRun& run) {
  if (config.model.save_dtype) return *config.model.save_dtype;
  if (config.model.init != Init::kPretrained) return run.dtype;
  const torch::Dtype stored = folder_dtype(config.model.path, run.hf_config).value_or(run.dtype);
  return torch::elementSize(stored) <= torch::elementSize(run.dtype) ? stored : run.dtype;
}

}  // namespace

void check_model(const fs::path& folder, bool is_strict) {
  const model::LoadReport report = model::check_model_folder(folder);
  if (!report.missing.empty()) {
    user_error(folder.string(), ": tensor '", report.missing.front(), "' is missing (",
               report.missing.size(), " in all)");
  }
  std::vector<std::string> findings = report.oddities;
  if (!report.unused.empty()) {
    findings.push_back(cat("tensor '", report.unused.front(), "' has no place in the model (",
                           report.unused.size(), " in all) and is left out"));
  }
  for (const std::string& finding : findings) {
    const std::string line = cat(folder.string(), ": ", finding);
    if (is_strict) user_error(line, " (refused by model.strict)");
    log::warn(line);
  }
}

PreparedRun prepare_model(const RunConfig& config, torch::Device device, const Sharing& sharing) {
  PreparedRun run;
  run.device = device;
  run.sharing = sharing;
  run.dtype = resolve_dtype(config.model.dtype, run.device);
  const fs::path folder = config.model.path;
  const bool is_pretrained = config.model.init == Init::kPretrained;
  const checkpoint::HfConfig hf_config = checkpoint::open_hf_folder(folder);
  run.hf_config = is_pretrained ? model::model_config(folder) : hf_config.json();
  if (is_pretrained) check_model(folder, config.model.strict);
  run.saved_dtype = saved_dtype(config, run);
  if (!config.model.adapter.empty()) {
    if (!is_pretrained) {
      user_error("model.adapter: belongs to stored weights, and model.init: random has none");
    }
    if (model::check_adapter(folder, config.model.adapter).unties_head) {
      run.hf_config["tie_word_embeddings"] = false;
    }
  }
  run.footprint = model::model_footprint(run.hf_config, adaptation(config.train),
                                         {run.dtype, run.device.is_cpu()});
  return run;
}

void prepare_data(const RunConfig& config, PreparedRun& run) {
  const fs::path folder = config.model.path;
  run.tokenizer = tokenizer::load_tokenizer(folder, resolve_rules(config.model.tokenizer, folder));
  run.prompt_template = resolve_template(
      config, folder,
      config.data.chosen().reads_template ? ForeignChat::kRefuse : ForeignChat::kIgnore);
  const int64_t vocab_size = checkpoint::open_hf_folder(folder).size("vocab_size");
  run.splits = data::load_splits(config.data, config.data.chosen().layout, request_for(config),
                                 *run.tokenizer, run.prompt_template, vocab_size);
  if (!config.left_out.exclude.empty()) {
    run.exclusion = data::exclude_rows(run.leading(), config.left_out.exclude);
  }
  decorate(config, run);
}

void record_exclusion(RunConfig& config, const PreparedRun& run) {
  if (run.exclusion) config.left_out.set(run.exclusion->rows);
}

void prepare_steps(const RunConfig& config, PreparedRun& run) {
  run.plan = train::plan_steps(config.train, static_cast<int64_t>(run.leading().examples.size()));
}

void start_loss(const RunConfig& config, const PreparedRun& run) {
  config.loss->start(train::model_facts(run.footprint.dims, config.train));
}

PreparedRun prepare(const RunConfig& config, torch::Device device, const Sharing& sharing) {
  PreparedRun run = prepare_model(config, device, sharing);
  prepare_data(config, run);
  prepare_steps(config, run);
  start_loss(config, run);
  if (config.eval.at_start || config.eval.at_end || config.eval.interval(1) > 0) {
    run.evaluator = std::make_unique<Evaluator>(config, EvaluatedModel{config.model.path}, device);
  }
  return run;
}

void adopt_recorded_modes(RunConfig& config) {
  const fs::path record = fs::path(config.output) / "run.json";
  const Json modes = read_json(record).value("memory_modes", Json::object());
  const auto adopt = [&](const char* name, const auto& table, auto& value) {
    const auto found = modes.is_object() ? modes.find(name) : modes.end();
    if (value || found == modes.end()) return;
    const std::vector<std::string> known = config::names_in(table);
    if (!found->is_string() || std::find(known.begin(), known.end(), *found) == known.end()) {
      user_error(record.string(), ": memory_modes: ", name, " is ", found->dump(),
                 ", which no run writes (known: ", join(known, ", "), ")");
    }
    value = config::value_in(table, found->get<std::string>());
  };
  adopt("master", train::kMasters, config.train.master);
  adopt("state_bits", train::kStateBits, config.train.state_bits);
  adopt("gradient_sum", train::kGradientSums, config.train.gradient_sum);
  // Runs of versions without it have no such mode.
  if (!config.train.gradient_sum && !modes.empty()) {
    config.train.gradient_sum = train::GradientSum::kModel;
  }
}

}  // namespace unlearn::run
