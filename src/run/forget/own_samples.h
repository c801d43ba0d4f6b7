// A retain set for those who have none: what the model itself says, seeded.
#pragma once

#include <vector>

#include "unlearn/data/rows.h"
#include "unlearn/data/template.h"
#include "unlearn/model/causal_lm.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::run {

// That the model is asked for where there is no retain file.
inline constexpr int64_t kMostSamples = 128;

struct SampleRequest {
  const tokenizer::Tokenizer& tokenizer;
  const data::Template& prompt_template;
  model::CausalLM& model;
  const std::vector<data::QaRow>& forget;
  int64_t count = kMostSamples;  // wanted; there may be fewer
  uint64_t seed = 0;
};

// Questions that the model asks itself after the template's beginning, half of them after the first
// words of a forget question, each with its likeliest answer. None that holds a piece that tells a
// forget row from others, or a name of a forget question; none twice. UserError when fewer than
// eight are left.
std::vector<data::QaRow> own_samples(const SampleRequest& request);

// The text of a prompt before its question and after it.
struct PromptParts {
  std::string before, after;
};
PromptParts prompt_parts(const data::Template& tmpl);

}  // namespace unlearn::run
