#include "openunlearning/command_line.h"

#include <algorithm>

#include "cli/shell_words.h"
#include "unlearn/core/strings.h"

namespace unlearn::openunlearning {

const std::vector<Experiment> kExperiments = {
#define OU_EXPERIMENT(...) {__VA_ARGS__},
#include "openunlearning/known.def"
#undef OU_EXPERIMENT
};
const std::vector<Trainer> kTrainers = {
#define OU_TRAINER(...) {__VA_ARGS__},
#include "openunlearning/known.def"
#undef OU_TRAINER
};
const std::vector<Pair> kModels = {
#define OU_MODEL(...) {__VA_ARGS__},
#include "openunlearning/known.def"
#undef OU_MODEL
};
const std::vector<Pair> kKeys = {
#define OU_KEY(...) {__VA_ARGS__},
#include "openunlearning/known.def"
#undef OU_KEY
};
namespace {

const std::vector<Pair> kReadKeys = {
#define OU_READ(key) {key, ""},
#include "openunlearning/known.def"
#undef OU_READ
};
const std::vector<Pair> kIdleKeys = {
#define OU_NOTHING(key) {key, ""},
#include "openunlearning/known.def"
#undef OU_NOTHING
};

bool is_variable(const std::string& name) {  // of the environment
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

void add_override(Overrides& result, const std::string& word) {
  const size_t equals = word.find('=');
  std::string key = word.substr(0, equals);
  if (equals == std::string::npos || key.starts_with("~")) {
    user_error(kFlag, "'", word, "' is no key=value");
  }
  if (key == "--config-name") return;
  key.erase(0, key.find_first_not_of('+'));
  std::string value = word.substr(equals + 1);
  if (value.find("${") != std::string::npos) {
    user_error(kFlag, key, ": '", value, "' refers to another key; write its value");
  }
  std::vector<std::string> known;
  for (const auto* keys : {&kKeys, &kReadKeys, &kIdleKeys}) {
    for (const Pair& entry : *keys) known.emplace_back(entry.first);
  }
  if (std::find(known.begin(), known.end(), key) == known.end()) {
    user_error(kFlag, "unknown key '", key, "'; the nearest known one is '", nearest(key, known),
               "' (docs/from-openunlearning.md)");
  }
  result.values[key] = value;
}

}  // namespace

Overrides read_overrides(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  if (arguments.size() == 1) {
    words = cli::shell_words(arguments.front());
  } else {
    words = arguments;
  }
  Overrides result;
  // What starts it: variables, a launcher with its flags, a script.
  const auto is_script = [](const std::string& word) { return word.ends_with(".py"); };
  const auto script = std::find_if(words.begin(), words.end(), is_script);
  const auto end = script == words.end() ? words.begin() : script + 1;
  const bool is_shared = std::find(words.begin(), end, "accelerate") != end ||
                         std::find(words.begin(), end, "torchrun") != end;
  for (auto word = words.begin(); word != end; ++word) {
    if (is_shared && word->starts_with("CUDA_VISIBLE_DEVICES=")) {
      result.processes = 1 + std::count(word->begin(), word->end(), ',');
    }
  }
  for (auto word = end; word != words.end(); ++word) {
    if (script == words.end() && is_variable(word->substr(0, word->find('=')))) continue;
    add_override(result, *word);
  }
  return result;
}

}  // namespace unlearn::openunlearning
