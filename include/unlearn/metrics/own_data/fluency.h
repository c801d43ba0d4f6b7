// Whether outputs are still language: empty, repeating and all alike ones are counted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace unlearn::metrics::own_data {

// Of one text's words (folded runs of letters and digits). None of the shares exists for fewer than
// n words.
struct TextFluency {
  int64_t words = 0;
  std::optional<double> distinct1, distinct2;  // different n-grams over all
  std::optional<double> repeated4;             // 1 - distinct-4
  double entropy = 0;  // (2/3 H2 + 4/3 H3) / 2, H in bits of the n-grams' distribution
  bool empty() const { return words == 0; }
  // Empty, or at least eight words of which most repeat (repeated4 >= 0.5 or distinct1 <= 0.2).
  bool broken() const;
};
TextFluency text_fluency(std::string_view text);

struct Fluency {
  int64_t outputs = 0;
  int64_t empty = 0;
  int64_t broken = 0;    // empty ones among them
  int64_t alike = 0;     // the largest number of outputs with the same words
  int64_t refusals = 0;  // that begin like a refusal or a plea of ignorance (English)
  double distinct2 = 0, repeated4 = 0, entropy = 0;  // means over the outputs that have them
  // A quarter of the outputs broken, or more than half of at least four alike.
  bool ruined() const;
};
Fluency fluency(std::span<const std::string> outputs);

}  // namespace unlearn::metrics::own_data
