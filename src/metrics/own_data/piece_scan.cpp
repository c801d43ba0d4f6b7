#include "metrics/own_data/piece_scan.h"

#include <algorithm>
#include <unordered_set>

#include "metrics/own_data/number_forms.h"
#include "unlearn/core/strings.h"
#include "unlearn/metrics/stemmer.h"

namespace unlearn::metrics::own_data {
namespace {

const std::string kPartMark = "#";   // no word's key begins with it
constexpr int64_t kNameLetters = 4;  // of a single word of a longer name
constexpr int64_t kRareLetters = 5;
constexpr int64_t kRareOneIn = 1000;  // a rare word stands in one of so many other texts, at most

using Tokens = std::vector<Token>;

bool is_name_word(const Token& token) {
  return token.shape == Shape::kWord && token.capital && !is_common_word(token.key);
}

// One more than the last token of the name that begins at `first`: capitalised words, with small
// words of names ("van der") between them.
size_t name_end(const Tokens& tokens, size_t first) {
  static const std::unordered_set<std::string> kInside = {
      "of", "von", "van", "der", "den", "de", "da", "do", "dos", "del", "la", "le", "al", "bin"};
  size_t end = first + 1;
  for (size_t i = end; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.opens || token.gap != " ") break;
    if (is_name_word(token)) {
      end = i + 1;
    } else if (!kInside.contains(token.key)) {
      break;
    }
  }
  return end;
}

bool is_day(const Token& token) {
  return token.shape == Shape::kNumber && token.key.size() <= 4 && token.key.front() >= '0' &&
         token.key.front() <= '3';
}
bool is_year(const Token& token) {
  return token.shape == Shape::kNumber && token.key.size() == 4 &&
         token.key.find_first_not_of("0123456789") == std::string::npos;
}
// "3rd" as "3".
std::string day_of(const Token& token) {
  return token.key.substr(0, std::min(token.key.find_first_not_of("0123456789"), token.key.size()));
}

// A date with its month in words: how many tokens it takes from `i`, 0 for none.
size_t written_date(const Tokens& tokens, size_t i, std::vector<std::string>& keys) {
  const bool of = i + 1 < tokens.size() && tokens[i + 1].key == "of";
  const size_t second = of ? i + 2 : i + 1;
  if (second >= tokens.size()) return 0;
  const bool day_first = is_day(tokens[i]) && is_month(tokens[second].key);
  const bool month_first = !of && is_month(tokens[i].key) && tokens[i].capital &&
                           is_day(tokens[second]) && !is_year(tokens[second]);
  if (!day_first && !month_first) return 0;
  const size_t end = second + 1;
  const bool dated = end < tokens.size() && is_year(tokens[end]) && !tokens[end].opens;
  add_date_keys(day_of(tokens[day_first ? i : second]),
                month_number(tokens[day_first ? second : i].key), dated ? tokens[end].key : "",
                keys);
  return end - i + (dated ? 1 : 0);
}

std::string written(const Tokens& tokens, size_t begin, size_t end) {
  std::string text;
  for (size_t i = begin; i < end; ++i) text += (i > begin ? tokens[i].gap : "") + tokens[i].text;
  return text;
}

class Scan {
 public:
  Scan(const RowText& row, const Occurrences& all, const PieceOptions& options)
      : tokens_(tokens_of(row.answer)),
        asked_(row.question),
        all_(all),
        options_(options),
        common_(std::max<int64_t>(
            2, static_cast<int64_t>(options.common_share * static_cast<double>(all.texts() - 1)))) {
  }

