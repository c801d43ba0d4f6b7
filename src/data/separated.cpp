#include "data/separated.h"

#include <algorithm>
#include <set>

#include "unlearn/core/error.h"
#include "unlearn/core/plural.h"

namespace unlearn::data {
namespace fs = std::filesystem;
namespace {

struct Record {
  int64_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

class RecordReader {
 public:
  RecordReader(std::string_view text, char separator, const fs::path& path)
      : text_(text), separator_(separator), path_(path) {}

  // False at the end.
  bool next(Record& record) {
    while (at_ < text_.size() && text_[at_] == '\n') step();
    if (at_ == text_.size()) return false;
    record = {line_, {}};
    while (true) {
      record.fields.push_back(text_.substr(at_).starts_with('"') ? quoted() : plain());
      if (at_ == text_.size()) return true;
      const bool goes_on = text_[at_] == separator_;
      step();
      if (!goes_on) return true;
    }
  }

 private:
  void step() {
    if (text_[at_++] == '\n') ++line_;
  }

  std::string plain() {
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string quoted() {
    const int64_t opened = line_;
    std::string field;
    step();
    while (true) {
      if (at_ == text_.size()) {
        user_error(path_.string(), ":", opened, ": a quotation mark opens a field and none ends ",
                   "it; write \"\" for a mark inside of one");
      }
      if (text_[at_] != '"') {
        field += text_[at_];
        step();
      } else if (text_.substr(at_).starts_with("\"\"")) {
        field += '"';
        at_ += 2;
      } else {
        break;
      }
    }
    step();
    if (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') {
      user_error(path_.string(), ":", line_, ": text behind a field's last quotation mark; write ",
                 "\"\" for a mark inside of one");
    }
    return field;
  }

  std::string_view text_;
  char separator_;
  const fs::path& path_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

void check_header(const Record& header, const fs::path& path) {
  std::set<std::string> names;
  for (const std::string& name : header.fields) {
    const std::string where = cat(path.string(), ":", header.line, ": the header ");
    if (trim(name).empty()) user_error(where, "has a field without a name");
    if (!is_valid_utf8(name)) user_error(where, "is not valid UTF-8");
    if (!names.insert(name).second) user_error(where, "names '", name, "' twice");
  }
}

Json as_object(const Record& header, const Record& record) {
  if (record.fields.size() != header.fields.size()) {
    user_error(counted(record.fields.size(), "field"), " where the header names ",
               header.fields.size(), "; put quotation marks around fields with separators");
  }
  Json value = Json::object();
  for (size_t i = 0; i < header.fields.size(); ++i) value[header.fields[i]] = record.fields[i];
  return value;
}

}  // namespace

void for_each_record(std::string_view text, char separator, const fs::path& path,
                     const std::function<void(int64_t, const Json&)>& visit) {
  RecordReader reader(text, separator, path);
  Record header, record;
  if (!reader.next(header)) user_error(path.string(), ": holds no header and no row");
  for (std::string& name : header.fields) name = std::string(trim(name));
  check_header(header, path);
  for (int64_t row = 0; reader.next(record); ++row) {
    try {
      visit(row, as_object(header, record));
    } catch (const UserError& error) {
      user_error(path.string(), ":", record.line, ": row ", row, ": ", error.what());
    }
  }
}

char separator_of(const fs::path& path, std::string_view text) {
  const std::string extension = to_lower(path.extension().string());
  if (extension == ".tsv" || extension == ".tab") return '\t';
  if (extension != ".csv") return 0;
  const std::string_view header = text.substr(0, text.find('\n'));
  const auto has = [&](char c) { return header.find(c) != std::string_view::npos; };
  if (has(',')) return ',';
  return has(';') ? ';' : has('\t') ? '\t' : ',';
}

}  // namespace unlearn::data
