#include "report/groups.h"

#include <algorithm>
#include <cmath>
#include <regex>
#include <set>

#include "unlearn/core/strings.h"

namespace unlearn::report {
namespace {

constexpr const char* kSeed = "train.seed";

// Equal for runs that differ in seed and folder alone.
std::string key_of(const RunSummary& run) {
  std::string key = run.method + "\n";
  for (const auto& [name, value] : run.settings) {
    if (name != kSeed && name != "output") key += cat(name, "=", value, "\n");
  }
  return key;
}

// "beta=2.5,seed=1" and "beta=2.5,seed=2" are beta=2.5; else what the names begin with.
std::string common_name(const std::vector<const RunSummary*>& runs) {
  static const std::regex seed("[,_-]?seed[=_-]?[0-9]+");
  std::set<std::string> names;
  for (const RunSummary* run : runs) names.insert(std::regex_replace(run->name, seed, ""));
  std::string name = *names.begin();
  for (const std::string& other : names) {
    const auto end = std::mismatch(name.begin(), name.end(), other.begin(), other.end()).first;
    name.erase(end, name.end());
  }
  const size_t last = name.find_last_not_of(",_-= ");
  name.erase(last == std::string::npos ? 0 : last + 1);
  if (name.starts_with(",")) name.erase(0, 1);
  return name.empty() ? runs.front()->method : name;
}

Spread spread_of(const std::vector<double>& values) {
  Spread spread;
  spread.count = static_cast<int64_t>(values.size());
  for (const double value : values) spread.mean += value / static_cast<double>(values.size());
  if (values.size() < 2) return spread;
  double sum = 0;
  for (const double value : values) sum += (value - spread.mean) * (value - spread.mean);
  spread.sd = std::sqrt(sum / static_cast<double>(values.size() - 1));
  return spread;
}

template <class Get>
std::map<std::string, Spread> spreads(const std::vector<const RunSummary*>& runs, Get evaluation) {
  std::map<std::string, std::vector<double>> values;
  for (const RunSummary* run : runs) {
    const Evaluation* measured = evaluation(*run);
    if (measured == nullptr) continue;
    for (const auto& [name, value] : measured->metrics) {
      if (value && std::isfinite(*value)) values[name].push_back(*value);
    }
  }
  std::map<std::string, Spread> result;
  for (const auto& [name, list] : values) result[name] = spread_of(list);
  return result;
}

std::optional<double> mean_in(const std::map<std::string, Spread>& spreads,
                              const std::string& metric) {
  const auto found = spreads.find(metric);
  return found == spreads.end() ? std::nullopt : std::optional(found->second.mean);
}

}  // namespace

std::optional<double> Group::mean(const std::string& metric) const {
  return mean_in(after, metric);
}

std::optional<double> Group::mean_before(const std::string& metric) const {
  return mean_in(before, metric);
}

bool is_uninteresting(const std::string& setting) {
  static const std::set<std::string> names = {"output", "method.name", "device",
                                              "method.retain_loss"};
  return names.contains(setting);
}

Group make_group(std::vector<const RunSummary*> runs) {
  Group group{.runs = std::move(runs)};
  group.name = group.runs.size() == 1 ? group.first().name : common_name(group.runs);
  group.after = spreads(group.runs, [](const RunSummary& run) { return &run.after; });
  group.before = spreads(group.runs,
                         [](const RunSummary& run) { return run.before ? &*run.before : nullptr; });
  group.ruined = std::count_if(group.runs.begin(), group.runs.end(),
                               [](const RunSummary* run) { return run->after.is_ruined(); });
  return group;
}

std::vector<Group> group_seeds(const std::vector<RunSummary>& runs) {
  std::vector<std::vector<const RunSummary*>> alike;
  std::map<std::string, size_t> places;
  for (const RunSummary& run : runs) {
    const auto [place, is_new] = places.try_emplace(
        run.settings.empty() ? cat("alone ", alike.size()) : key_of(run), alike.size());
    if (is_new) alike.emplace_back();
    alike[place->second].push_back(&run);
  }
  std::vector<Group> groups;
  for (auto& members : alike) groups.push_back(make_group(std::move(members)));
  return groups;
}

}  // namespace unlearn::report
