#include "model/adapter_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::model {
namespace {

// Read below.
constexpr std::array kReadKeys{"peft_type",
                               "task_type",
                               "r",
                               "lora_alpha",
                               "use_rslora",
                               "rank_pattern",
                               "bias",
                               "alpha_pattern",
                               "target_modules",
                               "layers_pattern",
                               "exclude_modules",
                               "layers_to_transform",
                               "init_lora_weights"};

// Without effect on what an adapter computes once it is trained: where it came from, how it was
// trained, details of kinds that init_lora_weights names, and fan_in_fan_out, which PEFT sets by
// the layer's own kind.
constexpr std::array kIdleKeys{
    "auto_mapping",   "base_model_name_or_path", "corda_config", "eva_config",
    "fan_in_fan_out", "inference_mode",          "lora_dropout", "lora_ga_config",
    "loftq_config",   "megatron_core",           "peft_version", "qalora_group_size",
    "revision",       "runtime_config"};

// Another formula than W + scale * B A, or more trained tensors than the pairs.
constexpr std::array kOtherFormulas{"alora_invocation_tokens",
                                    "arrow_config",
                                    "ensure_weight_tying",
                                    "kasa_config",
                                    "layer_replication",
                                    "lora_bias",
                                    "megatron_config",
                                    "modules_to_save",
                                    "monteclora_config",
                                    "target_parameters",
                                    "use_bdlora",
                                    "trainable_token_indices",
                                    "use_dora",
                                    "use_qalora",
                                    "velora_config"};

// Values of init_lora_weights that only choose the first A and B, which training then changed.
constexpr std::array kPlainStarts{"gaussian", "eva", "orthogonal", "mica"};

template <class Names>
bool holds(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_off(const Json& value) {
  return value.is_null() || value == false || value == "" ||
         (value.is_structured() && value.empty());
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

bool AdapterConfig::Modules::contains(const std::string& module) const {
  if (pattern) return pattern->matches(module);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return module == name || module.ends_with("." + name);
  });
}

AdapterConfig::AdapterConfig(const std::filesystem::path& file)
    : file_(file.string()), json_(read_json(file)) {
  if (!json_.is_object()) user_error(file_, ": is no JSON object");
  check_keys();
  read_start();
  const Json rooted = json_.value("use_rslora", Json(false));
  if (!rooted.is_boolean()) refuse("use_rslora", "must be true or false");
  has_root_scale_ = rooted == true;
  rank_ = read_number("r", 1);
  alpha_ = read_number("lora_alpha", -HUGE_VAL);
  ranks_ = read_patterns("rank_pattern");
  alphas_ = read_patterns("alpha_pattern");
  if (is_off(json_.value("target_modules", Json()))) {
    refuse("target_modules", "is missing: which layers the adapter belongs to must be named");
  }
  targets_ = read_modules("target_modules");
  excluded_ = read_modules("exclude_modules");
  is_all_linear_ = json_.at("target_modules").is_string() &&
                   to_lower(json_.at("target_modules").get<std::string>()) == "all-linear";
  read_layers();
}

void AdapterConfig::refuse(const std::string& key, const std::string& message) const {
  user_error(file_, ": ", key, ": ", message);
}

void AdapterConfig::check_keys() const {
  const Json type = json_.value("peft_type", Json());
  if (type != "LORA") {
    refuse("peft_type",
           cat("must be LORA, not ", type.dump(), " (other adapters are not supported)"));
  }
  const Json task = json_.value("task_type", Json());
  if (!task.is_null() && task != "CAUSAL_LM") {
    refuse("task_type", cat(task.dump(), " is not supported (CAUSAL_LM is)"));
  }
  const Json bias = json_.value("bias", Json("none"));
  if (bias != "none") refuse("bias", cat(bias.dump(), " is not supported (none is)"));
  for (const auto& [key, value] : json_.items()) {
    if (holds(kReadKeys, key) || holds(kIdleKeys, key) || is_off(value)) continue;
    if (holds(kOtherFormulas, key)) {
      refuse(key,
             "is not supported (plain LoRA is); merge the adapter into its base with PEFT's "
             "merge_and_unload and give that model");
    }
    refuse(key, cat("is not a setting known here, and its value ", value.dump(),
                    " may change what the adapter computes"));
  }
}

void AdapterConfig::read_start() {
  const Json start = json_.value("init_lora_weights", Json(true));
  if (start.is_boolean() || start.is_null()) return;
  if (!start.is_string()) refuse("init_lora_weights", "must be true, false or a name");
  const auto name = to_lower(start.get<std::string>());
  if (holds(kPlainStarts, name)) return;
  if (name == "pissa") {
    start_ = AdapterStart::kPissa;
  } else if (name == "olora") {
    start_ = AdapterStart::kOlora;
  } else {
    refuse("init_lora_weights",
           cat("'", name,
               "' changes the base's weights in a way that these files do not hold; "
               "save the adapter with PEFT's path_initial_model_for_weight_conversion, or merged"));
  }
}

void AdapterConfig::read_layers() {
  const Json layers = json_.value("layers_to_transform", Json());
  const Json list = layers.is_number_integer() ? Json::array({layers}) : layers;
  if (!list.is_null() && !list.is_array()) {
    refuse("layers_to_transform", "must be a number or a list of numbers");
  }
  for (const Json& layer : list) {
    if (!layer.is_number_integer()) refuse("layers_to_transform", "must hold whole numbers");
    layers_.push_back(layer.get<int64_t>());
  }
  const Modules patterns = read_modules("layers_pattern");
  const Json said = json_.value("layers_pattern", Json());
  layer_patterns_ = patterns.names;
  if (said.is_string() && said != "") layer_patterns_ = {said.get<std::string>()};
  for (const std::string& pattern : layer_patterns_) {
    if (pattern.find_first_of("\\^$*+?()[]{}|") != std::string::npos) {
      refuse("layers_pattern", cat("'", pattern, "' is a regular expression; a name is needed"));
    }
  }
  if (!layers_.empty() && json_.at("target_modules").is_string()) {
    refuse("layers_to_transform", "does not go with a target_modules that is a pattern");
  }
}

AdapterConfig::Modules AdapterConfig::read_modules(const std::string& key) const {
  Modules modules;
  const Json value = json_.value(key, Json());
  if (is_off(value)) return modules;
  if (value.is_string()) {
    modules.pattern = std::make_unique<Pattern>(value.get<std::string>(), cat(file_, ": ", key));
    return modules;
  }
  if (!value.is_array()) refuse(key, "must be a list of names or a pattern");
  for (const Json& name : value) {
    if (!name.is_string()) refuse(key, cat("must hold names, holds ", name.dump()));
    modules.names.push_back(name.get<std::string>());
  }
  return modules;
}

double AdapterConfig::read_number(const std::string& key, double at_least) const {
  const Json value = json_.value(key, Json());
  const bool is_count = at_least >= 1;
  if (!value.is_number() || (is_count && !value.is_number_integer()) ||
      value.get<double>() < at_least) {
    refuse(key, cat("a ", is_count ? "whole number from 1 on" : "number", " is needed, not ",
                    value.dump()));
  }
  return value.get<double>();
}

std::vector<AdapterConfig::LayerNumber> AdapterConfig::read_patterns(const std::string& key) const {
  std::vector<LayerNumber> numbers;
  const Json table = json_.value(key, Json());
  if (is_off(table)) return numbers;
  if (!table.is_object()) refuse(key, "must be an object {layer pattern: number}");
  for (const auto& [pattern, value] : table.items()) {
    const bool is_rank = key == "rank_pattern";
    if (!value.is_number() || (is_rank && (!value.is_number_integer() || value < 1))) {
      refuse(key, cat("'", pattern, "' is ", value.dump(), ", a number is needed"));
    }
    // PEFT looks a layer up by the first pattern that matches the end of its name.
    numbers.push_back(
        {Pattern("(.*\\.)?(" + pattern + ")", cat(file_, ": ", key)), value.get<double>()});
  }
  return numbers;
}

// A module's layer is the first number in its name that has two parts before it, or that follows
// one of the patterns.
bool AdapterConfig::is_transformed_layer(const std::string& module) const {
  const std::vector<std::string> parts = split(module, '.');
  const auto is_wanted = [&](size_t i) {
    return std::find(layers_.begin(), layers_.end(), std::stoll(parts[i])) != layers_.end();
  };
  if (layer_patterns_.empty()) {
    for (size_t i = 2; i + 1 < parts.size(); ++i) {
      if (is_number(parts[i])) return is_wanted(i);
    }
    return false;
  }
  for (const std::string& pattern : layer_patterns_) {
    for (size_t i = 1; i + 1 < parts.size(); ++i) {
      const std::string before = join({parts.begin(), parts.begin() + static_cast<long>(i)}, ".");
      if (is_number(parts[i]) && (before == pattern || before.ends_with("." + pattern))) {
        return is_wanted(i);
      }
    }
  }
  return false;
}

bool AdapterConfig::targets(const std::string& module, bool is_inner_linear) const {
  if (excluded_.contains(module)) return false;
  if (is_all_linear_) return is_inner_linear;
  return targets_.contains(module) && (layers_.empty() || is_transformed_layer(module));
}

int64_t AdapterConfig::rank(const std::string& layer) const {
  for (const LayerNumber& entry : ranks_) {
    if (entry.pattern.matches(layer)) return static_cast<int64_t>(entry.value);
  }
  return static_cast<int64_t>(rank_);
}

double AdapterConfig::scale(const std::string& layer) const {
  double alpha = alpha_;
  for (const LayerNumber& entry : alphas_) {
    if (!entry.pattern.matches(layer)) continue;
    alpha = entry.value;
    break;
  }
  const auto rank_here = static_cast<double>(rank(layer));
  return alpha / (has_root_scale_ ? std::sqrt(rank_here) : rank_here);
}

std::string AdapterConfig::target_text() const { return json_.at("target_modules").dump(); }

}  // namespace unlearn::model
