// eval.pad_is_masked: what a plan asks for when a token is hidden from attention.
#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/eval/plan.h"

namespace unlearn::eval {
namespace {

bool holds(const std::vector<int32_t>& tokens, int32_t token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

std::string masked_key(const std::string& key, int32_t token) {
  return sha256(cat(key, " without sight of ", token));
}

void mask_text(ScoreItem& item, int32_t token) {
  if (holds(item.example.tokens, token)) item.key = masked_key(item.key, token);
}

void mask_prompt(GenerationItem& item, int32_t token) {
  if (!holds(item.prompt, token)) return;
  if (item.prompt.back() == token) {
    user_error("eval.pad_is_masked: a prompt ends with the pad token (", token,
               "), so that its answer would begin at a hidden position; choose a template whose "
               "prompt ends otherwise");
  }
  const auto before = static_cast<int64_t>(item.prompt.size());
  std::erase(item.prompt, token);
  if (item.limits.max_total_tokens > 0) {
    item.limits.max_total_tokens -= before - static_cast<int64_t>(item.prompt.size());
  }
  item.key = masked_key(item.key, token);
}

}  // namespace

Plan Plan::with_masked_token(int32_t token) const {
  Plan plan = *this;
  for (auto* texts : {&plan.scores_, &plan.gradients_, &plan.divergences_}) {
    for (ScoreItem& item : *texts) mask_text(item, token);
  }
  for (GenerationItem& item : plan.generations_) mask_prompt(item, token);
  return plan;
}

}  // namespace unlearn::eval
