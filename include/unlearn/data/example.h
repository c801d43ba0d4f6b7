// A tokenised training or scoring sequence.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace unlearn::data {

// Labels of tokens that are not predicted.
inline constexpr int32_t kIgnored = -100;

// What a sequence is for. kAlternate is a refusal or another replacement answer.
enum class Role : uint8_t { kForget, kRetain, kAlternate };
inline constexpr int kNumRoles = 3;

// Which of a run's examples: its place among those of its role.
struct ExampleKey {
  Role role = Role::kForget;
  int64_t index = 0;
  auto operator<=>(const ExampleKey&) const = default;
};

// `tokens` holds the sequence with its final target; the model is run on all but the last token,
// and labels[t] (= tokens[t], or kIgnored) is predicted from position t - 1. labels[0] is kIgnored.
struct Example {
  std::string id;   // stable across runs: "<file stem>:<row>"
  int64_t row = 0;  // 0-based row in its data file (MUSE: chunk number)
  std::vector<int32_t> tokens;
  std::vector<int32_t> labels;
  int64_t num_labels = 0;  // labels that are not kIgnored
  // Trailing tokens that are padding: each sees the tokens before the padding and no token sees
  // them. Zero but for reference quirks (train.compat) that read the model's outputs there.
  int64_t num_pads = 0;
  int64_t num_added = 0;  // of these, tokens that padding appended; an own end token may be a pad
};

}  // namespace unlearn::data
