#include "unlearn/metrics/stemmer.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

namespace unlearn::metrics {
namespace {

using Text = std::string_view;

bool is_vowel_letter(char c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u'; }

bool is_consonant(Text word, size_t i) {
  if (is_vowel_letter(word[i])) return false;
  // A run of y alternates, so what precedes the run decides together with its length.
  bool consonant = true;
  size_t run = i;
  while (run > 0 && word[run] == 'y') --run;
  if (word[run] != 'y') consonant = !is_vowel_letter(word[run]);
  for (size_t k = run; k < i; ++k) consonant = !consonant;
  return consonant;
}

// Porter's m: how often a vowel is followed by a consonant.
int measure(Text word) {
  int m = 0;
  bool after_vowel = false;
  bool consonant = true;
  for (size_t i = 0; i < word.size(); ++i) {
    consonant = !is_vowel_letter(word[i]) && (word[i] != 'y' || i == 0 || !consonant);
    if (consonant && after_vowel) ++m;
    after_vowel = !consonant;
  }
  return m;
}

bool contains_vowel(Text word) {
  for (size_t i = 0; i < word.size(); ++i) {
    if (!is_consonant(word, i)) return true;
  }
  return false;
}

bool ends_double_consonant(Text word) {
  const size_t n = word.size();
  return n >= 2 && word[n - 1] == word[n - 2] && is_consonant(word, n - 1);
}

// *o: consonant, vowel, consonant other than w, x, y; NLTK adds two-letter vowel-consonant words.
bool ends_cvc(Text word) {
  const size_t n = word.size();
  if (n == 2) return !is_consonant(word, 0) && is_consonant(word, 1);
  return n >= 3 && is_consonant(word, n - 3) && !is_consonant(word, n - 2) &&
         is_consonant(word, n - 1) && Text("wxy").find(word[n - 1]) == Text::npos;
}

Text without(Text word, size_t letters) { return word.substr(0, word.size() - letters); }

std::string replaced(Text word, size_t letters, Text ending) {
  return std::string(without(word, letters)).append(ending);
}

using Rule = std::pair<Text, Text>;  // suffix -> replacement

// The first rule whose suffix matches decides: it fires when the stem's measure exceeds
// `min_measure`, and otherwise leaves the word alone.
std::string apply_first(Text word, std::initializer_list<Rule> rules, int min_measure) {
  for (const auto& [suffix, ending] : rules) {
    if (!word.ends_with(suffix)) continue;
    if (measure(without(word, suffix.size())) > min_measure) {
      return replaced(word, suffix.size(), ending);
    }
    break;
  }
  return std::string(word);
}

std::string step_1a(Text word) {
  if (word.ends_with("ies")) return replaced(word, word.size() == 4 ? 1 : 2, "");
  if (word.ends_with("sses")) return replaced(word, 2, "");
  if (word.ends_with("ss") || !word.ends_with("s")) return std::string(word);
  return replaced(word, 1, "");
}

std::string step_1b(Text word) {
  if (word.ends_with("ied")) return replaced(word, word.size() == 4 ? 1 : 2, "");
  if (word.ends_with("eed")) {
    return replaced(word, measure(without(word, 3)) > 0 ? 1 : 0, "");
  }
  Text stem;
  if (word.ends_with("ed") && contains_vowel(without(word, 2))) {
    stem = without(word, 2);
  } else if (word.ends_with("ing") && contains_vowel(without(word, 3))) {
    stem = without(word, 3);
  } else {
    return std::string(word);
  }
  if (stem.ends_with("at") || stem.ends_with("bl") || stem.ends_with("iz")) {
    return replaced(stem, 0, "e");
  }
  if (ends_double_consonant(stem)) {
    return replaced(stem, Text("lsz").find(stem.back()) == Text::npos ? 1 : 0, "");
  }
  return replaced(stem, 0, measure(stem) == 1 && ends_cvc(stem) ? "e" : "");
}

std::string step_1c(Text word) {
  const size_t n = word.size();
  if (n > 2 && word.back() == 'y' && is_consonant(word, n - 2)) return replaced(word, 1, "i");
  return std::string(word);
}

std::string step_2(std::string word) {
  while (word.ends_with("alli") && measure(without(word, 4)) > 0) word.resize(word.size() - 2);
  // "logi" looks at the word without its last three letters, so that "geolog" counts the l.
  if (word.ends_with("logi")) {
    return replaced(word, measure(without(word, 3)) > 0 ? 1 : 0, "");
  }
  return apply_first(
      word, {{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"},   {"anci", "ance"},
             {"izer", "ize"},    {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"},
             {"eli", "e"},       {"ousli", "ous"},   {"ization", "ize"}, {"ation", "ate"},
             {"ator", "ate"},    {"alism", "al"},    {"iveness", "ive"}, {"fulness", "ful"},
             {"ousness", "ous"}, {"aliti", "al"},    {"iviti", "ive"},   {"biliti", "ble"},
             {"fulli", "ful"}},
      0);
}

std::string step_3(Text word) {
  return apply_first(word,
                     {{"icate", "ic"},
                      {"ative", ""},
                      {"alize", "al"},
                      {"iciti", "ic"},
                      {"ical", "ic"},
                      {"ful", ""},
                      {"ness", ""}},
                     0);
}

std::string step_4(Text word) {
  constexpr std::array<Text, 19> kSuffixes = {"al",  "ance",  "ence", "er",  "ic",  "able", "ible",
                                              "ant", "ement", "ment", "ent", "ion", "ou",   "ism",
                                              "ate", "iti",   "ous",  "ive", "ize"};
  for (const Text suffix : kSuffixes) {
    if (!word.ends_with(suffix)) continue;
    const Text stem = without(word, suffix.size());
    const bool fits = suffix != "ion" || stem.ends_with("s") || stem.ends_with("t");
    return std::string(fits && measure(stem) > 1 ? stem : word);
  }
  return std::string(word);
}

std::string step_5(Text word) {
  if (word.ends_with("e")) {
    const Text stem = without(word, 1);
    const int m = measure(stem);
    if (m > 1 || (m == 1 && !ends_cvc(stem))) word = stem;
  }
  if (word.ends_with("ll") && measure(without(word, 1)) > 1) word = without(word, 1);
  return std::string(word);
}

// Words the rules would get wrong: {word, stem}.
constexpr std::array<Rule, 16> kIrregular = {{{"sky", "sky"},
                                              {"skies", "sky"},
                                              {"dying", "die"},
                                              {"lying", "lie"},
                                              {"tying", "tie"},
                                              {"news", "news"},
                                              {"innings", "inning"},
                                              {"inning", "inning"},
                                              {"outings", "outing"},
                                              {"outing", "outing"},
                                              {"cannings", "canning"},
                                              {"canning", "canning"},
                                              {"howe", "howe"},
                                              {"proceed", "proceed"},
                                              {"exceed", "exceed"},
                                              {"succeed", "succeed"}}};

}  // namespace

std::string porter_stem(std::string_view word) {
  if (word.size() <= 2) return std::string(word);
  const auto* irregular = std::find_if(kIrregular.begin(), kIrregular.end(),
                                       [&](const Rule& rule) { return rule.first == word; });
  if (irregular != kIrregular.end()) return std::string(irregular->second);
  return step_5(step_4(step_3(step_2(step_1c(step_1b(step_1a(word)))))));
}

}  // namespace unlearn::metrics
