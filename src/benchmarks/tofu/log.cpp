#include <algorithm>

#include "benchmarks/tofu/log_forms.h"
#include "unlearn/core/error.h"

namespace unlearn::benchmarks::tofu {
namespace {

bool any_key_contains(const Json& json, std::string_view part) {
  for (const auto& [key, value] : json.items()) {
    if (key.find(part) != std::string::npos) return true;
  }
  return false;
}

bool is_tofu_metric(const std::string& key) {
  if (key == "model_utility" || key == "forget_quality") return true;
  return std::any_of(kTofuTasks.begin(), kTofuTasks.end(), [&](TofuTask task) {
    const std::string prefix = names_of(task).prefix;
    return key.starts_with(prefix + "_Q_A_") || key == prefix + "_Truth_Ratio" ||
           key == prefix + "_truth_ratio";
  });
}

}  // namespace

const TofuTaskNames& names_of(TofuTask task) {
  static const std::array<TofuTaskNames, 4> names = {{
      {"eval_real_author_wo_options.json", "Real Authors", "ra", "ra_Truth_Ratio"},
      {"eval_real_world_wo_options.json", "Real World", "wf", "wf_Truth_Ratio"},
      {"eval_log.json", "Retain", "retain", "retain_Truth_Ratio"},
      {"eval_log_forget.json", "Forget", "forget", "forget_truth_ratio"},
  }};
  return names[static_cast<size_t>(task)];
}

TofuLog parse_tofu_log(const Json& json, const std::string& source) {
  if (!json.is_object()) user_error(source, ": not an evaluation log; it must be one JSON object");
  if (json.empty()) user_error(source, ": the log is empty; it holds no task and no metric");
  const bool aggregated = std::any_of(kTofuTasks.begin(), kTofuTasks.end(), [&](TofuTask task) {
    return json.contains(names_of(task).log_key);
  });
  if (aggregated) return parse_aggregated_log(json, source);
  if (json.contains("avg_gt_loss")) {
    user_error(source, ": one task's log; give eval_log_aggregated.json with its four tasks");
  }
  if (any_key_contains(json, "knowmem") || any_key_contains(json, "verbmem")) {
    user_error(source, ": a MUSE log; a TOFU log has eval_log_forget.json or forget_Q_A_Prob");
  }
  bool known = false;
  for (const auto& [key, value] : json.items()) known = known || is_tofu_metric(key);
  if (!known) {
    user_error(source, ": no TOFU log; it has '", json.begin().key(),
               "' where eval_log_forget.json or forget_Q_A_Prob would be right");
  }
  return parse_open_unlearning_log(json, source);
}

TofuLog read_tofu_log(const std::filesystem::path& path) {
  return parse_tofu_log(metrics::read_log_json(path), path.string());
}

}  // namespace unlearn::benchmarks::tofu
