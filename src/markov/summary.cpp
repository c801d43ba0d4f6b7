#include "unlearn/markov/summary.h"

#include <cmath>
#include <map>
#include <string>

#include "unlearn/core/error.h"
#include "unlearn/core/plural.h"

namespace unlearn::markov {
namespace {

constexpr const char* kCurves[] = {"Retain Test", "Forget Test", "Forget1 Test", "Forget2 Test"};
constexpr double kRetainDistances[] = {0.1, 0.2};

using Series = std::vector<double>;

// Numbers of one criterion over the runs.
struct Sample {
  Series values;
  int64_t missing = 0;

  Json json() const {
    const auto n = static_cast<double>(values.size());
    double sum = 0, squares = 0;
    for (const double value : values) sum += value;
    for (const double value : values) squares += (value - sum / n) * (value - sum / n);
    Json result = {{"mean", nullptr}, {"sd", nullptr}};
    if (n > 0) result["mean"] = sum / n;
    if (n > 1) result["sd"] = std::sqrt(squares / (n - 1));
    result["runs"] = values.size();
    result["missing"] = missing;
    return result;
  }
};

struct Samples {
  std::vector<std::string> order;
  std::map<std::string, Sample> by_name;

  void add(const std::string& name, const Json& value) {
    if (!by_name.contains(name)) order.push_back(name);
    Sample& sample = by_name[name];
    if (value.is_null()) {
      ++sample.missing;
    } else {
      sample.values.push_back(value.get<double>());
    }
  }
  Json json() const {
    Json result = Json::object();
    for (const std::string& name : order) result[name] = by_name.at(name).json();
    return result;
  }
};

std::string mean_text(const Json& entry) {
  if (entry.at("mean").is_null()) return "never reached";
  std::string text = number(entry.at("mean").get<double>(), 4);
  if (!entry.at("sd").is_null()) text += cat(" ± ", number(entry.at("sd").get<double>(), 2));
  if (entry.at("missing") != 0) {
    const auto missing = entry.at("missing").get<int64_t>();
    text += cat(" (", counted(missing, "run"),
                missing == 1 ? " never reaches it)" : " never reach it)");
  }
  return text;
}

}  // namespace

std::optional<double> first_reach(const Series& series, double level) {
  for (size_t i = 0; i < series.size(); ++i) {
    if (series[i] < level) continue;
    if (i == 0) return 0.0;
    return static_cast<double>(i) - (series[i] - level) / (series[i] - series[i - 1]);
  }
  return std::nullopt;
}

double value_at(const Series& series, double index) {
  const auto before = static_cast<size_t>(index);
  if (before + 1 >= series.size()) return series.back();
  const double share = index - static_cast<double>(before);
  return (1.0 - share) * series[before] + share * series[before + 1];
}

Json path_criteria(const Json& path, const Json& retrained) {
  const auto retain = path.at("Retain Test").get<Series>();
  const auto forget1 = path.at("Forget1 Test").get<Series>();
  const auto forget2 = path.at("Forget2 Test").get<Series>();
  Json result = Json::object();
  const auto target = first_reach(forget2, retrained.at("Forget2 Test").at(0).get<double>());
  result["retain_at_target"] = target ? Json(value_at(retain, *target)) : Json();
  for (const double distance : kRetainDistances) {
    const auto at = first_reach(retain, distance);
    const std::string suffix = "_at_" + number(distance);
    result["forget1" + suffix] = at ? Json(value_at(forget1, *at)) : Json();
    result["forget2" + suffix] = at ? Json(value_at(forget2, *at)) : Json();
    result["gap" + suffix] = at ? Json(value_at(forget2, *at) - value_at(forget1, *at)) : Json();
  }
  return result;
}

void check_record(const Json& record, const std::string& where) {
  try {
    const auto check_path = [](const Json& path) {
      const size_t length = path.at("Retain Test").size();
      for (const char* key : kCurves) {
        if (path.at(key).get<Series>().size() != length || length == 0) {
          user_error("a path's curves differ in length");
        }
      }
    };
    record.at("experiment").get<std::string>();
    check_path(record.at("retrained"));
    for (const auto& [method, path] : record.at("paths").items()) check_path(path);
  } catch (const std::exception& error) {
    user_error(where, ": is no whole record of a run (", error.what(),
               "); delete it or choose another --output");
  }
}

Json summarize(const std::vector<Json>& records) {
  std::map<std::string, std::map<std::string, Samples>> samples;
  for (const Json& record : records) {
    auto& methods = samples[record.at("experiment").get<std::string>()];
    const Json& retrained = record.at("retrained");
    for (const char* key : kCurves) {
      methods["retrained"].add(key, retrained.at(key).at(0));
    }
    for (const auto& [method, path] : record.at("paths").items()) {
      const Json criteria = path_criteria(path, retrained);
      for (const auto& [name, value] : criteria.items()) methods[method].add(name, value);
    }
  }
  Json result = Json::object();
  for (const auto& [experiment, methods] : samples) {
    for (const auto& [method, values] : methods) result[experiment][method] = values.json();
  }
  return result;
}

std::string summary_text(const Json& summary) {
  const std::pair<const char*, const char*> rows[] = {
      {"retain_at_target", "retain distance when Forget2 reaches the retrained level"},
      {"forget1_at_0.1", "Forget1 at retain distance 0.1"},
      {"forget2_at_0.1", "Forget2 at retain distance 0.1"},
      {"gap_at_0.1", "Forget2 - Forget1 at retain distance 0.1"},
      {"forget1_at_0.2", "Forget1 at retain distance 0.2"},
      {"forget2_at_0.2", "Forget2 at retain distance 0.2"},
      {"gap_at_0.2", "Forget2 - Forget1 at retain distance 0.2"}};
  std::string text;
  for (const auto& [experiment, methods] : summary.items()) {
    const Json& retrained = methods.at("retrained");
    text +=
        cat(experiment, " (", counted(retrained.at("Retain Test").at("runs").get<int64_t>(), "run"),
            "; retrained model: retain ", mean_text(retrained.at("Retain Test")), ", Forget1 ",
            mean_text(retrained.at("Forget1 Test")), ", Forget2 ",
            mean_text(retrained.at("Forget2 Test")), ")\n");
    for (const auto& [key, help] : rows) {
      text += cat("  ", help, "\n");
      for (const auto& [method, criteria] : methods.items()) {
        if (method == "retrained") continue;
        text += cat("    ", method, std::string(12 - std::min<size_t>(11, method.size()), ' '),
                    mean_text(criteria.at(key)), "\n");
      }
    }
  }
  return text;
}

}  // namespace unlearn::markov
