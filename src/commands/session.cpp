#include "commands/session.h"

#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"

namespace unlearn::commands {
namespace {

data::SplitRequest request_for(const losses::Loss& loss, Purpose purpose) {
  if (purpose == Purpose::kFinetune) return {.train = true};
  const losses::Needs needs = loss.needs();
  // Steps are counted in forget rows, and refusals are drawn for them, whatever the loss reads.
  const bool own = needs.alternate_source == losses::AlternateSource::kProvided;
  return {
      .forget = true, .retain = needs.retain, .alternate = needs.alternate, .own_alternate = own};
}

void check_model(const std::filesystem::path& folder) {
  const model::LoadReport report = model::check_model_folder(folder);
  if (!report.missing.empty()) {
    user_error(folder.string(), ": tensor '", report.missing.front(), "' is missing (",
               report.missing.size(), " in all)");
  }
  if (!report.unused.empty()) {
    user_error(folder.string(), ": tensor '", report.unused.front(),
               "' has no place in the model (", report.unused.size(), " in all)");
  }
}

}  // namespace

PreparedRun prepare_run(const RunConfig& config, Purpose purpose) {
  PreparedRun run;
  run.device = resolve_device(config.device);
  run.dtype = resolve_dtype(config.model.dtype, run.device);
  const std::filesystem::path folder = config.model.path;
  const checkpoint::HfConfig hf_config = checkpoint::open_hf_folder(folder);
  run.hf_config = hf_config.json();
  if (config.model.init == "pretrained") check_model(folder);
  run.tokenizer = tokenizer::load_tokenizer(folder);
  run.prompt_template =
      resolve_template(config.model.prompt_template, config.custom_template, folder);
  run.splits = data::load_splits(config.data, request_for(*config.loss, purpose), *run.tokenizer,
                                 run.prompt_template, hf_config.size("vocab_size"));
  run.forget = purpose == Purpose::kFinetune ? &*run.splits.train : &*run.splits.forget;
  run.plan = train::plan_steps(config.train, static_cast<int64_t>(run.forget->examples.size()));
  return run;
}

}  // namespace unlearn::commands
