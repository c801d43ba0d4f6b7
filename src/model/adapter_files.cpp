// Adapters that PEFT wrote, added into a model's weights or put beside them.
#include <array>
#include <cmath>
#include <map>

#include "linear_layers.h"
#include "low_rank.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/pattern.h"
#include "unlearn/core/strings.h"
#include "unlearn/model/lora.h"

namespace unlearn::model {
namespace fs = std::filesystem;
namespace {

// Settings under which an adapter is more than, or different from, W + scale * B A.
constexpr std::array kOtherFormulas{
    "use_dora",        "use_qalora",        "use_bdlora",        "lora_bias",
    "modules_to_save", "layer_replication", "target_parameters", "trainable_token_indices"};

// adapter_config.json as far as plain LoRA reads it.
class AdapterConfig {
 public:
  explicit AdapterConfig(const fs::path& file) : file_(file.string()), json_(read_json(file)) {
    if (!json_.is_object() || json_.value("peft_type", Json()) != "LORA") {
      refuse("peft_type", "must be LORA");
    }
    for (const char* key : kOtherFormulas) {
      const Json value = json_.value(key, Json());
      if (!value.is_null() && value != false && !value.empty()) {
        refuse(key, "is not supported (plain LoRA is)");
      }
    }
    if (const Json bias = json_.value("bias", Json("none")); bias != "none") {
      refuse("bias", cat(bias.dump(), " is not supported (none is)"));
    }
  }

  // alpha / r, or alpha / sqrt(r), of a layer.
  double scale(const std::string& layer, int64_t rank) const {
    const double expected = by_pattern("rank_pattern", "r", layer);
    if (expected != static_cast<double>(rank)) {
      refuse("r",
             cat("is ", number(expected), " for layer '", layer, "', its tensors have ", rank));
    }
    const double alpha = by_pattern("alpha_pattern", "lora_alpha", layer);
    const bool root = json_.value("use_rslora", Json(false)) == true;
    return alpha / (root ? std::sqrt(expected) : expected);
  }

 private:
  [[noreturn]] void refuse(const char* key, const std::string& message) const {
    user_error(file_, ": ", key, ": ", message);
  }

  // PEFT looks a layer up by the first pattern that matches the end of its name.
  double by_pattern(const char* patterns, const char* fallback, const std::string& layer) const {
    const Json table = json_.value(patterns, Json::object());
    if (table.is_object()) {
      for (const auto& [pattern, value] : table.items()) {
        if (value.is_number() && matches(pattern, layer)) return value.get<double>();
      }
    }
    const Json value = json_.value(fallback, Json());
    if (!value.is_number()) refuse(fallback, "a number is needed");
    return value.get<double>();
  }

  bool matches(const std::string& pattern, const std::string& layer) const {
    return Pattern("(.*\\.)?(" + pattern + ")", file_ + ": rank_pattern").matches(layer);
  }

  std::string file_;
  Json json_;
};

// The layer a tensor of the adapter belongs to; UserError for other tensors.
std::string layer_of(const std::string& tensor, const char* ending, const fs::path& file) {
  const std::string prefix = kPeftPrefix;
  if (!tensor.starts_with(prefix) || !tensor.ends_with(ending)) {
    user_error(file.string(), ": tensor '", tensor, "' is no part of a LoRA adapter (", prefix,
               "<layer>", kPeftA, " and ", kPeftB, " are)");
  }
  return tensor.substr(prefix.size(), tensor.size() - prefix.size() - std::string(ending).size());
}

void check_shape(const torch::Tensor& tensor, int64_t rows, int64_t columns,
                 const std::string& where) {
  if (tensor.dim() == 2 && tensor.size(0) == rows && tensor.size(1) == columns) return;
  std::ostringstream found;
  found << tensor.sizes();
  user_error(where, " has shape ", found.str(), ", the layer needs [", rows, ", ", columns, "]");
}

struct AdapterPair {
  Linear* linear;
  torch::Tensor a, b;  // fp32, on the CPU
  double scale;

  void add_into_weight() const { linear->add_to_matrix(at::mm(b, a).mul_(scale)); }
};

std::vector<AdapterPair> read_pairs(const CausalLM& model, const fs::path& folder) {
  if (!fs::exists(folder / kAdapterConfig)) {
    user_error(folder.string(), ": no ", kAdapterConfig, " there; an adapter folder in PEFT's ",
               "format is needed");
  }
  const AdapterConfig config(folder / kAdapterConfig);
  const checkpoint::SafetensorsFile file(folder / kAdapterWeights);
  std::map<std::string, Linear*> layers;
  for (const LinearLayer& layer : linear_layers_with_head(model)) {
    layers[layer.name] = layer.linear;
  }
  std::vector<AdapterPair> pairs;
  for (const auto& [name, info] : file.tensors()) {
    if (name.ends_with(kPeftB)) {
      const std::string twin = cat(kPeftPrefix, layer_of(name, kPeftB, file.path()), kPeftA);
      if (!file.tensors().contains(twin)) {
        user_error(file.path().string(), ": tensor '", twin, "' is missing");
      }
      continue;
    }
    const std::string layer = layer_of(name, kPeftA, file.path());
    const auto found = layers.find(layer);
    if (found == layers.end()) {
      user_error(file.path().string(), ": tensor '", name, "': the model has no linear layer '",
                 layer, "'");
    }
    Linear* linear = found->second;
    const std::string twin = cat(kPeftPrefix, layer, kPeftB);
    const torch::Tensor a = file.view(name).to(torch::kFloat, false, /*copy=*/true);
    const torch::Tensor b = file.view(twin).to(torch::kFloat, false, /*copy=*/true);
    const std::string where = cat(file.path().string(), ": tensor '");
    check_shape(a, a.dim() == 2 ? a.size(0) : 0, linear->in_features(), cat(where, name, "'"));
    check_shape(b, linear->out_features(), a.size(0), cat(where, twin, "'"));
    pairs.push_back({linear, a, b, config.scale(layer, a.size(0))});
  }
  return pairs;
}

}  // namespace

void merge_adapter(CausalLM& model, const fs::path& folder) {
  const torch::NoGradGuard no_grad;
  for (const AdapterPair& pair : read_pairs(model, folder)) pair.add_into_weight();
}

void attach_adapter(CausalLM& model, const fs::path& folder) {
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& parameter : model.parameters()) parameter.set_requires_grad(false);
  const torch::Tensor head = model.head().weight;
  for (const AdapterPair& pair : read_pairs(model, folder)) {
    // Logits are made from the head's weight itself.
    const bool is_head = pair.linear->weight.defined() && pair.linear->weight.is_same(head);
    if (is_head) {
      pair.add_into_weight();
      continue;
    }
    UNLEARN_CHECK(pair.linear->low_rank() == nullptr, "a layer has one pair");
    const auto place = pair.linear->placement();
    auto beside = std::make_shared<LowRank>();
    beside->a = pair.a.to(place).set_requires_grad(true);
    beside->b = pair.b.to(place).set_requires_grad(true);
    beside->scale = pair.scale;
    pair.linear->set_low_rank(std::move(beside));
  }
}

}  // namespace unlearn::model
