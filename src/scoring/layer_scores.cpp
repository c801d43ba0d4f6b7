#include "unlearn/scoring/layer_scores.h"

#include "unlearn/core/error.h"
#include "unlearn/model/block_outputs.h"
#include "unlearn/scoring/score_batch.h"

namespace unlearn::scoring {
namespace {

using torch::Tensor;

// One pack of examples, with what both models make of it.
class LayerReader {
 public:
  LayerReader(model::CausalLM& reader, model::CausalLM& source, const data::PackedBatch& batch)
      : reader_(reader), head_(reader.head()), batch_(batch) {
    const torch::Device device = head_.weight.device();
    ids_ = packed_ids(batch, device);
    rows_ = batch.label_rows.to(device);
    targets_ = batch.targets.to(device);
    own_ = model::run_blocks(reader, ids_);
    other_ = model::run_blocks(source, ids_);
    UNLEARN_CHECK(own_.blocks.size() == other_.blocks.size());
    UNLEARN_CHECK(own_.final.sizes() == other_.final.sizes());
  }

  size_t num_blocks() const { return own_.blocks.size(); }
  std::vector<double> whole() const { return means(own_.final); }

  std::vector<double> patched(size_t block, bool pre_norm) const {
    const bool is_last = block + 1 == num_blocks();
    const Tensor& taken = is_last && !pre_norm ? other_.final : other_.blocks[block];
    Tensor output = own_.blocks[block].clone();
    output.index_copy_(0, rows_, taken.index_select(0, rows_));
    return means(behind(block, output));
  }
  std::vector<double> lens(size_t block, bool of_source) const {
    return means(behind(num_blocks() - 1, (of_source ? other_ : own_).blocks[block]));
  }

 private:
  // The final hidden states of a pass that goes on from a block's output.
  Tensor behind(size_t block, const Tensor& output) const {
    return model::run_behind(reader_, ids_, static_cast<int64_t>(block), output);
  }
  // Of log p over each example's labels.
  std::vector<double> means(const Tensor& hidden) const {
    const Tensor logp = token_logprob(hidden.index_select(0, rows_), head_, targets_)
                            .to(torch::kCPU, torch::kDouble);
    std::vector<double> result;
    for (const data::Segment& segment : batch_.segments) {
      result.push_back(
          logp.narrow(0, segment.label_offset, segment.num_labels).mean().item<double>());
    }
    return result;
  }

  model::CausalLM& reader_;
  const model::Head head_;
  const data::PackedBatch& batch_;
  model::PackedIds ids_;
  Tensor rows_, targets_;
  model::BlockOutputs own_, other_;
};

void score_pack(model::CausalLM& reader, model::CausalLM& source,
                const std::vector<data::PackItem>& items, bool pre_norm,
                std::vector<LayerScores>& results) {
  const data::PackedBatch batch = data::pack(items);
  const LayerReader layers(reader, source, batch);
  const size_t first = results.size();
  for (const double value : layers.whole()) results.push_back({value, {}, {}, {}});
  const auto add = [&](const std::vector<double>& values, std::vector<double> LayerScores::*list) {
    for (size_t i = 0; i < values.size(); ++i) (results[first + i].*list).push_back(values[i]);
  };
  for (size_t block = 0; block < layers.num_blocks(); ++block) {
    add(layers.patched(block, pre_norm), &LayerScores::patched);
    add(layers.lens(block, /*of_source=*/false), &LayerScores::lens_reader);
    add(layers.lens(block, /*of_source=*/true), &LayerScores::lens_source);
  }
}

}  // namespace

std::vector<LayerScores> layer_scores(model::CausalLM& reader, model::CausalLM& source,
                                      const std::vector<const data::Example*>& examples,
                                      const LayerScoresOptions& options) {
  const torch::NoGradGuard no_grad;
  std::vector<data::PackItem> items;
  for (const data::Example* example : examples) {
    UNLEARN_CHECK(example->num_labels > 0, example->id);
    items.push_back({data::Role::kForget, example});
  }
  std::vector<LayerScores> results;
  const std::vector<size_t> cuts = data::cut_by_tokens(items, options.batch_tokens);
  for (size_t c = 0; c + 1 < cuts.size(); ++c) {
    const std::vector<data::PackItem> part(
        items.begin() + static_cast<std::ptrdiff_t>(cuts[c]),
        items.begin() + static_cast<std::ptrdiff_t>(cuts[c + 1]));
    score_pack(reader, source, part, options.pre_norm, results);
  }
  return results;
}

}  // namespace unlearn::scoring
