#include <cmath>

#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::checkpoint {
namespace fs = std::filesystem;
namespace {

// How transformers spells a dtype in config.json.
std::string config_dtype(torch::Dtype dtype) {
  switch (dtype) {
    case torch::kFloat64:
      return "float64";
    case torch::kFloat32:
      return "float32";
    case torch::kFloat16:
      return "float16";
    case torch::kBFloat16:
      return "bfloat16";
    default:
      user_error("a model cannot be stored as ", torch::toString(dtype),
                 "; float32, bfloat16, float16 and float64 are possible");
  }
}

}  // namespace

HfConfig::HfConfig(NoModelType, Json object, std::string where)
    : object_(std::move(object)), where_(std::move(where)) {
  if (!object_.is_object()) user_error(where_, ": must be a JSON object");
}

HfConfig::HfConfig(Json object, std::string where)
    : HfConfig(NoModelType{}, std::move(object), std::move(where)) {
  if (!has("model_type")) {
    user_error(where_, ": has no 'model_type'; is this a Hugging Face model's config.json?");
  }
  model_type_ = text_or("model_type", "");
}

void HfConfig::refuse_text(const std::string& key, const std::string& message) const {
  user_error(where_, ": ", key, ": ", message);
}

bool HfConfig::has(const std::string& key) const {
  const auto found = object_.find(key);
  return found != object_.end() && !found->is_null();
}

int64_t HfConfig::size(const std::string& key, int64_t limit) const {
  if (!has(key)) refuse(key, "is missing");
  const Json& value = object_.at(key);
  if (!value.is_number_integer() || value.get<double>() < 1 ||
      value.get<double>() > static_cast<double>(limit)) {
    refuse(key, "must be a whole number from 1 to ", limit, ", not ", value.dump());
  }
  return value.get<int64_t>();
}

int64_t HfConfig::size_or(const std::string& key, int64_t fallback, int64_t limit) const {
  return has(key) ? size(key, limit) : fallback;
}

double HfConfig::number(const std::string& key) const {
  if (!has(key)) refuse(key, "is missing");
  const Json& value = object_.at(key);
  if (!value.is_number() || !std::isfinite(value.get<double>())) {
    refuse(key, "must be a number, not ", value.dump());
  }
  return value.get<double>();
}

double HfConfig::number_or(const std::string& key, double fallback) const {
  return has(key) ? number(key) : fallback;
}

double HfConfig::epsilon_or(const std::string& key, double fallback) const {
  const double value = number_or(key, fallback);
  if (value < 0) refuse(key, "must not be negative, not ", unlearn::number(value));
  return value;
}

bool HfConfig::boolean_or(const std::string& key, bool fallback) const {
  if (!has(key)) return fallback;
  const Json& value = object_.at(key);
  if (!value.is_boolean()) refuse(key, "must be true or false, not ", value.dump());
  return value.get<bool>();
}

std::string HfConfig::text_or(const std::string& key, const std::string& fallback) const {
  if (!has(key)) return fallback;
  const Json& value = object_.at(key);
  if (!value.is_string()) refuse(key, "must be a string, not ", value.dump());
  return value.get<std::string>();
}

std::vector<std::string> HfConfig::texts(const std::string& key) const {
  std::vector<std::string> values;
  if (!has(key)) return values;
  const Json& list = object_.at(key);
  if (!list.is_array()) refuse(key, "must be a list of strings");
  for (const Json& value : list) {
    if (!value.is_string()) refuse(key, "must be a list of strings, holds ", value.dump());
    values.push_back(value.get<std::string>());
  }
  return values;
}

std::vector<double> HfConfig::numbers(const std::string& key) const {
  std::vector<double> values;
  if (!has(key)) return values;
  const Json& list = object_.at(key);
  if (!list.is_array()) refuse(key, "must be a list of numbers");
  for (const Json& value : list) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) {
      refuse(key, "must be a list of numbers, holds ", value.dump());
    }
    values.push_back(value.get<double>());
  }
  return values;
}

// The object under `key`, or the one of `layer_type` in it; older files say "type" in it.
HfConfig HfConfig::rope_view(const std::string& key, const std::string& layer_type) const {
  std::string where = cat(where_, ": ", key);
  Json rope = has(key) ? object_.at(key) : Json::object();
  if (!rope.is_object()) refuse(key, "must be a JSON object");
  // rope_scaling is never per layer type.
  if (!layer_type.empty() && key == "rope_parameters") {
    where = cat(where, ": ", layer_type);
    const auto found = rope.find(layer_type);
    rope = found == rope.end() || found->is_null() ? Json::object() : Json(*found);
  }
  HfConfig view(NoModelType{}, std::move(rope), where);
  const std::string type = view.text_or("rope_type", view.text_or("type", "default"));
  view.object_.erase("type");
  view.object_["rope_type"] = type;
  return view;
}

