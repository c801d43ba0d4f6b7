// The tiny checkpoints of tests/golden/model as examples to score.
#pragma once

#include <string>
#include <vector>

#include "model/fixtures.h"
#include "unlearn/core/strings.h"
#include "unlearn/data/example.h"

namespace unlearn::scoring {

// One example per golden sequence; every token but the first is a label.
inline std::vector<data::Example> golden_examples(const model::Golden& golden) {
  std::vector<data::Example> examples;
  const auto* ids = golden.ids.const_data_ptr<int64_t>();
  for (size_t s = 0; s + 1 < golden.offsets.size(); ++s) {
    data::Example& example = examples.emplace_back();
    for (int64_t i = golden.offsets[s]; i < golden.offsets[s + 1]; ++i) {
      example.tokens.push_back(static_cast<int32_t>(ids[i]));
    }
    example.labels = example.tokens;
    example.labels[0] = data::kIgnored;
    example.num_labels = static_cast<int64_t>(example.tokens.size()) - 1;
    example.id = cat("golden:", s);
  }
  return examples;
}

inline std::vector<const data::Example*> pointers(const std::vector<data::Example>& examples) {
  std::vector<const data::Example*> out;
  for (const data::Example& example : examples) out.push_back(&example);
  return out;
}

inline std::shared_ptr<model::CausalLM> golden_model(const std::string& variant,
                                                     torch::Dtype dtype = torch::kFloat32) {
  return model::load_model(model::golden_folder() / variant, dtype, torch::kCPU);
}

}  // namespace unlearn::scoring
