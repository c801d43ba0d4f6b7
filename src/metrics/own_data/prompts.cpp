#include "unlearn/metrics/own_data/prompts.h"

#include <algorithm>
#include <unordered_set>

#include "metrics/own_data/unicode_text.h"
#include "unlearn/core/strings.h"

namespace unlearn::metrics::own_data {
namespace {

bool is_gap(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// [begin, end) of the words between white space.
std::vector<std::pair<size_t, size_t>> word_ranges(std::string_view text) {
  std::vector<std::pair<size_t, size_t>> ranges;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && !is_gap(text[end])) ++end;
    if (end > i) ranges.emplace_back(i, end);
    i = end + 1;
  }
  return ranges;
}

// The first word begins small, unless it is a name or an acronym by its look: only English words
// that open questions and phrases are made small.
std::string begun_small(std::string_view text) {
  static const std::unordered_set<std::string> kOpeners = {
      "what",     "who",   "when",    "where", "which", "why",     "how",       "whose",
      "is",       "are",   "was",     "were",  "do",    "does",    "did",       "can",
      "could",    "has",   "have",    "had",   "will",  "would",   "tell",      "name",
      "give",     "in",    "on",      "at",    "for",   "of",      "to",        "as",
      "if",       "after", "before",  "since", "while", "during",  "according", "regarding",
      "given",    "under", "within",  "from",  "the",   "a",       "an",        "please",
      "describe", "list",  "explain", "by",    "with",  "because", "although",  "once",
      "until"};
  const size_t end = std::min(text.find_first_of(" ,?"), text.size());
  std::string result(text);
  const std::string first = to_lower(text.substr(0, end));
  if (kOpeners.contains(first)) result.replace(0, end, first);
  return result;
}

std::string begun_large(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
  return text;
}

std::string without_punctuation(std::string_view text) {
  // Marks at a word's end or begin go; those inside (dates, addresses) stay.
  std::string result;
  for (const auto& [begin, end] : word_ranges(text)) {
    std::string_view word = text.substr(begin, end - begin);
    const std::string_view marks = "?!.,;:\"()";
    const size_t first = word.find_first_not_of(marks);
    if (first == std::string_view::npos) continue;
    word = word.substr(first, word.find_last_not_of(marks) - first + 1);
    result += cat(result.empty() ? "" : " ", word);
  }
  return result;
}

// Where the last sentence begins; 0 for a single one.
size_t last_sentence(std::string_view text) {
  for (size_t i = text.size() < 3 ? 0 : text.size() - 3; i > 0; --i) {
    const bool ends = text[i] == '.' || text[i] == '!' || text[i] == '?';
    if (!ends || text[i + 1] != ' ') continue;
    // Not behind an initial ("J. Smith") or a title of up to three letters ("Dr. Voss").
    const size_t begin = text.rfind(' ', i);
    if (i - (begin == std::string_view::npos ? 0 : begin + 1) <= 3) continue;
    return i + 2;
  }
  return 0;
}

bool opens_phrase(std::string_view text) {
  static const std::unordered_set<std::string> kPhrases = {
      "in",        "on",       "at",     "for",    "of",         "as",     "if",
      "when",      "after",    "before", "since",  "while",      "during", "according",
      "regarding", "given",    "under",  "within", "from",       "by",     "with",
      "because",   "although", "once",   "until",  "concerning", "based"};
  return kPhrases.contains(to_lower(text.substr(0, std::min(text.find(' '), text.size()))));
}

// "" where there is nothing to move.
std::string moved_clauses(std::string_view text) {
  if (const size_t last = last_sentence(text); last > 0) {
    return cat(text.substr(last), " ", trim(text.substr(0, last)));
  }
  const size_t comma = text.find(", ");
  if (comma == std::string_view::npos || !opens_phrase(text)) return "";
  const std::string_view rest = text.substr(comma + 2);
  if (rest.find(", ") != std::string_view::npos || word_ranges(rest).size() < 2) return "";
  const size_t end = rest.find_last_not_of("?.! ");
  if (end == std::string_view::npos) return "";
  return cat(begun_large(std::string(rest.substr(0, end + 1))), ", ",
             begun_small(text.substr(0, comma)), trim(rest.substr(end + 1)));
}

}  // namespace

std::vector<Paraphrase> paraphrases(std::string_view question) {
  const std::string asked(trim(question));
  std::vector<Paraphrase> result;
  if (asked.empty()) return result;
  const auto add = [&](const char* rule, std::string text) {
    const bool known = text.empty() || text == asked ||
                       std::any_of(result.begin(), result.end(),
                                   [&](const Paraphrase& other) { return other.question == text; });
    if (!known) result.push_back({rule, std::move(text)});
  };
  add("lower_case", to_utf8(lower_case(compatible_form(asked))));
  add("no_punctuation", without_punctuation(asked));
  add("polite", cat("Could you please help me with this: ", begun_small(asked)));
  add("polite_after", cat(asked, " Thank you very much."));
  add("clauses", moved_clauses(asked));
  return result;
}

std::vector<AnswerStart> answer_starts(std::string_view answer, std::span<const int64_t> counts) {
  const auto words = word_ranges(answer);
  std::vector<AnswerStart> starts;
  for (const int64_t count : counts) {
    if (count < 1 || count >= static_cast<int64_t>(words.size())) continue;
    const size_t end = words[static_cast<size_t>(count - 1)].second;
    starts.push_back(
        {count, std::string(answer.substr(0, end)), std::string(trim(answer.substr(end)))});
  }
  return starts;
}

}  // namespace unlearn::metrics::own_data
