// Adapters that PEFT wrote, added into a model's weights or put beside them.
#include <map>

#include "model/adapter_plan.h"
#include "model/linear_layers.h"
#include "model/low_rank.h"
#include "model/stored_weights.h"
#include "unlearn/core/error.h"
#include "unlearn/model/lora.h"

namespace unlearn::model {
namespace fs = std::filesystem;
namespace {

Decoder& decoder_of(CausalLM& model) {
  auto* decoder = dynamic_cast<Decoder*>(&model);
  UNLEARN_CHECK(decoder != nullptr);
  return *decoder;
}

struct AdapterPair {
  Linear* linear;
  bool is_head;
  torch::Tensor a, b;  // fp32, on the CPU
  double scale;

  void add_into_weight() const { linear->add_to_matrix(at::mm(b, a).mul_(scale)); }
};

// What PEFT takes away from a layer's weight before the pair is trained, and again whenever the
// adapter is loaded; in fp32, as there.
torch::Tensor initial_part(const Linear& layer, const AdapterConfig& config, int64_t rank,
                           double scale) {
  const torch::Tensor weight = layer.matrix().detach().to(torch::kFloat);
  if (config.start() == AdapterStart::kPissa) {
    const auto [u, s, vh] = at::linalg_svd(weight, /*full_matrices=*/false);
    return at::mm(u.narrow(1, 0, rank) * s.narrow(0, 0, rank), vh.narrow(0, 0, rank));
  }
  const auto [q, r] = at::linalg_qr(weight);
  return at::mm(q.narrow(1, 0, rank), r.narrow(0, 0, rank)).mul_(scale);
}

void take_initial_part(Linear& layer, const AdapterConfig& config, int64_t rank, double scale) {
  if (config.start() == AdapterStart::kPlain) return;
  if (!layer.weight.defined()) {
    config.refuse("init_lora_weights", "changes the base, which cannot be done in 8 or 4 bits");
  }
  layer.add_to_matrix(initial_part(layer, config, rank, scale).neg_());
}

// Makes the base what PEFT makes it, and reads the pairs.
std::vector<AdapterPair> read_pairs(CausalLM& model, const fs::path& folder) {
  Decoder& decoder = decoder_of(model);
  const AdapterPlan plan = plan_adapter(decoder, folder);
  auto parameters = decoder.named_parameters();
  for (const AdapterPlan::Copy& copy : plan.copies) {
    parameters[copy.parameter].copy_(plan.file.view(copy.tensor));
  }
  if (plan.unties(decoder)) decoder.untie_head();
  std::map<std::string, Linear*> layers;
  for (const LinearLayer& layer : linear_layers_with_head(model)) {
    layers[layer.name] = layer.linear;
  }
  std::vector<AdapterPair> pairs;
  for (const AdapterPlan::Pair& pair : plan.pairs) {
    Linear* linear = layers.at(pair.layer);
    take_initial_part(*linear, plan.config, pair.rank, pair.scale);
    const auto read = [&](const std::string& name) {
      return plan.file.view(name).to(torch::kFloat, false, /*copy=*/true);
    };
    pairs.push_back({linear, pair.is_head, read(pair.a), read(pair.b), pair.scale});
  }
  return pairs;
}

}  // namespace

AdapterEffects check_adapter(const fs::path& model_folder, const fs::path& folder) {
  const auto shapes = build_shapes(
      checkpoint::HfConfig(model_config(model_folder), (model_folder / "config.json").string()));
  return {.unties_head = plan_adapter(*shapes, folder).unties(*shapes)};
}

void merge_adapter(CausalLM& model, const fs::path& folder) {
  const torch::NoGradGuard no_grad;
  for (const AdapterPair& pair : read_pairs(model, folder)) pair.add_into_weight();
}

void attach_adapter(CausalLM& model, const fs::path& folder) {
  const torch::NoGradGuard no_grad;
  const std::vector<AdapterPair> pairs = read_pairs(model, folder);
  for (torch::Tensor& parameter : model.parameters()) parameter.set_requires_grad(false);
  for (const AdapterPair& pair : pairs) {
    // Logits are made from the head's weight itself.
    if (pair.is_head) {
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
