#include "unlearn/run/prepare.h"

#include <algorithm>

#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/data/packing.h"
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
  return {
      .forget = true, .retain = needs.retain, .alternate = needs.alternate, .own_alternate = own};
}

// What the quirks that read the model's outputs at padding ask for; the references pad with EOS.
void pad_splits(const RunConfig& config, const tokenizer::Tokenizer& tok, data::Splits& splits) {
  const losses::Needs::Padding padding = config.loss->needs().padding;
  if (!padding.forget && !padding.retain) return;
  if (!tok.special().eos) user_error("train.compat: the tokenizer names no EOS to pad with");
  for (const losses::Quirk& quirk : config.loss->quirks()) {
    const bool is_on = quirk.on != nullptr && *quirk.on;
    if (is_on && !quirk.benchmark.empty() && quirk.benchmark != config.data.benchmark) {
      user_error("train.compat: ", quirk.name, " belongs to data.benchmark: ", quirk.benchmark,
                 ", not ", config.data.benchmark);
    }
  }
  const data::PadRule rule{config.data.max_length, *tok.special().eos, padding.labelled};
  if (padding.forget && splits.forget) data::pad_examples(splits.forget->examples, rule);
  if (padding.retain && splits.retain) data::pad_examples(splits.retain->examples, rule);
}

// train.compat: pad_is_masked. OpenUnlearning gives a tokenizer without a pad token its EOS.
std::optional<int32_t> masked_token(const RunConfig& config, const PreparedRun& run) {
  if (!losses::names_quirk(config.train.compat, losses::kPadIsMasked)) return std::nullopt;
  const tokenizer::SpecialIds& special = run.tokenizer->special();
  const std::optional<int32_t> token = special.pad ? special.pad : special.eos;
  if (!token) {
    user_error("train.compat: pad_is_masked: the tokenizer names neither a pad token nor EOS");
  }
  const auto hides = [&](const data::Example& example) {
    // An end token that is only predicted is not there to be hidden.
    const auto end = example.tokens.end() - 1;
    return std::find(example.tokens.begin(), end, *token) != end;
  };
  int64_t rows = 0;
  for (const auto* split :
       {&run.splits.forget, &run.splits.retain, &run.splits.alternate, &run.splits.train}) {
    if (*split) rows += std::count_if((*split)->examples.begin(), (*split)->examples.end(), hides);
  }
  log::info("pad_is_masked: token ", *token, " is hidden in ", rows, " rows");
  return token;
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
  const bool is_pretrained = config.model.init == "pretrained";
  const checkpoint::HfConfig hf_config = checkpoint::open_hf_folder(folder);
  run.hf_config = is_pretrained ? model::model_config(folder) : hf_config.json();
  if (is_pretrained) check_model(folder, config.model.strict);
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
  if (config.purpose == Purpose::kUnlearn) pad_splits(config, *run.tokenizer, run.splits);
  run.masked_token = masked_token(config, run);
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
  if (config.eval.at_end || config.eval.every != "never") {
    run.evaluator.emplace(config, EvaluatedModel{config.model.path}, device);
  }
  return run;
}

void adopt_recorded_modes(RunConfig& config) {
  const Json modes =
      read_json(fs::path(config.output) / "run.json").value("memory_modes", Json::object());
  const std::pair<const char*, std::string*> fields[] = {{"master", &config.train.master},
                                                         {"state_bits", &config.train.state_bits}};
  for (const auto& [name, value] : fields) {
    if (*value == "auto") *value = modes.value(name, *value);
  }
}

}  // namespace unlearn::run
