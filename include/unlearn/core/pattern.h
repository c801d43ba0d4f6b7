// A user's regular expression over names (parameters, layers), in Perl's syntax, which Python's re
// (PEFT's and OpenUnlearning's patterns) shares for what such patterns use.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace unlearn {

class Pattern {
 public:
  // UserError that begins with `where` when `text` is no regular expression.
  Pattern(const std::string& text, const std::string& where);

  // Whether the whole of `name` matches (re.fullmatch); false, too, when PCRE2's limit on
  // backtracking is reached.
  bool matches(std::string_view name) const;

 private:
  std::shared_ptr<void> code_;  // pcre2_code
};

// One Pattern for each text, and whether one of them matches the whole of `name`.
std::vector<Pattern> make_patterns(const std::vector<std::string>& texts, const std::string& where);
bool any_matches(const std::vector<Pattern>& patterns, std::string_view name);

}  // namespace unlearn
