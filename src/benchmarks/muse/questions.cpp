#include "benchmarks/muse/questions.h"

#include "benchmarks/fields.h"

namespace unlearn::benchmarks::muse {
namespace {
namespace fs = std::filesystem;

constexpr const char* kCorpora[] = {"news", "books"};

template <class Read>
auto read_rows(const fs::path& file, int64_t max_rows, const Read& read) {
  std::vector<decltype(read(int64_t{0}, Json()))> rows;
  for_each_json_row(file, [&](int64_t row, const Json& value) {
    auto item = read(row, value);  // rows past the limit are checked too
    if (max_rows == 0 || static_cast<int64_t>(rows.size()) < max_rows) {
      rows.push_back(std::move(item));
    }
  });
  if (rows.empty()) user_error(file.string(), ": holds no row");
  return rows;
}

MusePrompt question_row(int64_t row, const Json& value) {
  const std::string question = checked_text(value, "question");
  return {row, "Question: " + question + "\nAnswer: ", checked_text(value, "answer"), question};
}

bool is_corpus(const fs::path& folder) {
  return fs::is_directory(folder / "verbmem") || fs::is_directory(folder / "knowmem") ||
         fs::is_directory(folder / "privleak");
}

// The corpus that a folder is, or the one that it holds.
fs::path only_corpus(const fs::path& root) {
  if (is_corpus(root)) return root;
  std::vector<fs::path> found;
  for (const fs::path& parent : {root, root / "data"}) {
    for (const char* corpus : kCorpora) {
      if (is_corpus(parent / corpus)) found.push_back(parent / corpus);
    }
  }
  if (found.size() == 1) return found.front();
  user_error("data.forget: ", root.string(), found.empty() ? " holds no" : " holds more than one",
             " corpus of MUSE; ",
             found.empty() ? "--data needs the folder of news or books"
                           : "name one: --set data.forget=news or books");
}

}  // namespace

fs::path muse_corpus_folder(const std::string& root, const std::string& split) {
  if (root.empty()) user_error("no data folder: give --data DIR or data.root in the config");
  if (split.empty()) return only_corpus(root);
  const fs::path name = *fs::path(split).begin();
  for (const fs::path& folder : {fs::path(root) / name, fs::path(root) / "data" / name}) {
    if (fs::is_directory(folder)) return folder;
  }
  user_error("data.forget: ", (fs::path(root) / name).string(),
             " is no folder; name the corpus (news or books) and its parent folder with --data");
}

std::string muse_corpus(const std::string& split) {
  const std::string name = split.substr(0, split.find('/'));
  return name == "news" || name == "books" ? name : "";
}

std::vector<MusePrompt> read_verbmem(const fs::path& corpus, int64_t max_rows) {
  return read_rows(corpus / "verbmem/forget.json", max_rows, [](int64_t row, const Json& value) {
    return MusePrompt{row, checked_text(value, "prompt"), checked_text(value, "gt"), ""};
  });
}

std::vector<MusePrompt> read_knowmem(const fs::path& corpus, const std::string& side,
                                     int64_t max_rows) {
  std::string examples;
  for (const MusePrompt& pair :
       read_rows(corpus / "knowmem" / (side + "_qa_icl.json"), 0, question_row)) {
    examples += pair.prompt + pair.truth + "\n\n";
  }
  auto rows = read_rows(corpus / "knowmem" / (side + "_qa.json"), max_rows, question_row);
  for (MusePrompt& row : rows) row.prompt = examples + row.prompt;
  return rows;
}

std::vector<MuseText> read_privleak(const fs::path& corpus, const std::string& split,
                                    int64_t max_rows) {
  return read_rows(corpus / "privleak" / (split + ".json"), max_rows,
                   [](int64_t row, const Json& value) {
                     const Json wrapped = value.is_string() ? Json{{"text", value}} : value;
                     return MuseText{row, checked_text(wrapped, "text")};
                   });
}

}  // namespace unlearn::benchmarks::muse
