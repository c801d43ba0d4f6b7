#include "unlearn/core/pattern.h"

#include <algorithm>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "unlearn/core/error.h"

namespace unlearn {
namespace {

// What a Pattern holds.
struct Compiled {
  pcre2_code* code;
  std::string text, where;
};

// Patterns may come with an adapter of somebody else's; what people write takes a few hundred
// steps.
constexpr uint32_t kMaxSteps = 200'000;

}  // namespace

Pattern::Pattern(const std::string& text, const std::string& where) {
  int error = 0;
  PCRE2_SIZE position = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                   PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C,
                                   &error, &position, nullptr);
  if (code == nullptr) {
    PCRE2_UCHAR8 message[160] = {};
    pcre2_get_error_message(error, message, sizeof(message));
    user_error(where, ": '", text,
               "' is no regular expression: ", reinterpret_cast<const char*>(message),
               " at character ", position);
  }
  code_ = {new Compiled{code, text, where}, [](void* held) {
             auto* own = static_cast<Compiled*>(held);
             pcre2_code_free(own->code);
             delete own;
           }};
}

bool Pattern::matches(std::string_view name) const {
  const auto* own = static_cast<const Compiled*>(code_.get());
  const std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> data(
      pcre2_match_data_create_from_pattern(own->code, nullptr), pcre2_match_data_free);
  const std::unique_ptr<pcre2_match_context, void (*)(pcre2_match_context*)> limits(
      pcre2_match_context_create(nullptr), pcre2_match_context_free);
  UNLEARN_CHECK(data && limits, "no memory");
  pcre2_set_match_limit(limits.get(), kMaxSteps);
  const int result = pcre2_match(own->code, reinterpret_cast<PCRE2_SPTR>(name.data()), name.size(),
                                 0, 0, data.get(), limits.get());
  if (result < PCRE2_ERROR_NOMATCH) {
    user_error(own->where, ": the regular expression '", own->text, "' takes too many steps on '",
               name, "'");
  }
  return result >= 0;
}

std::vector<Pattern> make_patterns(const std::vector<std::string>& texts,
                                   const std::string& where) {
  std::vector<Pattern> patterns;
  for (const std::string& text : texts) patterns.emplace_back(text, where);
  return patterns;
}

bool any_matches(const std::vector<Pattern>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const Pattern& pattern) { return pattern.matches(name); });
}

}  // namespace unlearn
