// Chat templates: the part of Jinja that model folders use, with the settings that transformers
// renders them with (trim_blocks, lstrip_blocks, an immutable sandbox).
//
// What is not known is refused by name and line (UserError), never skipped: tags other than for,
// if, set, macro, call, filter, break, continue, generation and raw; filters, tests, methods and
// functions that are not listed in src/jinja/functions.h; changing a list or a dictionary.
#pragma once

#include <memory>
#include <string>

#include "unlearn/core/json.h"

namespace unlearn::jinja {

struct Node;

class Template {
 public:
  // Reads a template; `name` (a file) stands in front of every error.
  Template(const std::string& source, std::string name);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  // The text for these variables, an object ("messages", "bos_token", …). UserError when the
  // template itself raises one (raise_exception), asks for something of an undefined value, or
  // would run or print without end.
  std::string render(const Json& variables) const;

 private:
  std::string name_;
  std::unique_ptr<Node> root_;
};

}  // namespace unlearn::jinja
