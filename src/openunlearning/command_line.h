// OpenUnlearning's command lines: what is known of them, and one of them read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "unlearn/core/error.h"

namespace unlearn::openunlearning {

// The entries of known.def, in the order of its fields.
struct Experiment {
  const char *name, *command, *trainer, *model, *weights, *benchmark, *flags;
};
struct Trainer {
  const char *name, *method, *arguments, *quirk;
};
using Pair = std::pair<const char*, const char*>;

extern const std::vector<Experiment> kExperiments;
extern const std::vector<Trainer> kTrainers;
extern const std::vector<Pair> kModels;  // its model, our template
extern const std::vector<Pair> kKeys;    // its key, our setting

inline constexpr const char* kFlag = "--from-openunlearning: ";
inline constexpr const char* kMethodArguments = "trainer.method_args.";

inline const char* name_of(const Pair& entry) { return entry.first; }
template <class Entry>
const char* name_of(const Entry& entry) {
  return entry.name;
}

// The entry of that name; UserError that names the nearest.
template <class Entry>
const Entry& find_entry(const std::vector<Entry>& entries, const std::string& what,
                        const std::string& name) {
  std::vector<std::string> names;
  for (const Entry& entry : entries) {
    if (name_of(entry) == name) return entry;
    names.emplace_back(name_of(entry));
  }
  user_error(kFlag, what, ": '", name, "' is not known", did_you_mean(name, names),
             "; known: ", join(names, ", "));
}

// Its command line: what is set by which key, and how many processes share a step.
struct Overrides {
  std::map<std::string, std::string> values;
  int64_t processes = 1;

  std::string get(const std::string& key, const std::string& fallback = "") const {
    const auto found = values.find(key);
    return found == values.end() ? fallback : found->second;
  }
};

// `arguments`: a command line or only its overrides, as one text or as words. UserError for a key
// that known.def does not have, and for a value that refers to another key.
Overrides read_overrides(const std::vector<std::string>& arguments);

}  // namespace unlearn::openunlearning
