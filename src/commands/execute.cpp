// The common body of train and finetune, on every process of a run: meet the others, check
// everything, then lead or join.
#include "commands/check_run.h"
#include "commands/join_run.h"
#include "commands/lead_run.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/model/device_kernels.h"

namespace unlearn::commands {
namespace {

// Each process on a machine takes a GPU of its own, where there is one for each.
std::string device_of(const std::string& asked, const distributed::Launch& launch) {
  if (launch.local_size == 1 || asked == "cpu") return asked;
  if (asked != "auto" && asked != "cuda") {
    user_error("device: ", asked, " is one GPU, and ", launch.local_size,
               " processes on this machine would share it; use cuda, or one process");
  }
  if (asked == "auto" && resolve_device(asked).is_cpu()) return "cpu";
  return cat("cuda:", launch.local_rank);
}

// Settings and token ids; what the processes must have in common.
std::string content_of(const RunConfig& config, const PreparedRun& run) {
  std::string content = config.fingerprint().dump();
  for (const auto* split :
       {&run.splits.forget, &run.splits.retain, &run.splits.alternate, &run.splits.train}) {
    if (!*split) continue;
    for (const data::Example& example : (*split)->examples) {
      const auto* bytes = reinterpret_cast<const char*>(example.tokens.data());
      content.append(bytes, example.tokens.size() * sizeof(example.tokens.front()));
    }
  }
  return sha256(content);
}

// UserError when a process has other configs, data or tokenizer than the first.
void check_alike(const RunConfig& config, const PreparedRun& run, const distributed::Group& group) {
  if (group.size() == 1) return;
  const std::string own = content_of(config, run);
  const std::string common = group.first(own).text;
  group.together([&] {
    if (own != common) {
      user_error("this machine's configs, data or tokenizer are not those of the first process");
    }
  });
}

// The processes may have found different amounts of free memory; the first one's modes are taken.
void agree_on_modes(RunConfig& config, const distributed::Group& group) {
  train::TrainConfig& own = config.train;
  const std::string modes =
      group.first(cat(own.master, " ", own.state_bits, " ", own.recompute)).text;
  const std::vector<std::string> parts = split(modes, ' ');
  own.master = parts.at(0);
  own.state_bits = parts.at(1);
  own.recompute = parts.at(2);
}

}  // namespace

int execute_run(const SharedFlags& shared, const TrainingFlags& flags, Purpose purpose,
                const distributed::Launch& launch, const std::string& command_line) {
  const Clock::time_point start = Clock::now();
  if (launch.rank > 0) log::set_level(log::Level::kError);  // the first process tells
  distributed::share_cores(launch);
  distributed::Group group(launch);
  RunConfig config;
  std::optional<CheckedRun> checked;
  group.together([&] {
    config = resolve_run(shared, flags, purpose);
    const torch::Device device = resolve_device(device_of(config.device, launch));
    if (device.is_cuda() && config.train.deterministic == "full") model::set_deterministic();
    if (group.leads()) train::RunFolder::check(config.output, existing_output(flags));
    checked.emplace(check_run(config, flags, purpose, device, launch));
  });
  check_alike(config, checked->prepared, group);
  agree_on_modes(config, group);
  if (checked->prepared.device.is_cuda()) group.connect_gpus();
  if (!group.leads()) return join_run(config, checked->prepared, group);
  return lead_run(config, *checked, flags, group, command_line, start);
}

}  // namespace unlearn::commands