  std::vector<ScannedPiece> run() {
    for (size_t i = 0; i < tokens_.size();) i = at(i);
    if (found_.empty() || all_.texts() - 1 >= options_.rare_needs) add_rare();
    std::stable_sort(found_.begin(), found_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<ScannedPiece> pieces;
    for (auto& [place, piece] : found_) pieces.push_back(std::move(piece));
    return pieces;
  }

 private:
  // Looks at the token; the next one to look at.
  size_t at(size_t i) {
    std::vector<std::string> keys;
    if (const size_t length = written_date(tokens_, i, keys); length > 0) {
      add(i, i + length, PieceKind::kNumber, std::move(keys), common_);
      return i + length;
    }
    const Token& token = tokens_[i];
    if (token.shape == Shape::kContact) add(i, i + 1, PieceKind::kContact, {token.key}, common_);
    if (token.shape == Shape::kNumber && code_points(token.key) >= 2) add_number(i);
    if (!is_name_word(token)) return i + 1;
    const size_t end = name_end(tokens_, i);
    // A capital at a sentence's begin makes no name of a single word.
    if (end > i + 1 || !token.opens) add_name(i, end);
    return end;
  }

  void add_number(size_t i) {
    const Token& token = tokens_[i];
    std::vector<std::string> keys = {token.key};
    for (std::string& key : numeric_date(token.text)) add_new(keys, std::move(key));
    const bool is_date = keys.size() > 1;
    if (const std::string amount = before_cents(token.text); !amount.empty()) {
      add_new(keys, amount);
    }
    const size_t known = found_.size();
    add(i, i + 1, PieceKind::kNumber, std::move(keys), common_);
    if (is_date || found_.size() == known) return;
    for (std::string& part : number_parts(token.key)) {
      const bool is_asked = asked_.joined().find(part) != std::string::npos;
      if (!is_asked && all_.rows_with_part(part) <= 1) {
        found_.back().second.piece.parts.push_back(std::move(part));
      }
    }
  }

  void add_name(size_t begin, size_t end) {
    std::string key;
    for (size_t i = begin; i < end; ++i) key += tokens_[i].key;
    add(begin, end, PieceKind::kName, {key}, common_);
    for (size_t i = begin; end - begin > 1 && i < end; ++i) {
      if (is_name_word(tokens_[i]) && code_points(tokens_[i].key) >= kNameLetters) {
        add(i, i + 1, PieceKind::kName, {tokens_[i].key}, 0, /*of_name=*/true);
      }
    }
  }

  void add_rare() {
    for (size_t i = 0; i < tokens_.size(); ++i) {
      const Token& token = tokens_[i];
      if (token.shape != Shape::kWord || is_common_word(token.key)) continue;
      if (code_points(token.key) < (token.unspaced ? 2 : kRareLetters)) continue;
      add(i, i + 1, PieceKind::kRare, {token.key}, (all_.texts() - 1) / kRareOneIn);
    }
  }

  void add(size_t begin, size_t end, PieceKind kind, std::vector<std::string> keys, int64_t most,
           bool of_name = false) {
    ScannedPiece scanned;
    scanned.of_name = of_name;
    for (size_t i = begin; i < end; ++i) scanned.words.push_back(counted_form(tokens_[i].key));
    scanned.others = all_.others(scanned.words);
    if (scanned.others > most) return;
    if (std::string other = digraph_key(written(tokens_, begin, end)); !other.empty()) {
      add_new(keys, std::move(other));
    }
    for (const std::string& key : keys) {
      if (key.empty() || asked_.holds(key) || !known_.insert(key).second) return;
    }
    scanned.piece = {written(tokens_, begin, end), kind, std::move(keys)};
    found_.emplace_back(begin, std::move(scanned));
  }

  Tokens tokens_;
  Searched asked_;
  const Occurrences& all_;
  const PieceOptions& options_;
  int64_t common_;
  std::unordered_set<std::string> known_;
  std::vector<std::pair<size_t, ScannedPiece>> found_;
};

int64_t rarest(const std::unordered_map<std::string, int64_t>& counts,
               const std::vector<std::string>& words) {
  int64_t least = INT64_MAX;
  for (const std::string& word : words) {
    const auto found = counts.find(word);
    least = std::min(least, found == counts.end() ? 0 : found->second);
  }
  return words.empty() ? 0 : least;
}

}  // namespace

Occurrences::Occurrences(std::span<const RowText> forget, std::span<const RowText> retain,
                         std::span<const std::string> general)
    : texts_(static_cast<int64_t>(forget.size() + retain.size() + general.size())) {
  for (const std::span<const RowText> rows : {forget, retain}) {
    for (const RowText& row : rows) count(row.question + "\n" + row.answer, rows_);
  }
  for (const std::string& text : general) count(text, general_);
}

void Occurrences::count(const std::string& text, std::unordered_map<std::string, int64_t>& counts) {
  std::unordered_set<std::string> here;
  for (const Token& token : tokens_of(text)) {
    std::string word = counted_form(token.key);
    if (token.shape == Shape::kWord && !token.capital) small_.insert(word);
    if (token.shape == Shape::kNumber) {
      for (const std::string& part : number_parts(token.key)) here.insert(kPartMark + part);
    }
    here.insert(std::move(word));
  }
  for (const std::string& word : here) ++counts[word];
}

int64_t Occurrences::others(const std::vector<std::string>& words) const {
  const int64_t rows = rarest(rows_, words);
  return std::max<int64_t>(0, rows - 1) + in_general(words);
}

int64_t Occurrences::rows_with_part(const std::string& part) const {
  const auto found = rows_.find(kPartMark + part);
  return found == rows_.end() ? 0 : found->second;
}

int64_t Occurrences::in_general(const std::vector<std::string>& words) const {
  return rarest(general_, words);
}

std::string counted_form(const std::string& key) {
  const bool plain =
      std::all_of(key.begin(), key.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  return plain && key.size() > 3 ? porter_stem(key) : key;
}

std::vector<ScannedPiece> scan_pieces(const RowText& row, const Occurrences& all,
                                      const PieceOptions& options) {
  return Scan(row, all, options).run();
}

}  // namespace unlearn::metrics::own_data
