#include "data/overlap.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>

#include "data/row_texts.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/data/row_file.h"
#include "unlearn/data/rows.h"

namespace unlearn::data {
namespace fs = std::filesystem;
namespace {

constexpr size_t kNamed = 5;  // pairs that a message names

// Where the same text stands: index pairs, each first index once.
using Pairs = std::vector<std::pair<size_t, size_t>>;

std::string name_of(const Split& split, size_t index) {
  if (!split.rows_of_chunks.empty()) return cat("row ", split.rows_of_chunks[index]);
  return cat(split.is_chunked ? "chunk " : "row ", split.examples[index].row);
}

std::string listed(const std::vector<std::string>& names) {
  const size_t shown = std::min(kNamed, names.size());
  std::string text = join({names.begin(), names.begin() + static_cast<int64_t>(shown)}, ", ");
  if (names.size() > shown) text += cat(" and ", names.size() - shown, " more");
  return text;
}

void refuse_overlap(const DataConfig& config, const fs::path& forget, const fs::path& retain,
                    const std::vector<std::string>& names) {
  const std::string what =
      cat("what is to be forgotten is also to be kept: of ", forget.string(), " and ",
          retain.string(), " ", listed(names), " (", names.size(), " in all)");
  if (config.drop_overlap) {
    log::warn("data.forget: ", what, "; taken out of what is kept (data.drop_overlap)");
  } else if (config.allow_overlap) {
    log::warn("data.forget: ", what, " (data.allow_overlap)");
  } else {
    user_error("data.forget: ", what, "; take them out of one file, or set data.drop_overlap: true",
               " (out of what is kept) or data.allow_overlap: true");
  }
}

// Texts of one side, found by their text.
class TextIndex {
 public:
  TextIndex(const Split& split, const tokenizer::Tokenizer& tok)
      : split_(split), tok_(tok), hashes_(text_hashes(split.examples, tok)) {
    for (size_t i = 0; i < hashes_.size(); ++i) places_.try_emplace(hashes_[i], i);
  }
  // The first example of the same text.
  std::optional<size_t> find(const Example& example, size_t hash) const {
    const auto found = places_.find(hash);
    if (found == places_.end()) return std::nullopt;
    const bool same = text_of(example, tok_) == text_of(split_.examples[found->second], tok_);
    return same ? std::optional(found->second) : std::nullopt;
  }
  const std::vector<size_t>& hashes() const { return hashes_; }

 private:
  const Split& split_;
  const tokenizer::Tokenizer& tok_;
  std::vector<size_t> hashes_;
  std::unordered_map<size_t, size_t> places_;
};

// For each example of `split` the first of `other` with the same text.
Pairs common_examples(const Split& split, const Split& other, const tokenizer::Tokenizer& tok) {
  const TextIndex index(other, tok);
  const std::vector<size_t> hashes = text_hashes(split.examples, tok);
  Pairs pairs;
  for (size_t i = 0; i < hashes.size(); ++i) {
    if (const auto found = index.find(split.examples[i], hashes[i])) pairs.emplace_back(i, *found);
  }
  return pairs;
}

// Which examples of `retain` have a row (of the whole file: a chunk) with a common text.
std::vector<char> rows_with(const Split& retain, const Pairs& common) {
  std::set<int64_t> rows;
  const auto row_of = [&](size_t i) {
    return retain.rows_of_chunks.empty() ? retain.examples[i].row : retain.rows_of_chunks[i];
  };
  for (const auto& [index, other] : common) rows.insert(row_of(index));
  std::vector<char> is_common;
  for (size_t i = 0; i < retain.examples.size(); ++i) {
    is_common.push_back(rows.contains(row_of(i)) ? 1 : 0);
  }
  return is_common;
}

// Lines long enough to be no headings and separators.
bool is_statement(const std::string& line) {
  constexpr size_t kBytes = 20;
  constexpr int64_t kSpaces = 3;
  return line.size() >= kBytes && std::count(line.begin(), line.end(), ' ') >= kSpaces;
}

// visit(normalised line, "line 3" or "row 3") for every such line of a file of people's own texts.
void for_each_line(const std::string& text_key, const fs::path& file,
                   const std::function<void(std::string, const std::string&)>& visit) {
  const auto visit_lines = [&](const std::string& text, const std::optional<int64_t>& row) {
    int64_t number = 0;
    for (const std::string& line : split(text, '\n')) {
      ++number;
      std::string plain = normalised(line);
      if (is_statement(plain)) {
        visit(std::move(plain), row ? cat("row ", *row) : cat("line ", number));
      }
    }
  };
  if (!is_row_name(file)) return visit_lines(read_plain_text(file, text_key), {});
  for_each_data_row(file, [&](int64_t row, const Json& value) {
    const Json& text = value.is_object() ? value.at(text_key) : value;
    visit_lines(text.get<std::string>(), row);
  });
}

std::vector<std::string> common_lines(const DataConfig& config, const fs::path& forget,
                                      const fs::path& retain) {
  std::unordered_map<std::string, std::string> places;
  for_each_line(keys_of(config, "forget").text_key, forget,
                [&](std::string line, const std::string& place) {
                  places.try_emplace(std::move(line), place);
                });
  std::vector<std::string> names;
  for_each_line(keys_of(config, "retain").text_key, retain,
                [&](const std::string& line, const std::string& place) {
                  const auto found = places.find(line);
                  if (found == places.end()) return;
                  names.push_back(cat(found->second, " = ", place));
                  places.erase(found);
                });
  return names;
}

}  // namespace

std::vector<char> check_overlap(const SplitSource& source, const Layout& layout,
                                const Split& forget, const Split& retain) {
  const DataConfig& config = source.config;
  std::vector<std::string> names;
  for (const auto& [first, second] : common_examples(forget, retain, source.tok)) {
    std::string name = cat(name_of(forget, first), " = ", name_of(retain, second));
    if (names.empty() || names.back() != name) names.push_back(std::move(name));  // chunks of a row
  }
  std::vector<char> is_common;
  if (names.empty() && layout.compares_lines) {
    names = common_lines(config, forget.file, retain.file);
    if (!names.empty() && config.drop_overlap) {
      user_error("data.drop_overlap: ", forget.file.string(), " and ", retain.file.string(),
                 " share lines (", listed(names), "), not whole rows; take them out of one file");
    }
  } else if (!names.empty() && config.drop_overlap) {
    is_common = rows_with(retain, common_examples(retain, forget, source.tok));
  }
  if (!names.empty()) refuse_overlap(config, forget.file, retain.file, names);
  return is_common;
}

void check_repeats(const SplitSource& source, const Layout& layout, const Split& forget) {
  const std::vector<size_t> first = first_of_same_text(forget, source.tok);
  const std::vector<size_t> begins = unit_begins(forget);
  std::vector<std::string> names;
  for (size_t unit = 0; unit < first.size(); ++unit) {
    if (first[unit] == unit) continue;
    names.push_back(
        cat(name_of(forget, begins[unit]), " = ", name_of(forget, begins[first[unit]])));
  }
  if (names.empty()) return;
  const std::string what =
      cat("data.forget: ", forget.file.string(), " repeats itself: ", listed(names), " (",
          names.size(), " of ", first.size(), ")");
  const char* twice = "what stands twice is trained on twice";
  const bool has_rows = !forget.is_chunked || !forget.rows_of_chunks.empty();
  if (!layout.refuses_repeats || !has_rows || source.config.allow_overlap) {
    log::warn(what, "; ", twice);
    return;
  }
  user_error(what, "; take them out of the file, or set data.allow_overlap: true (", twice, ")");
}

}  // namespace unlearn::data
