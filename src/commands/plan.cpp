// What --dry-run prints: steps, tokens and predicted memory.
#include <iomanip>

#include "commands/session.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/train/trainer.h"

namespace unlearn::commands {
namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

double mean_tokens(const std::optional<data::Split>& split) {
  if (!split || split->examples.empty()) return 0;
  double tokens = 0;
  for (const data::Example& example : split->examples) {
    tokens += static_cast<double>(example.tokens.size() - 1);
  }
  return tokens / static_cast<double>(split->examples.size());
}

int64_t count_parameters(const RunConfig& config, const PreparedRun& run) {
  if (config.model.init == "random") {
    return model::count_parameters(*model::make_model(run.hf_config, 0));
  }
  const checkpoint::TensorStore store(config.model.path);
  int64_t parameters = 0;
  for (const std::string& name : store.names()) parameters += store.info(name).elements();
  return parameters;
}

}  // namespace

std::string describe_plan(const RunConfig& config, const PreparedRun& run) {
  const data::Splits& splits = run.splits;
  const double item_tokens = mean_tokens(splits.train) + mean_tokens(splits.forget) +
                             mean_tokens(splits.retain) + mean_tokens(splits.alternate);
  const double step_tokens = item_tokens * static_cast<double>(config.train.batch_size);
  const auto budget = static_cast<double>(
      config.train.batch_tokens.value_or(train::default_batch_tokens(run.device)));
  const auto parameters = static_cast<double>(count_parameters(config, run));
  // Weights and gradients in the training precision; fp32 moments; a bf16 master's int16 half.
  const bool half = run.dtype == torch::kBFloat16;
  const double element = static_cast<double>(torch::elementSize(run.dtype));
  const double moments = run.dtype == torch::kFloat64 ? 16 : 8;
  const double bytes_per_parameter =
      2 * element + moments + (half && config.train.master != "none" ? 2 : 0);
  std::ostringstream out;
  out << std::fixed << std::setprecision(2);
  out << "method      " << config.method << "\n"
      << "model       " << config.model.path << " (" << parameters / 1e6 << " M parameters, "
      << dtype_text(run.dtype) << " on " << run.device << ")\n"
      << "template    " << run.prompt_template.name << "\n";
  const std::pair<const char*, const std::optional<data::Split>*> parts[] = {
      {"train", &splits.train},
      {"forget", &splits.forget},
      {"retain", &splits.retain},
      {"alternate", &splits.alternate}};
  for (const auto& [name, split] : parts) {
    if (!*split) continue;
    out << std::left << std::setw(12) << name << (*split)->examples.size() << " rows, "
        << mean_tokens(*split) << " tokens each, " << (*split)->file.string() << "\n";
  }
  out << "steps       " << run.plan.total << " (" << run.plan.per_epoch << " per epoch, warm-up "
      << run.plan.warmup << ")\n"
      << "step        " << config.train.batch_size << " forget examples, about " << step_tokens
      << " tokens in micro-batches of at most " << budget << "\n"
      << "memory      " << parameters * bytes_per_parameter / kGiB
      << " GiB for weights, gradients and optimizer state\n"
      << "output      " << config.output << "\n";
  return out.str();
}

}  // namespace unlearn::commands
