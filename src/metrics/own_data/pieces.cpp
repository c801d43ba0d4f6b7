#include "unlearn/metrics/own_data/pieces.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "metrics/own_data/piece_scan.h"
#include "metrics/own_data/text.h"
#include "unlearn/core/error.h"

namespace unlearn::metrics::own_data {
namespace {

constexpr int64_t kRowsOfLeak = 2;  // what more rows hold does not say whose data it is

bool any_key_in(const Piece& piece, const Searched& text) {
  return std::any_of(piece.keys.begin(), piece.keys.end(),
                     [&](const std::string& key) { return text.holds(key); });
}

bool any_part_in(const Piece& piece, const Searched& text, const Searched& known) {
  const auto in = [](const Searched& where, const std::string& part) {
    return where.joined().find(part) != std::string::npos;
  };
  return std::any_of(piece.parts.begin(), piece.parts.end(),
                     [&](const std::string& part) { return in(text, part) && !in(known, part); });
}

// A year anyone may name.
bool is_plain_year(const std::string& key) {
  return key.size() == 4 && (key.starts_with("19") || key.starts_with("20")) &&
         key.find_first_not_of("0123456789") == std::string::npos;
}

// Whether a piece in another row's output says that this row's data got there.
bool says_whose(const ScannedPiece& scanned, const Occurrences& all) {
  const Piece& piece = scanned.piece;
  // A word of a longer name may be any word ("Tiny" of a title).
  if (piece.kind == PieceKind::kRare || scanned.of_name) return false;
  if (scanned.others > kRowsOfLeak - 1) return false;
  const bool single = piece.kind == PieceKind::kName && scanned.words.size() == 1;
  if (single && all.is_ordinary(scanned.words.front())) return false;
  if (piece.kind == PieceKind::kNumber) {
    const std::string& key = piece.keys.front();
    if (code_points(key) < 4 || is_plain_year(key)) return false;
  }
  return all.in_general(scanned.words) == 0;
}

// Whether an answer, given to another question, can only be that row's.
bool is_own_sentence(const std::string& answer) {
  constexpr size_t kWords = 3;
  constexpr int64_t kCharacters = 12;
  const std::vector<std::string> words = words_of(answer);
  const bool telling = std::any_of(words.begin(), words.end(),
                                   [](const std::string& word) { return !is_common_word(word); });
  return telling && words.size() >= kWords && code_points(key_of(answer)) >= kCharacters;
}

}  // namespace

const char* piece_kind_name(PieceKind kind) {
  switch (kind) {
    case PieceKind::kNumber:
      return "number";
    case PieceKind::kContact:
      return "address";
    case PieceKind::kName:
      return "name";
    case PieceKind::kRare:
      return "word";
    case PieceKind::kAnswer:
      return "answer";
  }
  UNLEARN_CHECK(false, "piece kind ", static_cast<int>(kind));
}

std::vector<std::vector<Piece>> distinguishing_pieces(std::span<const RowText> forget,
                                                      std::span<const RowText> retain,
                                                      std::span<const std::string> general,
                                                      const PieceOptions& options) {
  const Occurrences all(forget, retain, general);
  std::vector<std::vector<Piece>> rows;
  for (const RowText& row : forget) {
    auto& pieces = rows.emplace_back();
    for (ScannedPiece& scanned : scan_pieces(row, all, options)) {
      scanned.piece.telling = says_whose(scanned, all);
      pieces.push_back(std::move(scanned.piece));
    }
  }
  return rows;
}

std::vector<Piece> reappearing(std::span<const Piece> pieces, std::string_view output,
                               std::string_view asked) {
  const Searched said(output), known(asked);
  std::vector<Piece> found;
  for (const Piece& piece : pieces) {
    if (any_key_in(piece, known)) continue;
    if (any_key_in(piece, said) || any_part_in(piece, said, known)) found.push_back(piece);
  }
  return found;
}

bool holds_answer(std::string_view output, std::string_view answer) {
  return Searched(output).holds(key_of(answer));
}

LeakFinder::LeakFinder(std::span<const RowText> forget, std::span<const RowText> retain,
                       std::span<const std::string> general)
    : forget_(forget.begin(), forget.end()) {
  const Occurrences all(forget, retain, general);
  std::unordered_map<std::string, int64_t> answers;
  for (const RowText& row : forget) ++answers[key_of(row.answer)];
  for (const RowText& row : retain) ++answers[key_of(row.answer)];
  const auto add = [&](std::span<const RowText> rows, bool of_retain) {
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      for (ScannedPiece& scanned : scan_pieces(rows[i], all, {})) {
        if (!says_whose(scanned, all)) continue;
        Piece& piece = scanned.piece;
        pieces_.push_back(
            {{std::move(piece.text), piece.kind, of_retain, row}, std::move(piece.keys)});
      }
      const std::string key = key_of(rows[i].answer);
      if (answers.at(key) <= kRowsOfLeak && is_own_sentence(rows[i].answer)) {
        pieces_.push_back({{rows[i].answer, PieceKind::kAnswer, of_retain, row}, {key}});
      }
    }
  };
  add(forget, false);
  add(retain, true);
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const Owned& owned = pieces_[i];
    for (const std::string& key : owned.keys) by_key_.emplace(key, i);
    if (owned.leak.kind == PieceKind::kAnswer || is_unspaced_key(owned.keys.front())) {
      searched_.push_back(i);
    }
  }
}

std::vector<Leak> LeakFinder::find(int64_t row, std::string_view output,
                                   std::string_view asked) const {
  UNLEARN_CHECK(row >= 0 && row < static_cast<int64_t>(forget_.size()), "row ", row);
  const RowText& own = forget_[static_cast<size_t>(row)];
  const Searched said(output), known(cat(asked, "\n", own.question, "\n", own.answer));
  std::set<size_t> there;
  for (const std::string& key : said.keys()) {
    const auto [begin, end] = by_key_.equal_range(key);
    for (auto found = begin; found != end; ++found) there.insert(found->second);
  }
  for (const size_t i : searched_) {
    if (said.joined().find(pieces_[i].keys.front()) != std::string::npos) there.insert(i);
  }
  std::vector<Leak> leaks;
  for (const size_t i : there) {
    const Owned& owned = pieces_[i];
    const bool is_own = !owned.leak.of_retain && owned.leak.row == row;
    const bool is_known = std::any_of(owned.keys.begin(), owned.keys.end(),
                                      [&](const std::string& key) { return known.holds(key); });
    if (!is_own && !is_known) leaks.push_back(owned.leak);
  }
  return leaks;
}

}  // namespace unlearn::metrics::own_data
