#include "unlearn/model/footprint.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "family.h"
#include "linear_layers.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/core/pattern.h"
#include "unlearn/model/weight_format.h"

namespace unlearn::model {
namespace {

bool is_feed_forward(const std::string& name) { return name.find("mlp") != std::string::npos; }

bool remakes_inner(const torch::nn::Module& block) {
  const auto parts = block.modules(/*include_self=*/false);
  return std::any_of(parts.begin(), parts.end(), [](const auto& part) {
    const auto* mlp = dynamic_cast<const Mlp*>(part.get());
    return mlp != nullptr && mlp->remakes_inner();
  });
}

// Every projection keeps its output where the next operation needs it, norms keep their output for
// the projections that read it, and the two inputs that no norm made (of the output projection and,
// unless it is made again, of the last feed-forward projection) are kept as well.
// Returns the elements per token that are made again.
int64_t measure_block(const torch::nn::Module& block, ModelFootprint& result) {
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
  const int64_t remade = remakes_inner(block) ? result.mlp_width : 0;
  result.block = outputs + norms * width + width + result.mlp_width - remade;
  // Under selective recomputation the second half keeps its input, the middle of the residual path.
  result.attention = outputs - feed_forward_outputs + 3 * width;
  return remade;
}

int64_t sum_of(const std::vector<std::pair<std::string, int64_t>>& parameters) {
  return std::accumulate(parameters.begin(), parameters.end(), int64_t{0},
                         [](int64_t sum, const auto& entry) { return sum + entry.second; });
}

// The trained parameters become frozen, matrices of linear layers packed, and pairs are trained.
// Adapted layers keep their inputs: the elements `remade` before, too.
void adapt(const Decoder& model, const Adaptation& adaptation, int64_t remade,
           ModelFootprint& result) {
  std::set<std::string> packed;
  for (const LinearLayer& layer : linear_layers(model)) {
    if (adaptation.base_format == nullptr) break;
    const int64_t rows = layer.linear->out_features();
    const int64_t columns = layer.linear->in_features();
    packed.insert(layer.name + ".weight");
    result.packed_bytes += adaptation.base_format->bytes(rows, columns);
    result.unpacked = std::max(result.unpacked, rows * columns);
  }
  for (const auto& [name, elements] : result.trained) {
    if (!packed.contains(name)) result.frozen += elements;
  }
  result.trained = lora_parameters(model, adaptation.lora);
  result.trains_head = false;
  // Each pair of a block keeps its [T, rank] in between.
  const auto pairs = static_cast<int64_t>(result.trained.size()) / 2;
  const int64_t inner = adaptation.lora.rank * pairs / result.dims.num_layers;
  result.block += inner + remade;
  result.attention += inner;
}

}  // namespace

int64_t ModelFootprint::trained_count() const { return sum_of(trained); }

void ModelFootprint::train_only(const std::vector<std::string>& patterns) {
  if (patterns.empty()) return;
  const std::vector<Pattern> chosen = make_patterns(patterns, "method.trainable_params_regex");
  const auto is_left_out = [&](const auto& entry) { return !any_matches(chosen, entry.first); };
  const int64_t before = trained_count();
  std::erase_if(trained, is_left_out);
  frozen += before - trained_count();
  trains_head = std::any_of(trained.begin(), trained.end(), [&](const auto& entry) {
    return entry.second == dims.vocab_size * dims.hidden_size;
  });
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

ModelFootprint model_footprint(const Json& hf_config, const std::optional<Adaptation>& adaptation) {
  const checkpoint::HfConfig config(hf_config);
  const auto model = find_family(config).build(config, {torch::kFloat32, torch::kMeta});
  ModelFootprint result;
  result.dims = model->dims();
  for (const auto& entry : model->named_parameters()) {
    result.trained.emplace_back(entry.key(), entry.value().numel());
  }
  result.parameter_count = sum_of(result.trained);
  const int64_t remade = measure_block(model->block(0), result);
  if (adaptation) adapt(*model, *adaptation, remade, result);
  return result;
}

}  // namespace unlearn::model
