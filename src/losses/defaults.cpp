#include <algorithm>

#include "losses/methods.h"
#include "unlearn/core/pattern.h"

namespace unlearn::losses {

Defaults Method::defaults_for(const std::string& benchmark, const std::string& split) const {
  Defaults result;
  for (const SplitDefaults& entry : defaults) {
    if (entry.benchmark != benchmark) continue;
    if (entry.split.empty() || Pattern(entry.split, info.name).matches(split)) {
      result = result + entry.settings;
    }
  }
  return result;
}

Defaults operator+(Defaults base, const Defaults& more) {
  base.insert(base.end(), more.begin(), more.end());
  return base;
}

Defaults tofu_training() {
  return {{"train.lr", "1e-5"},         {"train.epochs", "10"},
          {"train.batch_size", "32"},   {"train.weight_decay", "0.01"},
          {"train.schedule", "linear"}, {"train.warmup_epochs", "1"},
          {"data.max_length", "500"}};
}

Defaults muse_training() {
  return {{"train.lr", "1e-5"},        {"train.epochs", "10"},         {"train.batch_size", "4"},
          {"train.weight_decay", "0"}, {"train.schedule", "constant"}, {"train.warmup_epochs", "0"},
          {"data.max_length", "2048"}};
}

Defaults wmdp_training(const std::string& lr, const std::string& steps) {
  return {{"train.lr", lr},
          {"train.batch_size", "4"},
          {"train.weight_decay", "0"},
          {"train.schedule", "linear"},
          {"train.max_steps", steps},
          {"train.warmup_steps", std::to_string(std::max(1, std::stoi(steps) / 10))},
          {"data.max_length", "512"}};
}

}  // namespace unlearn::losses
