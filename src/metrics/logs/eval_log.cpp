#include "unlearn/metrics/eval_log.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/python_json.h"
#include "unlearn/metrics/or_null.h"

namespace unlearn::metrics {
namespace {

Json number_or_null(std::optional<double> value) {
  return value && std::isfinite(*value) ? Json(*value) : Json(nullptr);
}

void write_json(const std::filesystem::path& path, const Json& value) {
  write_file_atomic(path, value.dump(4, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace

Json eval_json(const EvalReport& report) {
  Json result = Json::object();
  for (const auto& [name, metric] : report) {
    Json entry = {{"agg_value", number_or_null(metric.value)}};
    for (const auto& [key, value] : metric.details.items()) entry[key] = value;
    result[name] = std::move(entry);
  }
  return result;
}

Json summary_json(const EvalReport& report) {
  Json result = Json::object();
  for (const auto& [name, metric] : report) result[name] = number_or_null(metric.value);
  return result;
}

void write_eval_files(const std::filesystem::path& folder, const std::string& benchmark,
                      const EvalReport& report) {
  write_json(folder / (benchmark + "_EVAL.json"), eval_json(report));
  write_json(folder / (benchmark + "_SUMMARY.json"), summary_json(report));
}

std::filesystem::path eval_log_file(const std::string& name, const std::string& benchmark,
                                    const std::string& option) {
  const std::filesystem::path folder = name;
  if (!std::filesystem::is_directory(folder)) return folder;
  std::vector<std::string> files = {benchmark + "_EVAL.json"};
  if (benchmark == "TOFU") files.emplace_back("eval_log_aggregated.json");
  for (const std::string& file : files) {
    for (const auto& place : {folder / "eval" / file, folder / file}) {
      if (std::filesystem::exists(place)) return place;
    }
  }
  user_error(option, ": ", name, " holds no eval/", files.front(),
             "; evaluate that run first (unlearn eval RUN)");
}

Json read_log_json(const std::filesystem::path& path) {
  return read_python_json(path, NonFinite::kNumber);
}

EvalReport parse_eval_report(const Json& log, const std::string& source) {
  if (!log.is_object()) user_error(source, ": not an evaluation log; it must be one JSON object");
  if (log.empty()) user_error(source, ": the log is empty; it holds no metric");
  if (std::all_of(log.begin(), log.end(),
                  [](const Json& value) { return value.is_number() || value.is_null(); })) {
    user_error(source, ": only aggregates (a summary); give the _EVAL.json with the rows");
  }
  EvalReport report;
  for (const auto& [name, entry] : log.items()) {
    const std::string where = cat(source, ": ", name);
    if (entry.is_null()) {
      report[name] = {};
      continue;
    }
    if (!entry.is_object() || !entry.contains("agg_value")) {
      user_error(where, ": not a metric; it must be an object with \"agg_value\"");
    }
    MetricResult result;
    for (const auto& [key, value] : entry.items()) {
      if (key != "agg_value") {
        result.details[key] = value;
      } else if (value.is_number() && std::isfinite(value.get<double>())) {
        result.value = value.get<double>();
      }
    }
    report[name] = std::move(result);
  }
  return report;
}

EvalReport read_eval_report(const std::filesystem::path& path) {
  return parse_eval_report(read_log_json(path), path.string());
}

double log_number(const Json& value, const std::string& where) {
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (!value.is_number()) user_error(where, ": ", value.type_name(), " instead of a number");
  return value.get<double>();
}

std::vector<std::pair<int64_t, const Json*>> indexed_rows(const Json& rows,
                                                          const std::string& where) {
  std::vector<std::pair<int64_t, const Json*>> result;
  if (rows.is_array()) {
    for (size_t i = 0; i < rows.size(); ++i) result.emplace_back(static_cast<int64_t>(i), &rows[i]);
  } else if (rows.is_object()) {
    for (auto it = rows.begin(); it != rows.end(); ++it) {
      const std::string& key = it.key();
      int64_t index = -1;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
      if (error != std::errc() || end != key.data() + key.size() || index < 0) {
        user_error(where, ": key '", key, "' is no row number");
      }
      result.emplace_back(index, &it.value());
    }
    std::stable_sort(result.begin(), result.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto twice =
        std::adjacent_find(result.begin(), result.end(),
                           [](const auto& a, const auto& b) { return a.first == b.first; });
    if (twice != result.end()) user_error(where, ": row ", twice->first, " appears twice");
  } else {
    user_error(where, ": ", rows.type_name(), " instead of a list or an object of rows");
  }
  if (result.empty()) user_error(where, ": no rows");
  return result;
}

RowValues row_values(const MetricResult& result, const std::string& field,
                     const std::string& where) {
  RowValues found;
  const auto rows = result.details.find("value_by_index");
  if (rows == result.details.end()) user_error(where, ": no value_by_index");
  for (const auto& [index, row] : indexed_rows(*rows, where)) {
    if (row->is_null()) continue;
    const std::string place = cat("row ", index, ": ", field);
    if (!row->is_object() || !row->contains(field)) {
      user_error(where, ": row ", index, ": no ", field);
    }
    const Json& value = row->at(field);
    if (value.is_null()) continue;
    found.values.push_back(log_number(value, cat(where, ": ", place)));
    if (found.non_finite.empty() && !std::isfinite(found.values.back())) {
      found.non_finite = cat(place, " is ", name_of_non_finite(found.values.back()));
    }
  }
  return found;
}

}  // namespace unlearn::metrics
