// Layered settings: defaults, method defaults, extended files, the config file, --set and flags,
// each value remembering where it came from so that an error can say so.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "unlearn/config/fields.h"

namespace unlearn::config {

// One value with its origin ("tofu.yaml:12", "--set", "--beta").
struct Setting {
  Json value;  // null, boolean, number, text or list of those
  std::string origin;
  int64_t layer = 0;  // later layers have higher numbers
};

// Dotted keys -> settings; later layers overwrite earlier ones.
class Settings {
 public:
  // Reads a YAML file; a top-level `extends: other.yaml` (beside the file, or in one of `presets`)
  // is read first.
  static Settings from_file(const std::filesystem::path& file,
                            const std::vector<std::filesystem::path>& presets = {});

  // One "dotted.key=value"; the value is read as YAML. `origin` names the flag.
  void assign(const std::string& assignment, const std::string& origin);
  void set(const std::string& key, Json value, const std::string& origin);
  // Every setting of `other` overwrites ours; its layers lie above ours.
  void overlay(const Settings& other);
  // What is assigned or set from now on lies above all there is.
  void begin_layer() { ++layer_; }
  void erase(const std::string& key) { values_.erase(key); }
  // Whether `key` was set in a later layer than `other`; both must be there.
  bool is_later(const std::string& key, const std::string& other) const;

  bool contains(const std::string& key) const { return values_.contains(key); }
  const Setting* find(const std::string& key) const;
  const std::map<std::string, Setting>& values() const { return values_; }

 private:
  void put(const std::string& key, Setting setting);
  std::map<std::string, Setting> values_;
  int64_t layer_ = 0;
};

// Finds a config named on the command line: as a path, then in $UNLEARN_CONFIG_DIR, then in each of
// `folders`; ".yaml" may be left out. UserError lists where it looked.
std::filesystem::path find_config(const std::string& name,
                                  const std::vector<std::filesystem::path>& folders);

// Reads structs out of settings and remembers which keys are known.
class SettingsReader {
 public:
  explicit SettingsReader(const Settings& settings) : settings_(settings) {}

  // Fills `section` (a struct with visit) from the keys below `prefix` ("train"); "" is the root.
  // UserError names origin, key, what was found and what would be right.
  template <class Section>
  void read(const std::string& prefix, Section& section) {
    const auto visitor = make_visitor(prefix);
    section.visit(*visitor);
  }
  // Marks a key (and all below it) as known without reading it.
  void claim(const std::string& key) { claimed_.push_back(key); }
  // The subtree below `prefix` as nested JSON (for free-form maps); marks it as known.
  Json subtree(const std::string& prefix);
  // UserError for the first setting nobody asked for, naming the nearest known key.
  void refuse_unknown() const;

 private:
  class Visitor;
  std::unique_ptr<FieldVisitor> make_visitor(const std::string& prefix);
  const Settings& settings_;
  std::vector<std::string> known_;
  std::vector<std::string> claimed_;
};

// A JSON object as block YAML; texts are quoted where YAML would read them as something else.
std::string to_yaml(const Json& object);

}  // namespace unlearn::config
