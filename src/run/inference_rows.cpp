// The rows that score and generate read.
#include "unlearn/core/error.h"
#include "unlearn/core/plural.h"
#include "unlearn/run/inference.h"

namespace unlearn::run {
namespace {

constexpr int64_t kNoLimit = int64_t{1} << 30;

std::string text_of(const Json& row, const char* key) {
  if (!row.at(key).is_string()) user_error("field '", key, "' must be text");
  return row.at(key).get<std::string>();
}

// Token ids of a field; with `allow_ignored` also -100.
std::vector<int32_t> token_field(const Json& row, const std::string& key, int64_t vocab_size,
                                 bool allow_ignored) {
  const Json& list = row.at(key);
  if (!list.is_array() || list.empty()) user_error("field '", key, "' must be a list of token ids");
  std::vector<int32_t> ids;
  for (const Json& id : list) {
    const bool ignored = allow_ignored && id.is_number_integer() && id == data::kIgnored;
    if (!ignored && (!id.is_number_integer() || id < 0 || id >= vocab_size)) {
      user_error("field '", key, "': ", id.dump(), " is no token id (0 to ", vocab_size - 1,
                 allow_ignored ? ", or -100 for masked)" : ")");
    }
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

void check_ids(const std::vector<int32_t>& ids, int64_t vocab_size) {
  for (const int32_t id : ids) {
    if (id < vocab_size) continue;
    user_error("tokenizer/embedding mismatch: token id ", id, " but the model has ", vocab_size,
               " embeddings; take the tokenizer that belongs to the model");
  }
}

data::Example labelled_ids(const Json& row, int64_t vocab_size) {
  data::Example example;
  example.tokens = token_field(row, "input_ids", vocab_size, false);
  example.labels = token_field(row, "labels", vocab_size, true);
  if (example.tokens.size() != example.labels.size()) {
    user_error("input_ids has ", counted(example.tokens.size(), "entry", "entries"), ", labels ",
               example.labels.size());
  }
  for (size_t t = 0; t < example.tokens.size(); ++t) {
    if (example.labels[t] == data::kIgnored) continue;
    if (t == 0) user_error("labels[0] cannot be predicted; it must be -100");
    ++example.num_labels;
  }
  if (example.tokens.size() < 2) user_error("input_ids needs at least two tokens");
  return example;
}

data::Example read_example(const Json& row, const LoadedModel& loaded) {
  if (row.is_object() && row.contains("prompt") && row.contains("answer")) {
    return data::make_qa_example(loaded.text_tokenizer(), loaded.prompt_template,
                                 text_of(row, "prompt"), text_of(row, "answer"), kNoLimit);
  }
  if (row.is_object() && row.contains("text")) {
    return data::make_text_example(loaded.text_tokenizer(), text_of(row, "text"), 0);
  }
  if (row.is_object() && row.contains("input_ids") && row.contains("labels")) {
    return labelled_ids(row, loaded.model->dims().vocab_size);
  }
  user_error("needs {\"prompt\",\"answer\"}, {\"text\"} or {\"input_ids\",\"labels\"}");
}

}  // namespace

data::Example scored_example(const Json& row, const LoadedModel& loaded) {
  data::Example example = read_example(row, loaded);
  check_ids(example.tokens, loaded.model->dims().vocab_size);
  return example;
}

std::vector<int32_t> prompt_ids(const Json& row, const LoadedModel& loaded) {
  if (row.is_object() && row.contains("input_ids")) {
    return token_field(row, "input_ids", loaded.model->dims().vocab_size, false);
  }
  if (!row.is_object() || !row.contains("prompt") || !row.at("prompt").is_string()) {
    user_error("needs {\"prompt\": text} or {\"input_ids\": […]}");
  }
  auto ids = data::make_qa_prompt(loaded.text_tokenizer(), loaded.prompt_template,
                                  row.at("prompt").get<std::string>());
  if (ids.empty()) user_error("the prompt has no token");
  check_ids(ids, loaded.model->dims().vocab_size);
  return ids;
}

}  // namespace unlearn::run
