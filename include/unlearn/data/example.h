// A tokenised training or scoring sequence.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
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
  bool operator==(const ExampleKey&) const = default;
  bool operator<(const ExampleKey& other) const {
    return std::tie(role, index) < std::tie(other.role, other.index);
  }
};

// `tokens` holds the sequence with its final target; the model is run on all but the last token,
// and labels[t] (= tokens[t], or kIgnored) is predicted from position t - 1. labels[0] is kIgnored.
struct Example {
  std::string id;   // stable across runs: "<file stem>:<row>"
  int64_t row = 0;  // 0-based row in its data file (MUSE: chunk number)
  std::vector<int32_t> tokens;
  std::vector<int32_t> labels;
  int64_t num_labels = 0;  // labels that are not kIgnored
  // [tokens] 0 where a token is hidden from attention: it sees the seen tokens before it, and no
  // other token sees it. Empty: all are seen.
  std::vector<uint8_t> seen = {};
  int64_t num_appended = 0;  // of the tokens, the last ones that are not of the text itself
};

// Hides every occurrence of a token from attention; whether there is one.
bool hide_token(Example& example, int32_t token);

}  // namespace unlearn::data
