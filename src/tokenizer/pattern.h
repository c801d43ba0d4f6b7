// {"String": …} or {"Regex": …}: what Split and Replace look for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tokenizer/json_fields.h"
#include "tokenizer/regex.h"

namespace unlearn::tokenizer {

class Pattern {
 public:
  explicit Pattern(std::string literal) : literal_(std::move(literal)) {}
  explicit Pattern(Regex regex) : regex_(std::move(regex)) {}

  std::vector<Span> find_all(std::string_view text) const;
  // UserError "<where>: …" when the text grows beyond all measure (growth.h).
  std::string replace_all(std::string_view text, std::string_view content,
                          const std::string& where) const;

 private:
  std::string literal_;
  std::optional<Regex> regex_;
};

// Reads fields["pattern"] (and refuses group references in fields["content"], if any).
Pattern make_pattern(const Fields& fields);

}  // namespace unlearn::tokenizer
