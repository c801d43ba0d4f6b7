#include "run/agreement.h"

#include <ATen/Parallel.h>

#include <cstdlib>
#include <thread>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/core/read_log.h"
#include "unlearn/core/strings.h"
#include "unlearn/distributed/broadcast.h"
#include "unlearn/run/device.h"
#include "unlearn/run/plan.h"

namespace unlearn::run {
namespace {

// Size and ends of the weights: what distinguishes two models of the same shapes without reading
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

void check_alike(const RunConfig& config, const PreparedRun& run, const distributed::Group& group) {
  if (group.size() == 1) return;
  const std::string own = content_of(config, run);
  const std::string first = group.broadcast_bytes(own);
  group.all_or_none([&] {
    if (own != first) {
      user_error("settings, model, data, tokenizer or kind of device are not those of the first ",
                 "process");
    }
  });
}

// How the run spends memory; what `auto` meant.
struct MemoryModes {
  std::optional<train::Master> master;
  std::optional<int64_t> state_bits;
  std::optional<model::Recompute> recompute;
  std::optional<train::GradientSum> gradient_sum;

  std::string to_bytes() const {
    return Json{config::name_in(train::kMasters, master),
                config::name_in(train::kStateBits, state_bits),
                config::name_in(train::kRecomputes, recompute),
                config::name_in(train::kGradientSums, gradient_sum)}
        .dump();
  }
  static MemoryModes from_bytes(const std::string& bytes) {
    const auto words = parse_json(bytes, "memory modes").get<std::vector<std::string>>();
    return {config::value_in(train::kMasters, words.at(0)),
            config::value_in(train::kStateBits, words.at(1)),
            config::value_in(train::kRecomputes, words.at(2)),
            config::value_in(train::kGradientSums, words.at(3))};
  }
};

}  // namespace

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

void agree(RunConfig& config, PreparedRun& run, distributed::Group& group) {
  check_alike(config, run, group);
  if (run.device.is_cuda()) group.connect_gpus();
  const std::vector<double> limits =
      group.all_gather(static_cast<double>(memory_limit(config, run)));
  const auto limit = static_cast<int64_t>(*std::min_element(limits.begin(), limits.end()));
  group.all_or_none([&] { settle_memory(config, run, limit); });
  // At the edge of what fits the processes may have chosen different modes: the first one's count.
  train::TrainConfig& own = config.train;
  const auto modes = distributed::broadcast(
      group, MemoryModes{own.master, own.state_bits, own.recompute, own.gradient_sum});
  own.master = modes.master;
  own.state_bits = modes.state_bits;
  own.recompute = modes.recompute;
  own.gradient_sum = modes.gradient_sum;
}

}  // namespace unlearn::run
