#include "unlearn/run/plan.h"

#include <iomanip>

#include "unlearn/core/error.h"
#include "unlearn/core/plural.h"
#include "unlearn/run/device.h"
#include "unlearn/runtime/token_budget.h"
#include "unlearn/train/trainer.h"

namespace unlearn::run {
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

std::string gib(int64_t bytes) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(2) << static_cast<double>(bytes) / kGiB;
  return text.str();
}

std::string memory_lines(const train::MemoryPlan& memory, int64_t available, bool is_half) {
  const std::pair<const char*, int64_t> parts[] = {{"weights", memory.weights},
                                                   {"gradients", memory.gradients},
                                                   {"state", memory.state},
                                                   {"update", memory.update},
                                                   {"activations", memory.activations},
                                                   {"logits", memory.logits},
                                                   {"reference", memory.reference},
                                                   {"copies", memory.copies},
                                                   {"program", memory.program}};
  std::string text = cat("memory      peak ", gib(memory.peak), " GiB of ", gib(available),
                         " GiB available\n            GiB:");
  for (const auto& [name, bytes] : parts) {
    if (bytes > 0) text += cat(" ", name, " ", gib(bytes));
  }
  // Wider weights than bfloat16 are their own master.
  const std::string master =
      is_half ? cat("master ", config::name_in(train::kMasters, memory.master), ", ") : "";
  return cat(
      text, "\nmodes       ", master, "optimizer state ", memory.state_bits, " bits, recompute ",
      config::name_in(train::kRecomputes, memory.recompute),
      memory.gradient_sum == train::GradientSum::kFloat32 ? ", gradients summed in fp32" : "",
      "\n");
}

// What a step's examples are called.
const char* examples_of(const data::Splits& splits) {
  return splits.train ? "example" : "forget example";
}

std::string processes_line(const PreparedRun& run) {
  if (run.sharing.processes == 1) return "";
  return cat("processes   ", run.sharing.processes,
             " share each step; what follows is of one of them\n");
}

}  // namespace

int64_t memory_limit(const RunConfig& config, const PreparedRun& run) {
  if (config.train.memory_gib) return static_cast<int64_t>(*config.train.memory_gib * kGiB);
  const int64_t available = train::available_memory(run.device);
  return run.device.is_cpu() ? available / run.sharing.here : available;
}

void settle_memory(RunConfig& config, PreparedRun& run, int64_t limit) {
  train::MemoryShape shape;
  shape.model = run.footprint;
  shape.dtype = run.dtype;
  shape.on_cpu = run.device.is_cpu();
  shape.processes = run.sharing.processes;
  shape.copies = run.kept_copies;
  shape.loaded_bytes = run.loaded_bytes;
  train::measure_steps(trainer_inputs(config, run), run.device, shape);
  const train::MemoryPlan memory = train::plan_memory(shape, config.train, limit);
  if (memory.peak > limit) {
    user_error("not enough memory: the plan needs ", gib(memory.peak), " GiB (weights ",
               gib(memory.weights), ", optimizer state ", gib(memory.state), "), ", gib(limit),
               " GiB are available; lower train.batch_tokens, use dtype bfloat16, train.master sr, "
               "train.state_bits 8, train.recompute full or train.free_gradients, or raise "
               "train.memory_gib");
  }
  config.train.master = memory.master;
  config.train.state_bits = memory.state_bits;
  config.train.recompute = memory.recompute;
  config.train.gradient_sum = memory.gradient_sum;
  run.memory = memory;
}

std::string describe_plan(const RunConfig& config, const PreparedRun& run) {
  const data::Splits& splits = run.splits;
  const train::MemoryPlan& memory = run.memory;
  const double item_tokens = mean_tokens(splits.train) + mean_tokens(splits.forget) +
                             mean_tokens(splits.retain) + mean_tokens(splits.alternate);
  const double step_tokens = item_tokens * static_cast<double>(config.train.batch_size);
  const auto budget = static_cast<double>(
      config.train.batch_tokens.value_or(runtime::kTrainingTokens.on(run.device)));
  std::ostringstream out;
  out << std::fixed << std::setprecision(2);
  out << "method      " << config.method << "\n"
      << "model       " << config.model.path << " (" << static_cast<double>(memory.parameters) / 1e6
      << " M parameters, " << dtype_text(run.dtype) << " on " << run.device << ")\n"
      << "template    "
      << (config.data.chosen().reads_template ? run.prompt_template.name : "none (plain text)")
      << "\n";
  const std::pair<const char*, const std::optional<data::Split>*> parts[] = {
      {"train", &splits.train},
      {"forget", &splits.forget},
      {"retain", &splits.retain},
      {"alternate", &splits.alternate}};
  for (const auto& [name, split] : parts) {
    if (!*split) continue;
    const auto forms = split == &splits.train ? 1 : config.data.question_forms + 1;
    const auto rows = static_cast<int64_t>((*split)->examples.size()) / forms;
    const bool leads = &**split == &run.leading();
    const size_t left_out = leads && run.exclusion ? run.exclusion->rows.size() : 0;
    out << std::left << std::setw(12) << name << counted(rows, "row")
        << (left_out > 0 ? cat(" (", left_out, " left out)") : "")
        << (forms > 1 ? cat(" in ", forms, " forms each, ") : ", ") << mean_tokens(*split)
        << " tokens each, " << (*split)->file.string() << "\n";
  }
  out << "steps       " << run.plan.total << " (" << run.plan.per_epoch << " per epoch, warm-up "
      << run.plan.warmup << ")\n"
      << "step        " << counted(config.train.batch_size, examples_of(splits)) << ", about "
      << step_tokens << " tokens in micro-batches of at most " << budget << "\n"
      << processes_line(run)
      << memory_lines(memory, memory_limit(config, run), run.dtype == torch::kBFloat16)
      << "output      " << config.output << "\n";
  return out.str();
}

}  // namespace unlearn::run
