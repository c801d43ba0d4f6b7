#include "unlearn/scoring/divergence.h"

#include "unlearn/core/error.h"
#include "unlearn/scoring/score_batch.h"

namespace unlearn::scoring {

std::vector<double> mean_divergence(model::CausalLM& model, model::CausalLM& original,
                                    const std::vector<const data::Example*>& examples) {
  const torch::NoGradGuard no_grad;
  std::vector<data::PackItem> items;
  for (const data::Example* example : examples) items.push_back({data::Role::kForget, example});
  const data::PackedBatch batch = data::pack(items);
  const model::Head head = model.head(), original_head = original.head();
  UNLEARN_CHECK(head.weight.size(0) == original_head.weight.size(0));
  const torch::Device device = head.weight.device();
  RowRequest request;
  request.function = &forward_kl();
  // A pack holds just the tokens that are asked for.
  const torch::Tensor values =
      row_values(request, model.hidden_states(packed_ids(batch, device)), head,
                 {original.hidden_states(packed_ids(batch, device)), original_head, {}})
          .to(torch::kCPU, torch::kDouble);
  std::vector<double> means;
  for (const data::Segment& segment : batch.segments) {
    means.push_back(values.narrow(0, segment.offset, segment.length).mean().item<double>());
  }
  return means;
}

}  // namespace unlearn::scoring
