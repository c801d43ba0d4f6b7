// Chat templates against transformers' own rendering (scripts/goldens/jinja.py).
#include "unlearn/jinja/template.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "unlearn/core/error.h"

namespace unlearn::jinja {
namespace {

const std::filesystem::path kGoldens = std::filesystem::path(UNLEARN_TEST_DIR) / "golden/jinja";

// The text, or nullopt where the template is refused.
std::optional<std::string> rendered(const std::string& source, const Json& variables) {
  try {
    return Template(source, "t").render(variables);
  } catch (const UserError&) {
    return std::nullopt;
  }
}

void expect_text(const std::string& source, const Json& golden) {
  const auto text = rendered(source, golden["variables"]);
  if (golden["text"].is_null()) {
    EXPECT_FALSE(text) << source << "\n" << golden["variables"] << "\ngave " << *text;
  } else {
    ASSERT_TRUE(text) << source << "\n" << golden["variables"];
    EXPECT_EQ(*text, golden["text"].get<std::string>()) << source;
  }
}

TEST(GoldenJinja, FamiliesTemplates) {
  const Json golden = read_json(kGoldens / "chat.json");
  ASSERT_GE(golden["cases"].size(), 400U);
  for (const Json& item : golden["cases"]) {
    expect_text(golden["templates"][item["template"].get<std::string>()], item);
  }
}

TEST(GoldenJinja, Language) {
  for (const Json& item : read_json(kGoldens / "language.json")) {
    expect_text(item["template"], item);
  }
}

std::string error_of(const std::string& source) {
  try {
    Template(source, "chat_template.jinja").render(Json::object());
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(Jinja, ErrorsNameTheLineAndTheThing) {
  EXPECT_EQ(error_of("a\n{% include 'x' %}").find("chat_template.jinja: line 2: the tag 'include'"),
            0U);
  EXPECT_NE(
      error_of("\n\n{{ 1 | shuffle }}").find("line 3: the filter 'shuffle' is not known here"),
      std::string::npos);
  EXPECT_NE(error_of("{{ nobody.name }}").find("undefined 'nobody' has no attribute 'name'"),
            std::string::npos);
  EXPECT_NE(error_of("{{ raise_exception('only two roles') }}").find("only two roles"),
            std::string::npos);
  EXPECT_NE(error_of("{% set d = {} %}{{ d.update({}) }}").find("would change a dictionary"),
            std::string::npos);
  EXPECT_NE(error_of("{% for x in y").find("the tag does not end"), std::string::npos);
  EXPECT_NE(error_of("{{ 'a }}").find("the string does not end"), std::string::npos);
}

// Somebody else's template may not hang or fill the memory.
TEST(Jinja, BytesThatAreNoTextAreRefused) {
  EXPECT_THROW(Template("{{ '\xE2' | tojson }}", "t"), UserError);
}

TEST(Jinja, EndsInBoundedTimeAndSpace) {
  EXPECT_NE(error_of("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}")
                .find("does not come to an end"),
            std::string::npos);
  EXPECT_NE(error_of("{% set x = 'aaaaaaaaaa' * 9999999 %}").find("too large"), std::string::npos);
  EXPECT_NE(error_of("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}").find("nested too deeply"),
            std::string::npos);
  EXPECT_NE(error_of("{{ " + std::string(5000, '(') + "1" + std::string(5000, ')') + " }}")
                .find("nested too deeply"),
            std::string::npos);
  EXPECT_NE(error_of("{% set ns = namespace() %}{% for i in [1] %}{% macro f() %}x{% endmacro %}"
                     "{% set ns.f = f %}{% endfor %}{{ ns.f() }}")
                .find("its names are gone"),
            std::string::npos);
}

std::string text_of(const std::string& source) {
  return Template(source, "t").render(Json::object());
}

TEST(Jinja, NumbersThatAreTooLarge) {
  EXPECT_EQ(text_of("{{ 1e999 }} {{ -1e999 }} {{ 1e-999 }}"), "inf -inf 0.0");  // as jinja2 3.1
  EXPECT_NE(error_of("{{ 'a'.split('a', 1e300) }}").find("a whole number is needed, not a float"),
            std::string::npos);
  EXPECT_NE(error_of("{{ 'a'.replace('a', 'b', 1e300) }}").find("a whole number is needed"),
            std::string::npos);
  EXPECT_NE(error_of("{{ [1] | tojson(indent=10 * 1000000000) }}").find("indent must be from 0 to"),
            std::string::npos);
  const std::string most = "(" + std::string(18, '9') + " * 9)";
  EXPECT_NE(error_of("{{ range(0, " + most + ", " + most + ") }}").find("too large"),
            std::string::npos);
  EXPECT_EQ(text_of("{{ 'abc'[::" + most + "] }}{{ 'abc'[::-" + most + "] }}"), "ac");
}

// Each of these is a few dozen bytes, and without limits takes the stack, gigabytes or hours.
TEST(Jinja, ValuesThatGrow) {
  const std::string loop = "{% set ns = namespace(x=[1]) %}{% for i in range(100000) %}";
  for (const std::string& source : {
           loop + "{% set ns.x = [ns.x] %}{% endfor %}",
           loop + "{% set ns.x = {'a': ns.x} %}{% endfor %}{{ ns.x | tojson }}",
           loop + "{% set ns.f = ns['get'] %}{% endfor %}",
           loop + "{% set ns.x = [ns.x, ns.x] %}{% endfor %}",
           loop + "{% if ('a' * 9999999) %}{% endif %}{% endfor %}",
           loop + "{{ range(99999) | length }}{% endfor %}",
           std::string("{{ (['a'] * 9999) | join('y' * 9999) }}"),
           std::string("{{ ('y' * 9999).join(['a'] * 9999) }}"),
           std::string("{{ ('a' * 9999) | replace('a', 'y' * 9999) }}"),
           std::string("{{ ('a' * 9999) | replace('', 'y' * 9999) }}"),
           std::string("{{ ('a\n' * 9999) | indent('y' * 9999) }}"),
           std::string("{{ [['a'] * 20000] | tojson(indent=1000) }}"),
           std::string("{{ (range(99999) | list) | unique | list }}"),
           std::string("{{ ['a' * 9999] * 9999 }}"),
       }) {
    EXPECT_NE(error_of(source), "") << source;
  }
  EXPECT_NE(error_of("{% set ns = namespace() %}{% set ns.x = [ns] %}").find("kept in a namespace"),
            std::string::npos);
}

}  // namespace
}  // namespace unlearn::jinja