HfConfig HfConfig::rope(const RopeKeys& keys) const {
  // transformers 5.x gives rope_scaling precedence where a file has both; ours then agree.
  HfConfig view = rope_view(has("rope_scaling") ? "rope_scaling" : "rope_parameters",
                            keys.local_theta.empty() ? "" : "full_attention");
  const double theta = view.number_or("rope_theta", number_or(keys.theta, keys.default_theta));
  view.object_["rope_theta"] = theta;
  if (!view.has("partial_rotary_factor") && (has(keys.partial) || keys.default_partial != 1.0)) {
    view.object_["partial_rotary_factor"] = number_or(keys.partial, keys.default_partial);
  }
  // Phi-3 keeps the trained length outside, and transformers gives that place precedence.
  const char* trained = "original_max_position_embeddings";
  if (has(trained) && view.text_or("rope_type", "") != "default") {
    view.object_[trained] = size(trained, INT32_MAX);
  }
  return view;
}

HfConfig HfConfig::local_rope(const RopeKeys& keys) const {
  HfConfig view = rope_view("rope_parameters", "sliding_attention");
  const double theta =
      view.number_or("rope_theta", number_or(keys.local_theta, keys.default_local_theta));
  view.object_["rope_theta"] = theta;
  return view;
}

namespace {

// What an adapter says its base is.
std::string base_of(const fs::path& adapter_config) {
  const Json json = read_json(adapter_config);
  const auto base = json.is_object() ? json.find("base_model_name_or_path") : json.end();
  return base != json.end() && base->is_string() ? base->get<std::string>() : "its base";
}

}  // namespace

HfConfig open_hf_folder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder, ignored)) {
    user_error(folder.string(), ": no such folder; give the folder of a Hugging Face model");
  }
  if (!fs::is_directory(folder, ignored)) {
    user_error(folder.string(), ": is a file; give the folder of a Hugging Face model");
  }
  const fs::path file = folder / "config.json";
  if (!fs::exists(file, ignored) && fs::exists(folder / "adapter_config.json", ignored)) {
    user_error(folder.string(), ": is a LoRA adapter, not a model; give the model that it belongs ",
               "to (", base_of(folder / "adapter_config.json"),
               ") as the model and this folder as ",
               "--adapter (score, generate, eval) or model.adapter (train)");
  }
  if (!fs::exists(file, ignored)) {
    user_error(folder.string(), ": has no config.json; give the folder of a Hugging Face model");
  }
  return HfConfig(read_json(file), file.string());
}

namespace {

// rope_scaling as transformers 4.x writes it: null, or what is not plain rotation.
Json old_scaling(const HfConfig& rope) {
  const std::string type = rope.text_or("rope_type", "");
  if (type == "default") return nullptr;
  // Phi-3 of transformers 4.x refuses an object with more than these three keys.
  if (type == "longrope" && !rope.has("attention_factor") && !rope.has("factor")) {
    return {{"type", type},
            {"short_factor", rope.json().at("short_factor")},
            {"long_factor", rope.json().at("long_factor")}};
  }
  Json scaling = rope.json();
  scaling.erase("rope_theta");
  scaling.erase("partial_rotary_factor");
  // transformers before 4.43 knows only "type".
  scaling["type"] = type;
  return scaling;
}

}  // namespace

Json portable_config(const HfConfig& config, torch::Dtype dtype, const RopeKeys& keys) {
  Json json = config.json();
  // It names Python files of the source folder that would run instead of the family's own class.
  json.erase("auto_map");
  json["torch_dtype"] = config_dtype(dtype);
  json["dtype"] = config_dtype(dtype);
  const bool is_rotary = config.has("rope_parameters") || config.has("rope_scaling") ||
                         config.has(keys.theta) || config.has(keys.partial);
  if (!is_rotary) return json;
  const HfConfig rope = config.rope(keys);
  json[keys.theta] = rope.number("rope_theta");
  if (rope.has("partial_rotary_factor")) {
    json[keys.partial] = rope.number("partial_rotary_factor");
  }
  json["rope_scaling"] = old_scaling(rope);
  if (keys.local_theta.empty()) {
    json["rope_parameters"] = rope.json();
    return json;
  }
  const HfConfig local = config.local_rope(keys);
  json[keys.local_theta] = local.number("rope_theta");
  json["rope_parameters"] = {{"full_attention", rope.json()}, {"sliding_attention", local.json()}};
  return json;
}

}  // namespace unlearn::checkpoint
