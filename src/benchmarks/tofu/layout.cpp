// TOFU's training data: a split is <root>/<name>.json, rows of questions and answers.
#include <algorithm>

#include "benchmarks/tofu/module.h"
#include "unlearn/core/error.h"

namespace unlearn::benchmarks::tofu {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path split_file(const data::DataConfig& config, const std::string& split,
                    const std::string& what) {
  const std::string& root = config.root;
  if (split.empty()) user_error("data.", what, ": give a split's name or a file");
  std::error_code ignored;
  if (fs::is_regular_file(split, ignored)) return split;
  const fs::path inside = fs::path(root) / split;
  if (fs::is_regular_file(inside, ignored)) return inside;
  if (root.empty()) user_error("no data folder: give --data DIR or data.root in the config");
  if (!fs::is_directory(root, ignored)) user_error("data.root: ", root, " is not a folder");
  const fs::path file = fs::path(root) / (split + ".json");
  if (!fs::is_regular_file(file, ignored)) {
    const std::vector<std::string> names = names_in(root);
    user_error("data.", what, ": ", file.string(), " not found", did_you_mean(split, names),
               "; the folder holds ", names.empty() ? "no .json file" : join(names, ", "));
  }
  return file;
}

// forget05 -> retain95.
std::string complement_split(const data::DataConfig& config) {
  const std::string& forget = config.forget;
  const std::string digits = forget.starts_with("forget") ? forget.substr(6) : "";
  const bool is_percent =
      digits.size() == 2 && digits.find_first_not_of("0123456789") == std::string::npos;
  if (!is_percent || digits == "00") {
    user_error("data.retain: cannot guess the retain split of '", forget, "'; name it");
  }
  const int percent = 100 - std::stoi(digits);
  return cat("retain", percent < 10 ? "0" : "", percent);
}

}  // namespace

data::Layout layout() {
  return {.find_file = split_file,
          .read = data::qa_split,
          .retain_split = complement_split,
          .has_questions = true};
}

}  // namespace unlearn::benchmarks::tofu
