// MUSE's folders (swj0419/muse_bench, load_data.py and baselines/baselines/dataset.py).
#include <algorithm>
#include <limits>

#include "benchmarks/muse/module.h"
#include "unlearn/core/error.h"
#include "unlearn/core/text_file.h"
#include "unlearn/data/examples.h"
#include "unlearn/data/rows.h"

namespace unlearn::benchmarks::muse {
namespace fs = std::filesystem;
namespace {

using data::Example;

// "news" -> news/raw/forget, "news/retain1" -> news/raw/retain1, "news/sust/forget_2" as it is.
fs::path path_of_split(const std::string& split) {
  const fs::path path(split);
  const auto parts = std::distance(path.begin(), path.end());
  if (parts == 1) return path / "raw" / "forget";
  if (parts == 2) return path.parent_path() / "raw" / path.filename();
  return path;
}

Example ids_example(const Json& ids, int64_t max_length) {
  Example example;
  for (const Json& id : ids) {
    if (!id.is_number_integer() || id < 0 || id > std::numeric_limits<int32_t>::max()) {
      user_error("'input_ids' must hold token ids, not ", id.dump());
    }
    if (static_cast<int64_t>(example.tokens.size()) == max_length) break;
    example.tokens.push_back(id.get<int32_t>());
  }
  if (example.tokens.size() < 2) user_error("'input_ids' holds fewer than two tokens");
  example.labels = example.tokens;
  example.labels.front() = data::kIgnored;
  example.num_labels = static_cast<int64_t>(example.tokens.size()) - 1;
  return example;
}

Example json_example(const Json& value, const tokenizer::Tokenizer& tok, int64_t max_length) {
  if (value.is_object() && value.contains("input_ids") && value["input_ids"].is_array()) {
    return ids_example(value["input_ids"], max_length);
  }
  const std::string text = value.is_object() ? data::text_field(value, "text")
                                             : data::text_field(Json{{"text", value}}, "text");
  return data::make_text_example(tok, text, max_length);
}

// A split is CORPUS (its raw/forget), CORPUS/NAME (raw/NAME) or CORPUS/FOLDER/NAME, as "news",
// "books/retain1", "news/scal/forget_2"; below the root or its data/. NAME.txt is taken before
// NAME.json.
fs::path split_file(const data::DataConfig& config, const std::string& split,
                    const std::string& what) {
  const std::string& root = config.root;
  std::error_code ignored;
  if (split.empty()) user_error("data.", what, ": give a split such as news, books or a file");
  if (fs::is_regular_file(split, ignored)) return split;
  if (root.empty()) user_error("no data folder: give --data DIR or data.root in the config");
  if (!fs::is_directory(root, ignored)) user_error("data.root: ", root, " is not a folder");
  const fs::path inside = path_of_split(split);
  for (const fs::path& folder : {fs::path(root), fs::path(root) / "data"}) {
    for (const char* extension : {".txt", ".json", ""}) {
      const fs::path file = folder / (inside.string() + extension);
      if (fs::is_regular_file(file, ignored)) return file;
    }
  }
  user_error("data.", what, ": ", (fs::path(root) / inside).string(),
             ".txt not found (nor .json); use news, books, news/retain1, news/scal/forget_2, "
             "news/sust/forget_2, … or a file");
}

// "news/scal/forget_2" -> "news/retain1".
std::string retain_split(const data::DataConfig& config) {
  const std::string& forget = config.forget;
  const std::string corpus = fs::path(forget).begin()->string();
  std::error_code ignored;
  if (fs::is_regular_file(forget, ignored)) {
    user_error("data.retain: cannot guess what to keep beside the file ", forget, "; name it");
  }
  return corpus + "/retain1";
}

// .txt: chunks of max_length tokens. .json: strings or {text[, input_ids]}, one example each, cut
// at max_length; never padded.
std::vector<Example> examples_of(const fs::path& file, const tokenizer::Tokenizer& tok,
                                 int64_t max_length) {
  std::vector<Example> examples;
  if (!is_json_name(file)) {
    const std::string text = data::read_plain_text(file);
    try {
      examples = data::chunk_text(tok, text, max_length);
    } catch (const UserError& error) {
      user_error(file.string(), ": ", error.what());
    }
  } else {
    for_each_json_row(file, [&](int64_t row, const Json& value) {
      examples.push_back(json_example(value, tok, max_length));
      examples.back().row = row;
    });
    if (examples.empty()) user_error(file.string(), ": holds no row");
  }
  for (Example& example : examples) example.id = cat(file.stem().string(), ":", example.row);
  return examples;
}

data::Split read_split(const data::SplitSource& source, const fs::path& file) {
  if (source.config.chunking == data::Chunking::kOpenUnlearning) {
    return data::rechunked_split(source, file);
  }
  return {file, examples_of(file, source.tok, source.config.max_length), !is_json_name(file)};
}

}  // namespace

data::Layout layout() {
  return {.find_file = split_file, .read = read_split, .retain_split = retain_split};
}

}  // namespace unlearn::benchmarks::muse
