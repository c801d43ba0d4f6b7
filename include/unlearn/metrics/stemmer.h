// The Porter stemmer with NLTK's extensions (nltk/stem/porter.py, its default mode), which
// rouge-score 0.1.2 applies to tokens longer than three characters.
#pragma once

#include <string>
#include <string_view>

namespace unlearn::metrics {

// `word` is lower-case ASCII letters and digits; digits count as consonants.
std::string porter_stem(std::string_view word);

}  // namespace unlearn::metrics
