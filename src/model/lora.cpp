#include "unlearn/model/lora.h"

#include <algorithm>
#include <set>

#include "model/family.h"
#include "model/linear_layers.h"
#include "model/low_rank.h"
#include "unlearn/core/error.h"
#include "unlearn/core/folder_writer.h"
#include "unlearn/core/pattern.h"
#include "unlearn/core/rng.h"
#include "unlearn/core/strings.h"

namespace unlearn::model {
namespace {

// Names only, as opposed to a regular expression.
bool is_name_list(const std::string& targets) {
  return targets.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.,") ==
         std::string::npos;
}

bool ends_with_part(const std::string& name, const std::string& part) {
  return name == part || name.ends_with("." + part);
}

class Targets {
 public:
  explicit Targets(const std::string& text) {
    if (text == "all-linear") return;
    if (is_name_list(text)) {
      parts_ = split(text, ',');
      return;
    }
    pattern_.emplace(text,
                     "train.lora.targets (all-linear, layer names with commas, or a pattern)");
  }

  bool contains(const std::string& name) const {
    if (pattern_) return pattern_->matches(name);
    return parts_.empty() || std::any_of(parts_.begin(), parts_.end(), [&](const auto& part) {
             return ends_with_part(name, part);
           });
  }

 private:
  std::vector<std::string> parts_;
  std::optional<Pattern> pattern_;
};

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

// The different last parts of all layers' names, for messages.
std::string layer_kinds(const std::vector<LinearLayer>& layers) {
  std::set<std::string> kinds;
  for (const LinearLayer& layer : layers) kinds.insert(last_part(layer.name));
  return join({kinds.begin(), kinds.end()}, ", ");
}

std::vector<LinearLayer> target_layers(const CausalLM& model, const LoraOptions& options) {
  const Targets targets(options.targets);
  const std::vector<LinearLayer> layers = linear_layers(model);
  std::vector<LinearLayer> chosen;
  for (const LinearLayer& layer : layers) {
    if (targets.contains(layer.name)) chosen.push_back(layer);
  }
  if (chosen.empty()) {
    user_error("train.lora.targets: '", options.targets,
               "' names no linear layer of this model; it has ", layer_kinds(layers));
  }
  return chosen;
}

std::vector<LinearLayer> adapted_layers(const CausalLM& model) {
  std::vector<LinearLayer> adapted;
  for (const LinearLayer& layer : linear_layers(model)) {
    if (layer.linear->low_rank() != nullptr) adapted.push_back(layer);
  }
  return adapted;
}

// One draw per element from a counter: the same start on every device and in every dtype.
torch::Tensor draw_a(int64_t rank, int64_t in, uint64_t key) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  torch::Tensor a = torch::empty({rank, in}, torch::kFloat);
  auto* values = a.mutable_data_ptr<float>();
  Rng rng(key);
  for (int64_t i = 0; i < a.numel(); ++i) {
    values[i] = static_cast<float>((2.0 * rng.uniform() - 1.0) * bound);
  }
  return a;
}

std::shared_ptr<LowRank> fresh_pair(const LinearLayer& layer, const LoraOptions& options) {
  const uint64_t key = mix_bits(options.seed, name_hash(layer.name));
  const auto place = layer.linear->placement();
  const int64_t in = layer.linear->in_features();
  const int64_t out = layer.linear->out_features();
  auto pair = std::make_shared<LowRank>();
  pair->a = place.device().is_meta() ? torch::empty({options.rank, in}, place)
                                     : draw_a(options.rank, in, key).to(place);
  pair->b = torch::zeros({out, options.rank}, place);
  pair->scale = options.alpha / static_cast<double>(options.rank);
  pair->dropout = options.dropout;
  pair->key = key;
  return pair;
}

// PEFT's target_modules: last parts of names where they select just the adapted layers.
Json target_modules(const CausalLM& model, const std::vector<LinearLayer>& adapted) {
  std::set<std::string> kinds, names;
  for (const LinearLayer& layer : adapted) {
    kinds.insert(last_part(layer.name));
    names.insert(layer.name);
  }
  for (const LinearLayer& layer : linear_layers(model)) {
    if (kinds.contains(last_part(layer.name)) && !names.contains(layer.name)) return names;
  }
  return kinds;
}

Json adapter_config(const CausalLM& model, const LoraOptions& options, const std::string& base,
                    const std::vector<LinearLayer>& adapted) {
  return {{"peft_type", "LORA"},
          {"task_type", "CAUSAL_LM"},
          {"base_model_name_or_path", base},
          {"r", options.rank},
          {"lora_alpha", options.alpha},
          {"lora_dropout", options.dropout},
          {"target_modules", target_modules(model, adapted)},
          {"fan_in_fan_out", adapted.front().linear->layout() == WeightLayout::kInOut},
          {"bias", "none"},
          {"inference_mode", true},
          {"init_lora_weights", true},
          {"modules_to_save", nullptr},
          {"use_dora", false},
          {"use_rslora", false}};
}

}  // namespace

void add_lora(CausalLM& model, const LoraOptions& options) {
  UNLEARN_CHECK(options.rank > 0 && adapted_layers(model).empty());
  const std::vector<LinearLayer> chosen = target_layers(model, options);
  for (torch::Tensor& parameter : model.parameters()) parameter.set_requires_grad(false);
  for (const LinearLayer& layer : chosen) {
    const auto pair = fresh_pair(layer, options);
    pair->position = model.step_position();
    layer.linear->set_low_rank(pair);
  }
}

void merge_lora(CausalLM& model) {
  const torch::NoGradGuard no_grad;
  for (const LinearLayer& layer : linear_layers(model)) {
    layer.linear->unpack();
    if (const LowRank* pair = layer.linear->low_rank()) {
      layer.linear->add_to_matrix(
          at::mm(pair->b.to(torch::kFloat), pair->a.to(torch::kFloat)).mul_(pair->scale));
    }
    layer.linear->set_low_rank(nullptr);
  }
  for (torch::Tensor& parameter : model.parameters()) parameter.set_requires_grad(true);
}

void write_adapter(const CausalLM& model, const LoraOptions& options, const std::string& base,
                   const std::filesystem::path& destination, bool replace) {
  const std::vector<LinearLayer> adapted = adapted_layers(model);
  UNLEARN_CHECK(!adapted.empty());
  std::vector<checkpoint::NamedTensor> tensors;
  for (const LinearLayer& layer : adapted) {
    const LowRank& pair = *layer.linear->low_rank();
    tensors.push_back({cat(kPeftPrefix, layer.name, kPeftA), pair.a});
    tensors.push_back({cat(kPeftPrefix, layer.name, kPeftB), pair.b});
  }
  FolderWriter writer(destination, replace ? ExistingFolder::kYield : ExistingFolder::kRefuse);
  writer.add(kAdapterWeights,
             checkpoint::write_safetensors(writer.path() / kAdapterWeights, tensors));
  writer.add(kAdapterConfig,
             write_hashed_file(writer.path() / kAdapterConfig,
                               adapter_config(model, options, base, adapted).dump(2) + "\n"));
  writer.commit();
}

}  // namespace unlearn::model
