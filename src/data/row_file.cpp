#include "unlearn/data/row_file.h"

#include "data/gzip.h"
#include "data/separated.h"
#include "unlearn/core/files.h"
#include "unlearn/core/json_rows.h"
#include "unlearn/core/strings.h"
#include "unlearn/core/text_file.h"

namespace unlearn::data {
namespace fs = std::filesystem;

std::string read_data_file(const fs::path& file) {
  std::string bytes = read_file(file);
  if (is_gzip(bytes)) bytes = gunzip(bytes, file);
  return text_of_bytes(std::move(bytes), file);
}

fs::path unpacked_name(const fs::path& file) {
  fs::path name = file;
  return to_lower(file.extension().string()) == ".gz" ? name.replace_extension() : name;
}

bool is_row_name(const fs::path& file) {
  const fs::path name = unpacked_name(file);
  return is_json_name(name) || separator_of(name, "") != 0;
}

void for_each_data_row(const fs::path& file,
                       const std::function<void(int64_t, const Json&)>& visit) {
  const std::string text = read_data_file(file);
  if (const char separator = separator_of(unpacked_name(file), text)) {
    return for_each_record(text, separator, file, visit);
  }
  for_each_json_row_of(text, file, visit);
}

}  // namespace unlearn::data
