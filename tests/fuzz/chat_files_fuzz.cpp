// Where a model folder keeps its chat template and the special tokens that it names.
#include "fuzz.h"
#include "unlearn/data/chat_template.h"

FUZZ_TARGET(chat_files) {
  const auto folder = unlearn::fuzz::scratch_folder();
  const auto parts = unlearn::fuzz::parts_of(input, 3);
  const char* const names[] = {"tokenizer_config.json", "chat_template.json",
                               "special_tokens_map.json"};
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) {
      unlearn::fuzz::remove_scratch_file(names[i]);
    } else {
      unlearn::fuzz::scratch_file(names[i], parts[i]);
    }
  }
  if (const auto chat = unlearn::data::load_chat_template(folder)) {
    chat->prompt("Who?");
    chat->conversation("Who?", "Me.");
  }
}
