// unlearn tokenize: JSON lines on stdin to token ids, or back.
#include <iostream>

#include "commands/commands.h"
#include "commands/shared_flags.h"
#include "unlearn/core/error.h"
#include "unlearn/core/json.h"
#include "unlearn/run/output.h"
#include "unlearn/run/prompt_template.h"
#include "unlearn/tokenizer/tokenizer.h"

namespace unlearn::commands {
namespace {

Json encode_line(const tokenizer::Tokenizer& tok, const Json& row, bool add_special) {
  const Json* text = &row;
  if (row.is_object()) {
    const auto it = row.find("text");
    if (it == row.end()) user_error("needs a JSON string or {\"text\": …}");
    text = &*it;
  }
  if (!text->is_string()) user_error("needs a JSON string or {\"text\": …}");
  return {{"ids", tok.encode(text->get_ref<const std::string&>(), add_special)}};
}

Json decode_line(const tokenizer::Tokenizer& tok, const Json& row) {
  const auto it = row.is_object() ? row.find("ids") : row.end();
  if (!row.is_object() || it == row.end() || !it->is_array()) user_error("needs {\"ids\": […]}");
  std::vector<int32_t> ids;
  for (const Json& id : *it) {
    if (!id.is_number_integer() || id < 0 || id >= tok.vocab_size()) {
      user_error("ids must be whole numbers from 0 to ", tok.vocab_size() - 1, ", not ", id.dump());
    }
    ids.push_back(id.get<int32_t>());
  }
  return {{"text", tok.decode(ids, /*skip_special=*/false)}};
}

}  // namespace

int run_tokenize(std::vector<std::string> arguments) {
  SharedFlags flags;
  bool decode = false;
  bool add_special = false;
  cli::Flags app("text on stdin to token ids, or back", "tokenize",
                 "echo '{\"text\": \"Hello\"}' | unlearn tokenize --model DIR");
  app.add_option("--model", flags.model,
                 "folder with tokenizer.json, tokenizer.model, or vocab.json and merges.txt")
      .required();
  app.add_flag("--decode", decode, "{\"ids\":[…]} lines to {\"text\":…} lines");
  app.add_flag("--add-special", add_special, "add what the tokenizer adds by itself (BOS)");
  std::string rules = "auto";
  add_tokenizer_flag(app, rules);
  add_log_flags(app, flags);
  if (!parse(app, std::move(arguments), flags)) return 0;

  run::check_not_input("--output", "", {{"--model", flags.model}, {"stdin", "/dev/stdin"}});
  const auto asked = config::value_in(run::kTokenizerRules, rules);
  const auto tok = tokenizer::load_tokenizer(flags.model, run::resolve_rules(asked, flags.model));
  std::string line;
  for (int64_t row = 0; std::getline(std::cin, line);) {
    if (trim(line).empty()) continue;
    const std::string where = cat("stdin: row ", row++);
    const Json value = parse_json(line, where);
    try {
      std::cout
          << (decode ? decode_line(*tok, value) : encode_line(*tok, value, add_special)).dump()
          << '\n';
    } catch (const UserError& error) {
      user_error(where, ": ", error.what());
    }
  }
  return 0;
}

}  // namespace unlearn::commands
