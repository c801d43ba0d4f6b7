#include "run/audit/cells.h"

#include <cmath>
#include <limits>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"

namespace unlearn::run {
namespace {

Json measured_json(const Measured& measured) {
  Json metrics = Json::object();
  for (const auto& [name, rows] : measured.metrics) {
    Json list = Json::array();
    for (const auto& [row, value] : rows) list.push_back({row, value});  // NaN becomes null
    metrics[name] = std::move(list);
  }
  return {{"metrics", std::move(metrics)},
          {"utility", measured.utility ? Json(*measured.utility) : Json()},
          {"tasks", measured.tasks ? Json(*measured.tasks) : Json()}};
}

double number_or_nan(const Json& value) {
  return value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN();
}

Measured measured_of_json(const Json& json) {
  Measured measured;
  for (const auto& [name, list] : json.at("metrics").items()) {
    auto& rows = measured.metrics[name];
    for (const Json& pair : list) rows[pair.at(0).get<int64_t>()] = number_or_nan(pair.at(1));
  }
  if (!json.at("utility").is_null()) measured.utility = json.at("utility").get<double>();
  if (!json.at("tasks").is_null()) measured.tasks = json.at("tasks").get<double>();
  return measured;
}

}  // namespace

Json cell_json(const Cell& cell) {
  Json points = Json::array();
  for (const CellPoint& point : cell.points) {
    points.push_back({{"step", point.step}, {"measured", measured_json(point.measured)}});
  }
  return {{"before", cell.before ? measured_json(*cell.before) : Json()},
          {"points", std::move(points)},
          {"failure", cell.failure},
          {"extra", cell.extra}};
}

Cell cell_of_json(const Json& json) {
  Cell cell;
  if (!json.at("before").is_null()) cell.before = measured_of_json(json.at("before"));
  for (const Json& point : json.at("points")) {
    cell.points.push_back(
        {point.at("step").get<int64_t>(), measured_of_json(point.at("measured"))});
  }
  cell.failure = json.at("failure").get<std::string>();
  cell.extra = json.at("extra");
  return cell;
}

std::optional<Cell> CellStore::find(const std::string& key) const {
  const std::filesystem::path file = folder_.path() / name_of(key);
  if (!std::filesystem::exists(file)) return std::nullopt;
  const auto manifest = Manifest::read(folder_.path());
  if (!manifest || !manifest->is_own(folder_.path(), name_of(key))) {
    log::warn(file.string(), ": is not as the audit wrote it; it is measured again");
    return std::nullopt;
  }
  try {
    return cell_of_json(read_json(file));
  } catch (const Json::exception&) {
    user_error(file.string(), ": is no cell of an audit; remove it, and it is measured again");
  }
}

void CellStore::put(const std::string& key, const Cell& cell, const Json& of) {
  Json json = cell_json(cell);
  json["of"] = of;
  folder_.write(name_of(key), json.dump() + "\n");
}

}  // namespace unlearn::run
