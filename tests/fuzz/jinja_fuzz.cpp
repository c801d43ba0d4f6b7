// A chat template, rendered for a short conversation.
#include "fuzz.h"
#include "unlearn/jinja/template.h"

FUZZ_TARGET(jinja) {
  static const unlearn::Json variables = unlearn::parse_json(
      R"({"messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": " Me. "}],
          "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": true, "tools": null,
          "enable_thinking": false, "numbers": [1, -2, 3.5], "map": {"a": 1, "b": "c"}})",
      "variables");
  const unlearn::jinja::Template parsed(std::string(input), "chat_template.jinja");
  parsed.render(variables);
}
