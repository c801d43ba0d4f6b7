// Cached keys against a forward pass over everything, in every variant: windows, caps, positions.
#include <gtest/gtest.h>

#include "fixtures.h"

namespace unlearn::model {
namespace {

class CachedForward : public ::testing::TestWithParam<std::string> {};

// Tokens [from, to) of each named sequence, as one batch.
PackedIds cut(const std::vector<torch::Tensor>& sequences, int64_t from, int64_t to) {
  PackedIds batch;
  std::vector<torch::Tensor> parts;
  batch.offsets = {0};
  for (const torch::Tensor& ids : sequences) {
    parts.push_back(ids.slice(0, from, to));
    batch.offsets.push_back(batch.offsets.back() + parts.back().numel());
  }
  batch.ids = torch::cat(parts);
  return batch;
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST_P(CachedForward, PiecesAndFewerSequencesGiveTheSameHiddenStates) {
  const torch::NoGradGuard no_grad;
  const auto model = load_model(golden_folder() / GetParam(), torch::kFloat64, torch::kCPU);
  // Where LongRoPE's factors stay the same.
  const int64_t length = GetParam().starts_with("phi3_longrope") ? 16 : 24;
  std::vector<torch::Tensor> sequences;
  for (int64_t i = 1; i <= 3; ++i) {
    sequences.push_back(torch::arange(length) * (5 * i + 2) % model->dims().vocab_size);
  }
  std::vector<torch::Tensor> whole;
  for (const torch::Tensor& ids : sequences) {
    whole.push_back(model->hidden_states({ids, {}, {0, length}}));
  }

  const auto cache = model->make_cache(3, length);
  ForwardOptions options;
  options.cache = cache.get();
  // A prompt, a piece of several tokens on top of it, then one token at a time for two of them.
  for (const auto& [from, to] : {std::pair<int64_t, int64_t>{0, 7}, {7, length - 2}}) {
    const torch::Tensor hidden = model->hidden_states(cut(sequences, from, to), options);
    const auto parts = hidden.chunk(3);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_LT(largest_difference(parts[i], whole[i].slice(0, from, to)), 1e-5)
          << i << " " << from;
    }
  }
  cache->select(torch::tensor({2, 0}));
  const std::vector<torch::Tensor> rest{sequences[2], sequences[0]};
  for (int64_t at = length - 2; at < length; ++at) {
    const torch::Tensor hidden = model->hidden_states(cut(rest, at, at + 1), options);
    EXPECT_LT(largest_difference(hidden[0], whole[2][at]), 1e-5) << at;
    EXPECT_LT(largest_difference(hidden[1], whole[0][at]), 1e-5) << at;
  }
}

// llama_dynamic is left out: its rotation changes with the length, so cached keys are not those of
// the whole sequence (transformers keeps them as well).
std::vector<std::string> variants_with_fixed_rotation() {
  auto names = variants();
  std::erase(names, "llama_dynamic");
  return names;
}

INSTANTIATE_TEST_SUITE_P(Variants, CachedForward,
                         ::testing::ValuesIn(variants_with_fixed_rotation()),
                         [](const auto& variant) { return variant.param; });

}  // namespace
}  // namespace unlearn::model
