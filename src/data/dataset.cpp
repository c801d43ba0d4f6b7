#include "unlearn/data/dataset.h"

#include <ATen/Parallel.h>

#include "data/layouts.h"
#include "data/overlap.h"
#include "data/rows.h"
#include "unlearn/core/error.h"
#include "unlearn/core/text_file.h"
#include "unlearn/data/pair_stream.h"

namespace unlearn::data {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kRowsPerTask = 64;

struct Source {
  const DataConfig& config;
  const tokenizer::Tokenizer& tok;
  const Template& tmpl;
  int64_t vocab_size;
};

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

// One example per row.
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

// Chunks are counted through the file.
Split chunk_split(const fs::path& file, std::vector<Example> chunks,
                  std::vector<int64_t> rows = {}) {
  for (size_t i = 0; i < chunks.size(); ++i) {
    chunks[i].row = static_cast<int64_t>(i);
    chunks[i].id = cat(file.stem().string(), ":", i);
  }
  return {file, std::move(chunks), true, std::move(rows)};
}

void check_vocabulary(const Split& split, int64_t vocab_size) {
  for (const Example& example : split.examples) {
    for (const int32_t token : example.tokens) {
      if (token < 0 || token >= vocab_size) {
        user_error(split.file.string(), ": row ", example.row,
                   ": tokenizer/embedding mismatch: token id ", token, " but the model has ",
                   vocab_size, " embeddings; take the tokenizer that belongs to the model");
      }
    }
  }
}

Split qa_split(const Source& source, const fs::path& file) {
  const std::vector<QaRow> rows =
      read_qa_rows(file, source.config.question_key, source.config.answer_key);
  std::vector<int64_t> numbers;
  for (const QaRow& row : rows) numbers.push_back(row.row);
  return {file, make_examples(file, numbers, [&](size_t i) {
            return make_qa_example(source.tok, source.tmpl, rows[i].question, rows[i].answer,
                                   source.config.max_length);
          })};
}

// Every text is chunked by itself: a plain text file is one, a JSON file holds one per row.
Split text_split(const Source& source, const fs::path& file) {
  const int64_t max_length = source.config.max_length;
  if (!is_json_name(file)) {
    const std::string text = read_plain_text(file, source.config.text_key);
    try {
      return chunk_split(file, chunk_text(source.tok, text, max_length));
    } catch (const UserError& error) {
      user_error(file.string(), ": ", error.what());
    }
  }
  std::vector<std::string> texts;
  std::vector<int64_t> numbers;
  for_each_json_row(file, [&](int64_t row, const Json& value) {
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

Split wmdp_split(const Source& source, const fs::path& file) {
  const std::vector<TextRow> rows = wmdp_rows(file, source.config.text_key);
  std::vector<int64_t> numbers;
  for (const TextRow& row : rows) numbers.push_back(row.row);
  return {file, make_examples(file, numbers, [&](size_t i) {
            return make_text_example(source.tok, rows[i].text, source.config.max_length);
          })};
}

// The whole file as OpenUnlearning cuts it; rows are joined by blank lines, short ones too.
Split rechunked_split(const Source& source, const fs::path& file) {
  std::string text;
  if (file.extension() == ".txt") {
    text = read_plain_text(file, source.config.text_key);
  } else {
    const std::string& key = source.config.text_key;
    for_each_json_row(file, [&](int64_t row, const Json& value) {
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

Split read_split(const Source& source, const std::string& name, const std::string& what) {
  const DataConfig& config = source.config;
  if (config.benchmark == "muse") {
    const fs::path file = muse_file(config.root, name, what);
    if (config.chunking == "ou") return rechunked_split(source, file);
    return {file, muse_examples(file, source.tok, config.max_length), !is_json_name(file)};
  }
  if (config.benchmark == "wmdp") {
    const fs::path file = wmdp_file(config.root, name, what);
    return config.chunking == "ou" ? rechunked_split(source, file) : wmdp_split(source, file);
  }
  const fs::path file = split_file(config.benchmark, config.root, name, what);
  return config.benchmark == "text" ? text_split(source, file) : qa_split(source, file);
}

Split open_split(const Source& source, const std::string& name, const std::string& what) {
  Split split = read_split(source, name, what);
  check_vocabulary(split, source.vocab_size);
  return split;
}

std::string retain_name(const DataConfig& config) {
  if (config.retain != "auto") return config.retain;
  if (config.benchmark == "tofu") return complement_split(config.forget);
  if (config.benchmark == "muse") return muse_retain(config.forget);
  if (config.benchmark == "wmdp") return "wikitext";
  user_error("data.retain: the method needs retain data; name its file");
}

// A forget row's question with something else as its answer.
struct Replacement {
  const QaRow* row;
  std::string answer, id;
};

Split replacement_split(const Source& source, const fs::path& answers, const fs::path& questions,
                        const std::vector<Replacement>& replacements) {
  std::vector<int64_t> numbers;
  for (const Replacement& replacement : replacements) numbers.push_back(replacement.row->row);
  Split split{answers, make_examples(questions, numbers, [&](size_t i) {
                const Replacement& replacement = replacements[i];
                return make_qa_example(source.tok, source.tmpl, replacement.row->question,
                                       replacement.answer, source.config.max_length);
              })};
  for (size_t i = 0; i < split.examples.size(); ++i) {
    split.examples[i].id = replacements[i].id;
  }
  check_vocabulary(split, source.vocab_size);
  return split;
}

// Which refusal a forget row gets is fixed by its number, as in Unlearn-Simple's
// TOFU/dataloader.py; the stream draws lines, and each line is rendered with the question it is
// drawn for. Since the pair (question, line) decides the tokens, every forget row has its own
// alternate example.
Split refusal_split(const Source& source, const Split& forget) {
  const fs::path file = source.config.alternate != "auto"
                            ? fs::path(source.config.alternate)
                            : fs::path(source.config.root) / "idontknow.jsonl";
  if (!fs::is_regular_file(file)) {
    user_error("data.alternate: the method needs refusal lines; name a file (", file.string(),
               " is not there)");
  }
  const std::vector<std::string> lines = read_lines(file);
  const std::vector<QaRow> rows =
      read_qa_rows(forget.file, source.config.question_key, source.config.answer_key);
  const auto count = static_cast<int64_t>(lines.size());
  std::vector<Replacement> refusals;
  for (const QaRow& row : rows) {
    refusals.push_back(
        {&row, lines[static_cast<size_t>(refusal_line(row.row, count))], cat("refusal:", row.row)});
  }
  return replacement_split(source, file, forget.file, refusals);
}

// The rows' own alternative answers. A row with several stands in the forget stream once for each
// (OpenUnlearning community/methods/AltPO: every (question, answer, alternate) is a training row).
Split own_alternates(const Source& source, Split& forget) {
  if (source.config.alternate != "auto") {
    user_error("data.alternate: the method reads the forget rows' own field '",
               source.config.alternate_key, "' (data.alternate_key), no file; use auto");
  }
  const std::vector<AlternateRow> rows =
      read_alternate_rows(forget.file, source.config.question_key, source.config.alternate_key);
  std::vector<Replacement> alternates;
  std::vector<Example> repeated;
  for (size_t i = 0; i < rows.size(); ++i) {
    const QaRow& row = rows[i].row;
    for (size_t k = 0; k < rows[i].answers.size(); ++k) {
      alternates.push_back({&row, rows[i].answers[k], cat("alternate:", row.row, ".", k)});
      repeated.push_back(forget.examples[i]);
    }
  }
  forget.examples = std::move(repeated);
  return replacement_split(source, forget.file, forget.file, alternates);
}

}  // namespace

void DataConfig::visit(config::FieldVisitor& v) {
  v.field("benchmark", benchmark,
          {.help = "tofu, muse, wmdp, or your own data: qa (JSONL with question/answer), text "
                   "(plain text or JSONL with text)",
           .choices = {"tofu", "muse", "wmdp", "qa", "text"}});
  v.field("root", root, {.help = "folder of the data files (--data)"});
  v.field("forget", forget, {.help = "what to forget: a split's name or a file"});
  v.field(
      "retain", retain,
      {.help = "what to keep: a split's name or a file; auto: TOFU's complement of forget, MUSE's "
               "retain1 of the corpus, WMDP's wikitext"});
  v.field("train", train, {.help = "what finetune trains on: a split's name or a file"});
  v.field("alternate", alternate,
          {.help = "refusal lines for methods that need them; auto: <root>/idontknow.jsonl"});
  v.field("max_length", max_length,
          {.help = "tokens per example; longer ones are cut", .min = 2, .max = 1 << 20});
  v.field(
      "chunking", chunking,
      {.help = "how MUSE's and WMDP's texts are cut: published (MUSE's chunks, WMDP's rows) or "
               "ou (OpenUnlearning: windows of all rows joined, each decoded and tokenised again)",
       .choices = {"published", "ou"}});
  v.field("allow_overlap", allow_overlap, {.help = "go on where forget rows are retain rows too"});
  v.field("pairing", pairing,
          {.help = "which retain row a forget row gets",
           .choices = {"auto", "fixed", "random", "cyclic", "by_row"}});
  v.field("question_key", question_key, {.help = "field with the question (qa)"});
  v.field("answer_key", answer_key, {.help = "field with the answer (qa)"});
  v.field("alternate_key", alternate_key,
          {.help = "field of a forget row with its alternative answer or a list of them (altpo)"});
  v.field("text_key", text_key, {.help = "field with the text (text, wmdp)"});
}

Splits load_splits(const DataConfig& config, const SplitRequest& request,
                   const tokenizer::Tokenizer& tok, const Template& tmpl, int64_t vocab_size) {
  const Source source{config, tok, tmpl, vocab_size};
  Splits splits;
  if (request.train) splits.train = open_split(source, config.train, "train");
  if (request.forget) splits.forget = open_split(source, config.forget, "forget");
  if (request.retain) splits.retain = open_split(source, retain_name(config), "retain");
  if (splits.forget) warn_of_repeats(*splits.forget, tok);
  if (splits.forget && splits.retain) check_overlap(config, *splits.forget, *splits.retain, tok);
  if (request.alternate) {
    if (config.benchmark != "tofu" && config.benchmark != "qa") {
      user_error("data.benchmark: ", config.benchmark,
                 " has no questions to refuse; use tofu or qa");
    }
    splits.alternate = request.own_alternate ? own_alternates(source, *splits.forget)
                                             : refusal_split(source, *splits.forget);
  }
  return splits;
}

}  // namespace unlearn::data
