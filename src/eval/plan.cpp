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

// The item with this key, added when it is new.
template <class Item>
ResultId place_item(Item item, std::vector<Item>& items,
                    std::unordered_map<std::string, ResultId>& places) {
  const auto [entry, is_new] = places.try_emplace(item.key, items.size());
  if (is_new) items.push_back(std::move(item));
  return entry->second;
}

}  // namespace

ResultId Plan::score(data::Example example, bool moments) {
  std::string key = KeyBuilder("score").add(example.tokens).add(example.labels).hash();
  const ResultId id =
      place_item(ScoreItem{std::move(key), std::move(example), false}, scores_, score_places_);
  scores_[id].moments = scores_[id].moments || moments;
  return id;
}

ResultId Plan::gradient_norm(data::Example example) {
  std::string key = KeyBuilder("gradient").add(example.tokens).add(example.labels).hash();
  return place_item(ScoreItem{std::move(key), std::move(example), false}, gradients_,
                    gradient_places_);
}

ResultId Plan::divergence(data::Example example) {
  // Labels do not matter: every token is looked at.
  std::string key = KeyBuilder("divergence").add(example.tokens).hash();
  return place_item(ScoreItem{std::move(key), std::move(example), false}, divergences_,
                    divergence_places_);
}

ResultId Plan::generate(std::vector<int32_t> prompt, const GenerationLimits& limits) {
  UNLEARN_CHECK(!prompt.empty());
  KeyBuilder key("generate");
  key.add(prompt).add(limits.max_new_tokens).add(limits.max_total_tokens);
  for (const std::string& stop : limits.stop_strings) key.add(stop);
  return place_item(GenerationItem{key.hash(), std::move(prompt), limits}, generations_,
                    generation_places_);
}

ResultId Plan::choose(std::vector<int32_t> prompt, std::vector<int32_t> candidates) {
  UNLEARN_CHECK(!prompt.empty() && !candidates.empty());
  std::string key = KeyBuilder("choose").add(prompt).add(candidates).hash();
  return place_item(ChoiceItem{std::move(key), std::move(prompt), std::move(candidates)}, choices_,
                    choice_places_);
}

bool Plan::empty() const {
  return scores_.empty() && generations_.empty() && choices_.empty() && gradients_.empty() &&
         divergences_.empty();
}

std::string Plan::summary() const {
  size_t tokens = 0;
  for (const ScoreItem& item : scores_) tokens += item.example.tokens.size() - 1;
  std::string text = cat(counted(scores_.size(), "text"), " (", counted(tokens, "token"), ")");
  if (!generations_.empty()) text += cat(", ", counted(generations_.size(), "generation"));
  if (!choices_.empty()) text += cat(", ", counted(choices_.size(), "multiple-choice question"));
  if (!gradients_.empty()) text += cat(", ", counted(gradients_.size(), "gradient"));
  if (!divergences_.empty()) text += cat(", ", counted(divergences_.size(), "divergence"));
  return text;
}

}  // namespace unlearn::eval
