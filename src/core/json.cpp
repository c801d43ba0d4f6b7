#include "unlearn/core/json.h"

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn {
namespace {

// nlohmann's parser recurses; texts nested deeper than this are refused before they overflow a
// stack.
constexpr int kMaxDepth = 200;

void visit_row(const std::string& file, int64_t row, const Json& value,
               const std::function<void(int64_t, const Json&)>& visit) {
  try {
    visit(row, value);
  } catch (const UserError& error) {
    user_error(file, ": row ", row, ": ", error.what());
  }
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  const auto limit_depth = [&](int depth, Json::parse_event_t, const Json&) {
    if (depth > kMaxDepth) user_error(where, ": JSON nested deeper than ", kMaxDepth, " levels");
    return true;
  };
  try {
    return Json::parse(text, limit_depth);
  } catch (const Json::parse_error& error) {
    user_error(where, ": not valid JSON at byte ", error.byte);
  } catch (const Json::exception& error) {
    user_error(where, ": not valid JSON: ", error.what());
  }
}

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path), path.string());
}

void for_each_json_row(const std::filesystem::path& path,
                       const std::function<void(int64_t, const Json&)>& visit) {
  const std::string content = read_file(path);
  const std::string file = path.string();
  const std::string_view whole = trim(content);
  if (!whole.empty() && whole.front() == '[') {
    const Json rows = parse_json(whole, file);
    for (size_t i = 0; i < rows.size(); ++i) {
      visit_row(file, static_cast<int64_t>(i), rows[i], visit);
    }
    return;
  }
  int64_t row = 0;
  size_t begin = 0;
  while (begin < content.size()) {
    size_t end = content.find('\n', begin);
    if (end == std::string::npos) end = content.size();
    const std::string_view line = trim(std::string_view(content).substr(begin, end - begin));
    if (!line.empty()) {
      visit_row(file, row, parse_json(line, cat(file, ": row ", row)), visit);
      ++row;
    }
    begin = end + 1;
  }
}

}  // namespace unlearn
