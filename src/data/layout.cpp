#include "unlearn/data/layout.h"

#include <ATen/Parallel.h>

#include "unlearn/core/error.h"
#include "unlearn/data/examples.h"
#include "unlearn/data/row_file.h"
#include "unlearn/data/rows.h"

namespace unlearn::data {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kRowsPerTask = 64;

// visit(i) for every row, in parallel; errors get "<file>: row <n>: " in front.
void for_each_row(const fs::path& file, const std::vector<int64_t>& rows,
                  const std::function<void(size_t)>& visit) {
  at::parallel_for(0, static_cast<int64_t>(rows.size()), kRowsPerTask,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i) {
                       const auto index = static_cast<size_t>(i);
                       try {
                         visit(index);
                       } catch (const UserError& error) {
                         user_error(file.string(), ": row ", rows[index], ": ", error.what());
                       }
                     }
                   });
}

// Chunks are counted through the file.
Split chunk_split(const fs::path& file, std::vector<Example> chunks,
                  std::vector<int64_t> rows = {}) {
  for (size_t i = 0; i < chunks.size(); ++i) {
    chunks[i].row = static_cast<int64_t>(i);
    chunks[i].id = cat(file.stem().string(), ":", i);
  }
  return {file, std::move(chunks), true, std::move(rows)};
}

}  // namespace

fs::path named_file(const DataConfig& config, const std::string& split, const std::string& what) {
  if (split.empty()) user_error("data.", what, ": give a split's name or a file");
  for (const fs::path& file : {fs::path(split), fs::path(config.root) / split}) {
    std::error_code ignored;
    if (fs::is_regular_file(file, ignored)) return file;
  }
  user_error("data.", what, ": file '", split, "' not found",
             config.root.empty() ? std::string() : cat(" (nor in ", config.root, ")"));
}

std::vector<Example> make_examples(const fs::path& file, const std::vector<int64_t>& rows,
                                   const std::function<Example(size_t)>& make) {
  std::vector<Example> examples(rows.size());
  for_each_row(file, rows, [&](size_t i) {
    examples[i] = make(i);
    examples[i].row = rows[i];
    examples[i].id = cat(file.stem().string(), ":", rows[i]);
  });
  return examples;
}

Split qa_split(const SplitSource& source, const fs::path& file) {
  const std::vector<QaRow> rows =
      read_qa_rows(file, source.config.question_key, source.config.answer_key);
  std::vector<int64_t> numbers;
  for (const QaRow& row : rows) numbers.push_back(row.row);
  return {file, make_examples(file, numbers, [&](size_t i) {
            return make_row_example(source.tok, source.tmpl, rows[i], rows[i].answer,
                                    source.config.max_length);
          })};
}

Split text_split(const SplitSource& source, const fs::path& file) {
  const int64_t max_length = source.config.max_length;
  if (!is_row_name(file)) {
    const std::string text = read_plain_text(file, source.config.text_key);
    try {
      return chunk_split(file, chunk_text(source.tok, text, max_length));
    } catch (const UserError& error) {
      user_error(file.string(), ": ", error.what());
    }
  }
  std::vector<std::string> texts;
  std::vector<int64_t> numbers;
  for_each_data_row(file, [&](int64_t row, const Json& value) {
    texts.push_back(value.is_string() ? text_field(Json{{"text", value}}, "text")
                                      : text_field(value, source.config.text_key));
    numbers.push_back(row);
  });
  if (texts.empty()) user_error(file.string(), ": holds no row");
  std::vector<std::vector<Example>> chunks(texts.size());
  for_each_row(file, numbers,
               [&](size_t i) { chunks[i] = chunk_text(source.tok, texts[i], max_length); });
  std::vector<Example> all;
  std::vector<int64_t> rows;
  for (size_t i = 0; i < chunks.size(); ++i) {
    rows.insert(rows.end(), chunks[i].size(), numbers[i]);
    all.insert(all.end(), std::make_move_iterator(chunks[i].begin()),
               std::make_move_iterator(chunks[i].end()));
  }
  return chunk_split(file, std::move(all), std::move(rows));
}

Split rechunked_split(const SplitSource& source, const fs::path& file) {
  std::string text;
  if (unpacked_name(file).extension() == ".txt") {
    text = read_plain_text(file, source.config.text_key);
  } else {
    const std::string& key = source.config.text_key;
    for_each_data_row(file, [&](int64_t row, const Json& value) {
      const bool has_key = value.is_object() && value.contains(key);
      const Json& field = has_key ? value[key] : value;
      if (row > 0) text += "\n\n";
      text += field.is_string() ? field.get<std::string>() : text_field(value, key);
    });
  }
  try {
    return chunk_split(file, rechunk_text(source.tok, text, source.config.max_length));
  } catch (const UserError& error) {
    user_error(file.string(), ": ", error.what());
  }
}

}  // namespace unlearn::data
