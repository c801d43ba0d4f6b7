// A regular expression with Oniguruma's meaning (what Hugging Face `tokenizers` uses) on PCRE2.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace unlearn::tokenizer {

struct Span {
  size_t begin = 0;
  size_t end = 0;
};

class Regex {
 public:
  // `where` names the part in the UserError of a pattern we cannot compile.
  Regex(const std::string& pattern, const std::string& where);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  // All matches from left to right, without overlap. `text` is valid UTF-8.
  std::vector<Span> find_all(std::string_view text) const;

  // The pattern that matches exactly `literal`.
  static std::string escape(std::string_view literal);

 private:
  struct Code;
  std::unique_ptr<Code> code_;
};

}  // namespace unlearn::tokenizer
