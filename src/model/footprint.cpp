#include "unlearn/model/footprint.h"

#include <algorithm>
#include <numeric>

#include "model/family.h"
#include "model/kept.h"
#include "model/linear_layers.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/core/pattern.h"
#include "unlearn/model/weight_format.h"

namespace unlearn::model {
namespace {

// Each block's own report.
void measure_blocks(const Decoder& model, const Execution& execution, ModelFootprint& result) {
  const KeptContext context{execution, result.dims.hidden_size};
  for (int64_t i = 0; i < result.dims.num_layers; ++i) {
    const BlockKept kept = model.block(static_cast<size_t>(i)).kept(context);
    result.all += kept.all;
    result.selective += kept.selective;
    result.inputs += Kept{context.stream(), 0};
    result.block = Kept::most(result.block, kept.all);
    result.recomputed = Kept::most(result.recomputed, {kept.all.token - kept.selective.token,
                                                       kept.all.pair - kept.selective.pair});
    result.work = Kept::most(result.work, kept.work);
  }
}

int64_t sum_of(const std::vector<std::pair<std::string, std::vector<int64_t>>>& parameters) {
  return std::accumulate(
      parameters.begin(), parameters.end(), int64_t{0},
      [](int64_t sum, const auto& entry) { return sum + c10::multiply_integers(entry.second); });
}

// Trainable pairs beside the linear layers, and their matrices packed.
void adapt(Decoder& model, const Adaptation& adaptation, ModelFootprint& result) {
  add_lora(model, adaptation.lora);
  if (adaptation.base_format == nullptr) return;
  for (const LinearLayer& layer : linear_layers(model)) {
    const int64_t rows = layer.linear->out_features();
    const int64_t columns = layer.linear->in_features();
    layer.linear->plan_pack(*adaptation.base_format);
    result.packed_bytes += adaptation.base_format->bytes(rows, columns);
    result.unpacked = std::max(result.unpacked, rows * columns);
  }
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
    return c10::multiply_integers(entry.second) == dims.vocab_size * dims.hidden_size;
  });
}

Kept ModelFootprint::kept(Recompute recompute) const {
  switch (recompute) {
    case Recompute::kNone:
      return all;
    case Recompute::kSelective:
      return selective + recomputed;
    case Recompute::kFull:
      return inputs + block;
  }
  return {};
}

ModelFootprint model_footprint(const Json& hf_config, const std::optional<Adaptation>& adaptation,
                               const Execution& execution) {
  const checkpoint::HfConfig config(hf_config);
  const auto model = find_family(config).build(config, {execution.dtype, torch::kMeta});
  ModelFootprint result;
  result.dims = model->dims();
  result.parameter_count = count_parameters(*model);
  if (adaptation) {
    adapt(*model, *adaptation, result);
    result.trains_head = false;
  }
  for (const auto& entry : model->named_parameters()) {
    if (entry.value().requires_grad()) {
      result.trained.emplace_back(entry.key(), entry.value().sizes().vec());
    } else {
      result.frozen += entry.value().numel();
    }
  }
  measure_blocks(*model, execution, result);
  return result;
}

}  // namespace unlearn::model
