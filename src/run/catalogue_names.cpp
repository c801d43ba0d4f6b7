// The names that the catalogues' entries are found by.
#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"
#include "unlearn/run/catalogue.h"

namespace unlearn::run {
namespace {

std::vector<std::string> spellings(const Json& entry) {
  std::vector<std::string> names = {entry["name"]};
  for (const char* key : {"aliases", "model_types"}) {
    for (const Json& name : entry.value(key, Json::array())) names.push_back(name);
  }
  return names;
}

// Whether an entry is the one asked for, or a setting in the section asked for. Case, "-" and "_"
// do not matter, as with --method.
bool is_asked_for(const Json& entry, const std::string& wanted) {
  const auto plain = [](std::string name) {
    std::replace(name.begin(), name.end(), '-', '_');
    return to_lower(name);
  };
  const std::vector<std::string> names = spellings(entry);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return plain(name) == plain(wanted) ||
           (entry.contains("range") && plain(name).starts_with(plain(wanted) + "."));
  });
}

}  // namespace

const Catalogue& find_catalogue(const std::string& wanted) {
  for (const Catalogue& list : catalogues()) {
    if (wanted == list.name) return list;
  }
  user_error("list: unknown list '", wanted, "'", did_you_mean(wanted, catalogue_names()), "; use ",
             join(catalogue_names(), ", "));
}

Json find_entries(const Catalogue& list, const std::string& wanted) {
  Json entries = Json::array();
  std::vector<std::string> known;
  for (const Json& entry : list.make()) {
    if (wanted.empty() || is_asked_for(entry, wanted)) entries.push_back(entry);
    for (std::string& name : spellings(entry)) {
      // A setting can be found by each section that it lies in.
      for (size_t dot = name.find('.'); entry.contains("range") && dot != std::string::npos;
           dot = name.find('.', dot + 1)) {
        known.push_back(name.substr(0, dot));
      }
      known.push_back(std::move(name));
    }
  }
  if (entries.empty()) {
    user_error("list ", list.name, ": there is no '", wanted, "'", did_you_mean(wanted, known),
               "; see unlearn list ", list.name);
  }
  return entries;
}

std::vector<std::string> catalogue_names() {
  std::vector<std::string> names;
  for (const Catalogue& list : catalogues()) names.emplace_back(list.name);
  return names;
}

std::vector<std::string> names_in(const std::string& catalogue) {
  std::vector<std::string> names;
  for (const Json& entry : find_catalogue(catalogue).make()) {
    for (std::string& name : spellings(entry)) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace unlearn::run
