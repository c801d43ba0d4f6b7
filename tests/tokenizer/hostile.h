// The strings of scripts/goldens/hostile.py: a pure function of their number and of atoms.json.
#pragma once

#include <string>

#include "tokenizer/unicode.h"
#include "unlearn/core/json.h"
#include "unlearn/core/rng.h"

namespace unlearn::tokenizer {

inline std::string golden_path(const std::string& name) {
  return std::string(UNLEARN_TEST_DIR) + "/golden/tokenizer/" + name;
}

class Hostile {
 public:
  Hostile() : table_(read_json(golden_path("atoms.json"))) {
    for (const Json& atom : table_["atoms"]) total_ += atom["weight"].get<uint64_t>();
  }

  std::string text(uint64_t number) const {
    Rng rng(number);
    const Json& lengths = table_["lengths"];
    const auto length = lengths[below(rng, lengths.size())].get<int>();
    std::string out;
    for (int i = 0; i < length; ++i) append_atom(rng, out);
    return out;
  }

 private:
  // Plainly modulo, as the script does it.
  static size_t below(Rng& rng, uint64_t bound) { return static_cast<size_t>(rng.next() % bound); }

  void append_atom(Rng& rng, std::string& out) const {
    uint64_t draw = below(rng, total_);
    const Json* chosen = nullptr;
    for (const Json& atom : table_["atoms"]) {
      chosen = &atom;
      const auto weight = atom["weight"].get<uint64_t>();
      if (draw < weight) break;
      draw -= weight;
    }
    const size_t count = 1 + below(rng, (*chosen)["up_to"].get<uint64_t>());
    const bool same = (*chosen)["same"].get<bool>();
    std::string pick = same ? one_pick(rng, *chosen) : "";
    for (size_t i = 0; i < count; ++i) out += same ? pick : one_pick(rng, *chosen);
  }

  static std::string one_pick(Rng& rng, const Json& atom) {
    if (atom.contains("choose")) {
      const Json& strings = atom["choose"];
      return strings[below(rng, strings.size())].get<std::string>();
    }
    const Json& range = atom["ranges"][below(rng, atom["ranges"].size())];
    const auto low = range[0].get<char32_t>();
    const auto high = range[1].get<char32_t>();
    std::string out;
    append_utf8(out, low + static_cast<char32_t>(below(rng, high - low + 1)));
    return out;
  }

  Json table_;
  uint64_t total_ = 0;
};

}  // namespace unlearn::tokenizer
