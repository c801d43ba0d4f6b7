#include "model/linear_layers.h"

namespace unlearn::model {

std::vector<LinearLayer> linear_layers_with_head(const CausalLM& model) {
  std::vector<LinearLayer> layers;
  for (const auto& item : model.named_modules("", /*include_self=*/false)) {
    if (auto* linear = dynamic_cast<Linear*>(item.value().get())) {
      layers.push_back({item.key(), linear});
    }
  }
  return layers;
}

std::vector<LinearLayer> linear_layers(const CausalLM& model) {
  const torch::Tensor head = model.head().weight;
  std::vector<LinearLayer> layers = linear_layers_with_head(model);
  std::erase_if(layers, [&](const LinearLayer& layer) {
    return layer.linear->weight.defined() && layer.linear->weight.is_same(head);
  });
  return layers;
}

}  // namespace unlearn::model
