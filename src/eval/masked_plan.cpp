// eval.pad_is_masked: what a plan asks for when a token is hidden from attention.
#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/eval/plan.h"

namespace unlearn::eval {
bool ScoreRequest::hide(int32_t token) { return data::hide_token(example, token); }

bool GradientRequest::hide(int32_t token) { return data::hide_token(example, token); }

bool DivergenceRequest::hide(int32_t token) { return data::hide_token(example, token); }

bool GenerationRequest::hide(int32_t token) {
  if (std::find(prompt.begin(), prompt.end(), token) == prompt.end()) return false;
  if (prompt.back() == token) {
    user_error("eval.pad_is_masked: a prompt ends with the pad token (", token,
               "), so that its answer would begin at a hidden position; choose a template whose "
               "prompt ends otherwise");
  }
  const auto before = static_cast<int64_t>(prompt.size());
  std::erase(prompt, token);
  if (limits.max_total_tokens > 0) {
    limits.max_total_tokens -= before - static_cast<int64_t>(prompt.size());
  }
  return true;
}

template <class Request>
void Requests<Request>::hide(int32_t token) {
  for (Item<Request>& item : items_) {
    if (item.hide(token)) item.key = sha256(cat(item.key, " without sight of ", token));
  }
}

Plan Plan::with_masked_token(int32_t token) const {
  Plan plan = *this;
  std::apply([&](auto&... kinds) { (kinds.hide(token), ...); }, plan.requests_);
  return plan;
}

}  // namespace unlearn::eval
