// What is built in: the content of `unlearn list`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "unlearn/core/json.h"

namespace unlearn::run {

// A list of things that are chosen by name.
struct Catalogue {
  const char* name;  // "methods", "settings", …
  // An array of objects with "name" and "help", and what else there is to say: "aliases",
  // "parameters" (objects as those of "settings": "name", "type", "default", "range", "help"),
  // "defaults", "compat", "model_types", "template", "reported_as", "needs", "command", "file".
  Json (*make)();
};

// All lists, in the order in which they are shown.
const std::vector<Catalogue>& catalogues();

// By its name; UserError names the nearest.
const Catalogue& find_catalogue(const std::string& wanted);
// The entries of one name (case, "-" and "_" do not matter) or, of settings, one section; all with
// an empty one. UserError for one that is not there.
Json find_entries(const Catalogue& list, const std::string& wanted);

// For suggestions and completions: the names of the catalogues, and those in one of them ("methods"
// with their other spellings, "settings" as dotted keys).
std::vector<std::string> catalogue_names();
std::vector<std::string> names_in(const std::string& catalogue);

// Folders that `--config NAME` is looked for in: the installed share/unlearn/configs next to the
// program, and the source tree's configs/.
std::vector<std::filesystem::path> config_folders();

// A path that a preset names: as it is, or, where nothing is there and it begins with "data/", the
// file or folder of that name that the program brings along (installed, or in the source tree).
std::string find_bundled(const std::string& path);

}  // namespace unlearn::run
