#include "unlearn/eval/plan.h"

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/plural.h"

namespace unlearn::eval {
namespace {

// Appends numbers and lists as bytes; lengths make the whole unambiguous.
class KeyBuilder {
 public:
  explicit KeyBuilder(const char* kind) : bytes_(kind) {}
  KeyBuilder& add(int64_t value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    return *this;
  }
  KeyBuilder& add(const std::vector<int32_t>& values) {
    add(static_cast<int64_t>(values.size()));
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int32_t));
    return *this;
  }
  KeyBuilder& add(const std::string& text) {
    add(static_cast<int64_t>(text.size()));
    bytes_ += text;
    return *this;
  }
  std::string hash() const { return sha256(bytes_); }

 private:
  std::string bytes_;
};

}  // namespace

std::string ScoreRequest::key() const {
  return KeyBuilder("score").add(example.tokens).add(example.labels).hash();
}

std::string GradientRequest::key() const {
  return KeyBuilder("gradient").add(example.tokens).add(example.labels).hash();
}

std::string DivergenceRequest::key() const {
  return KeyBuilder("divergence").add(example.tokens).hash();
}

std::string GenerationRequest::key() const {
  UNLEARN_CHECK(!prompt.empty());
  KeyBuilder key("generate");
  key.add(prompt).add(limits.max_new_tokens).add(limits.max_total_tokens);
  for (const std::string& stop : limits.stop_strings) key.add(stop);
  if (sampling) {
    key.add(cat("sampled ", number(sampling->temperature, 17), " ", number(sampling->top_p, 17)))
        .add(sampling->draw);
  }
  return key.hash();
}

std::string ChoiceRequest::key() const {
  UNLEARN_CHECK(!prompt.empty() && !candidates.empty());
  return KeyBuilder("choose").add(prompt).add(candidates).hash();
}

void Plan::check_token_ids(int64_t vocab_size, const std::string& what) const {
  for_each_kind([&](const auto& items) {
    for (const auto& item : items) {
      for (const std::span<const int32_t> tokens : item.tokens()) {
        for (const int32_t token : tokens) {
          if (token < 0 || token >= vocab_size) {
            user_error(what, what.empty() ? "" : ": ", "tokenizer/embedding mismatch: token id ",
                       token, " of ", vocab_size);
          }
        }
      }
    }
  });
}

bool Plan::empty() const {
  bool is_empty = true;
  for_each_kind([&](const auto& items) { is_empty = is_empty && items.empty(); });
  return is_empty;
}

std::string Plan::summary() const {
  size_t tokens = 0;
  for (const auto& item : of<ScoreRequest>()) tokens += item.example.tokens.size() - 1;
  std::string text =
      cat(counted(of<ScoreRequest>().size(), "text"), " (", counted(tokens, "token"), ")");
  const std::pair<size_t, const char*> others[] = {
      {of<GenerationRequest>().size(), "generation"},
      {of<ChoiceRequest>().size(), "multiple-choice question"},
      {of<GradientRequest>().size(), "gradient"},
      {of<DivergenceRequest>().size(), "divergence"}};
  for (const auto& [count, name] : others) {
    if (count > 0) text += cat(", ", counted(count, name));
  }
  return text;
}

}  // namespace unlearn::eval
