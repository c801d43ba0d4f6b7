// A thing chosen by its name in the settings, with its own settings beside the name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "unlearn/config/settings.h"
#include "unlearn/core/error.h"
#include "unlearn/core/json.h"

namespace unlearn::train {

// One entry of a registry.
template <class Thing>
struct Registered {
  std::string name;
  std::string help;  // one line
  std::unique_ptr<Thing> (*make)();
};

// What the settings say: a name of the registry, and values of the thing's own fields. Fields that
// are not named have their defaults.
struct Choice {
  std::string name;
  Json values = Json::object();
};

template <class Thing>
std::vector<std::string> names_of(const std::vector<Registered<Thing>>& registry) {
  std::vector<std::string> names;
  for (const auto& entry : registry) names.push_back(entry.name);
  return names;
}

// The chosen thing with the values filled in.
template <class Thing>
std::unique_ptr<Thing> make_chosen(const std::vector<Registered<Thing>>& registry,
                                   const Choice& choice) {
  for (const auto& entry : registry) {
    if (entry.name != choice.name) continue;
    auto thing = entry.make();
    config::Settings settings;
    for (const auto& [key, value] : choice.values.items()) settings.set(key, value, choice.name);
    config::SettingsReader reader(settings);
    reader.read("", *thing);
    reader.refuse_unknown();
    return thing;
  }
  const std::vector<std::string> names = names_of(registry);
  user_error("unknown name '", choice.name, "'", did_you_mean(choice.name, names),
             "; known: ", join(names, ", "));
}

// Shows the chosen thing's own fields to the visitor and keeps what it sets.
template <class Thing>
void visit_chosen(const std::vector<Registered<Thing>>& registry, Choice& choice,
                  config::FieldVisitor& visitor) {
  const auto thing = make_chosen(registry, choice);
  thing->visit(visitor);
  config::FieldDumper values;
  thing->visit(values);
  choice.values = values.json();
}

}  // namespace unlearn::train
