#include "unlearn/model/footprint.h"

#include <algorithm>
#include <numeric>

#include "family.h"
#include "unlearn/checkpoint/hf_folder.h"

namespace unlearn::model {
namespace {

bool is_feed_forward(const std::string& name) { return name.find("mlp") != std::string::npos; }

// Every projection keeps its output where the next operation needs it, norms keep their output for
// the projections that read it, and the two inputs that no norm made (of the output projection and
// of the last feed-forward projection) are kept as well.
void measure_block(const torch::nn::Module& block, ModelFootprint& result) {
  const int64_t width = result.dims.hidden_size;
  int64_t outputs = 0, feed_forward_outputs = 0, norms = 0;
  for (const auto& entry : block.named_parameters()) {
    const torch::Tensor& parameter = entry.value();
    if (parameter.dim() < 2) {
      // One norm per weight; biases of projections are no norms.
      norms += entry.key().find("norm") != std::string::npos && entry.key().ends_with("weight");
      continue;
    }
    outputs += parameter.size(0);
    if (is_feed_forward(entry.key())) {
      feed_forward_outputs += parameter.size(0);
      result.mlp_width = std::max({result.mlp_width, parameter.size(0), parameter.size(1)});
    }
  }
  result.block = outputs + norms * width + width + result.mlp_width;
  // Under selective recomputation the second half keeps its input, the middle of the residual path.
  result.attention = outputs - feed_forward_outputs + 3 * width;
}

}  // namespace

int64_t ModelFootprint::parameter_count() const {
  return std::accumulate(parameters.begin(), parameters.end(), int64_t{0},
                         [](int64_t sum, const auto& entry) { return sum + entry.second; });
}

int64_t ModelFootprint::kept(Recompute recompute) const {
  switch (recompute) {
    case Recompute::kNone:
      return dims.num_layers * block;
    case Recompute::kSelective:
      return dims.num_layers * std::min(attention, block) + std::max<int64_t>(0, block - attention);
    case Recompute::kFull:
      return dims.num_layers * dims.hidden_size + block;
  }
  return 0;
}

ModelFootprint model_footprint(const Json& hf_config) {
  const checkpoint::HfConfig config(hf_config);
  const auto model = find_family(config).build(config, {torch::kFloat32, torch::kMeta});
  ModelFootprint result;
  result.dims = model->dims();
  for (const auto& entry : model->named_parameters()) {
    result.parameters.emplace_back(entry.key(), entry.value().numel());
  }
  measure_block(model->block(0), result);
  return result;
}

}  // namespace unlearn::model
