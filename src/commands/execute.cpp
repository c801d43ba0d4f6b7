// The common body of train and finetune, on every process of a run: meet the others, check
// everything, then lead or join.
#include <ATen/Parallel.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "commands/check_run.h"
#include "commands/device.h"
#include "commands/join_run.h"
#include "commands/lead_run.h"
#include "commands/prompt_template.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/core/read_log.h"
#include "unlearn/runtime/device.h"

namespace unlearn::commands {
namespace {

// The cores of a machine, divided among its processes, unless OMP_NUM_THREADS says otherwise.
void share_cores(const distributed::Group& group) {
  const char* asked = std::getenv("OMP_NUM_THREADS");
  if (group.local_size() == 1 || (asked != nullptr && *asked != '\0')) return;
  const auto cores = static_cast<int64_t>(std::thread::hardware_concurrency());
  at::set_num_threads(static_cast<int>(std::max<int64_t>(1, cores / group.local_size())));
}

std::optional<int64_t> number_on_machine(const distributed::Group& group) {
  if (group.local_size() == 1 && group.local_rank() == 0) return std::nullopt;
  return group.local_rank();
}

// Size and ends of the weights: what tells two models of the same shapes apart without reading
// them.
std::string outline_of(const std::string& folder) {
  constexpr size_t kEnd = size_t{1} << 20;
  std::map<std::string, std::string> outlines;
  if (folder.empty()) return "";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".safetensors") continue;
    const MappedFile file(entry.path());
    const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()),
                                 file.bytes().size());
    const size_t end = std::min(kEnd, bytes.size());
    outlines[entry.path().filename()] =
        cat(bytes.size(), sha256(bytes.substr(0, end)), sha256(bytes.substr(bytes.size() - end)));
  }
  return Json(outlines).dump();
}

// Settings, models and token ids; what the processes must have in common.
std::string content_of(const RunConfig& config, const PreparedRun& run) {
  std::string content = cat(config.fingerprint().dump(), " ", config.train.save_every, " ",
                            config.output, " ", dtype_text(run.dtype),
                            run.device.is_cuda() ? " cuda" : " cpu", outline_of(config.model.path),
                            outline_of(config.model.reference), outline_of(config.model.adapter));
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
      user_error("settings, model, data, tokenizer or kind of device are not those of the first ",
                 "process");
    }
  });
}

// At the edge of what fits, the processes may have chosen different modes; the first one's are
// taken.
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
  // Before and after the steps there is nothing to save; a reader of the log may go away.
  std::signal(SIGUSR1, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  if (launch.rank > 0) log::set_level(log::Level::kError);  // the first process tells
  distributed::Group group(launch);
  share_cores(group);
  const ReadLog reads;  // what is read from here on is what the run says it has read
  RunConfig config;
  std::optional<CheckedRun> checked;
  group.together([&] {
    config = resolve_run(shared, flags, purpose);
    const torch::Device device = resolve_device(config.device, number_on_machine(group));
    if (device.is_cuda() && config.train.deterministic == "full") runtime::set_deterministic();
    if (group.leads()) train::RunFolder::check(config.output, existing_output(flags));
    checked.emplace(check_run(config, flags, purpose, device, {group.size(), group.local_size()}));
    record_template(config, checked->prepared.prompt_template);
  });
  const PreparedRun& run = checked->prepared;
  check_alike(config, run, group);
  if (run.device.is_cuda()) group.connect_gpus();
  const std::vector<double> limits = group.gather(static_cast<double>(memory_limit(config, run)));
  const auto limit = static_cast<int64_t>(*std::min_element(limits.begin(), limits.end()));
  group.together([&] { checked->memory = settle_memory(config, run, limit); });
  agree_on_modes(config, group);
  if (!group.leads()) return join_run(config, run, group);
  return lead_run(config, *checked, flags, group, command_line, start);
}

}  // namespace unlearn::commands
