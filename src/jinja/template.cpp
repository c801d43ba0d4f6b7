#include "unlearn/jinja/template.h"

#include "jinja/interpreter.h"
#include "jinja/parser.h"
#include "jinja/value.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::jinja {

Template::Template(const std::string& source, std::string name) : name_(std::move(name)) {
  if (!is_valid_utf8(source)) user_error(name_, ": not valid UTF-8");
  try {
    root_ = parse(source);
  } catch (const UserError& error) {
    user_error(name_, ": ", error.what());
  }
}

Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

std::string Template::render(const Json& variables) const {
  const WorkLimit limit;
  try {
    return run(*root_, *Value::from_json(variables).dict());
  } catch (const UserError& error) {
    user_error(name_, ": ", error.what());
  }
}

}  // namespace unlearn::jinja
