#include "unlearn/config/settings.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <optional>
#include <set>
#include <sstream>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::config {
namespace fs = std::filesystem;
namespace {

constexpr int kMaxExtends = 16;
constexpr int kMaxNesting = 32;  // of maps; an alias inside its own anchor has no end
constexpr size_t kMaxBytes = size_t{1} << 20;
constexpr int64_t kMaxValues = 10'000;  // aliases count as what they stand for

// YAML 1.2 core schema: what an unquoted scalar means.
Json plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
    return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const std::string digits = text.front() == '-' || text.front() == '+' ? text.substr(1) : text;
  const bool numeric_start =
      !digits.empty() && (std::isdigit(static_cast<unsigned char>(digits.front())) != 0 ||
                          (digits.front() == '.' && digits.size() > 1));
  if (!numeric_start) return text;
  try {
    size_t used = 0;
    if (digits.find_first_not_of("0123456789") == std::string::npos) {
      const int64_t integer = std::stoll(text, &used);
      if (used == text.size()) return integer;
    }
    if (digits.find_first_not_of("0123456789.eE+-") == std::string::npos) {
      const double real = std::stod(text, &used);
      if (used == text.size()) return real;
    }
  } catch (const std::exception&) {  // out of range: stays text, the reader will name it
  }
  return text;
}

struct Flattener {
  std::string file;
  std::function<void(const std::string& key, Setting)> put;
  int64_t values = 0;

  std::string origin(const YAML::Node& node) const {
    const int line = node.Mark().line;
    return line >= 0 ? cat(file, ":", line + 1) : file;
  }

  Setting scalar(const YAML::Node& node) const {
    const bool quoted = node.Tag() == "!";  // is text, whatever it looks like
    return {quoted ? Json(node.Scalar()) : plain_scalar(node.Scalar()), origin(node)};
  }

  void count(const YAML::Node& node) {
    if (++values > kMaxValues) {
      user_error(origin(node), ": more than ", kMaxValues, " values, aliases counted as what they ",
                 "stand for");
    }
  }

  void walk(const std::string& key, const YAML::Node& node, int depth = 0) {
    count(node);
    if (depth > kMaxNesting) {
      user_error(origin(node), ": '", key.substr(0, key.find('.')),
                 "': maps go in a circle or are too deep");
    }
    switch (node.Type()) {
      case YAML::NodeType::Map:
        walk_map(key, node, depth);
        return;
      case YAML::NodeType::Sequence: {
        Json list = Json::array();
        for (const YAML::Node& item : node) {
          count(item);
          if (!item.IsScalar())
            user_error(origin(item), ": '", key, "': lists hold plain values only");
          list.push_back(scalar(item).value);
        }
        put(key, {list, origin(node)});
        return;
      }
      case YAML::NodeType::Scalar:
        put(key, scalar(node));
        return;
      default:
        if (!key.empty()) put(key, {Json(nullptr), origin(node)});
    }
  }

  void walk_map(const std::string& key, const YAML::Node& node, int depth) {
    if (node.size() == 0 && !key.empty()) put(key, {Json(nullptr), origin(node)});
    std::set<std::string> names;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) user_error(origin(node), ": keys must be plain text");
      const std::string name = entry.first.Scalar();
      const std::string whole = key.empty() ? name : cat(key, ".", name);
      if (!names.insert(name).second) user_error(origin(entry.first), ": '", whole, "' again");
      walk(whole, entry.second, depth + 1);
    }
  }
};

// Whether a document holds anything, and where it begins.
class ContentMark : public YAML::EventHandler {
 public:
  std::optional<YAML::Mark> mark;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark& at, YAML::anchor_t) override { note(at); }
  void OnScalar(const YAML::Mark& at, const std::string&, YAML::anchor_t,
                const std::string&) override {
    note(at);
  }
  void OnSequenceStart(const YAML::Mark& at, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    note(at);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& at, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    note(at);
  }
  void OnMapEnd() override {}

 private:
  void note(const YAML::Mark& at) {
    if (!mark) mark = at;
  }
};

// Not by YAML::LoadAll, which never returns from some malformed texts: it meets an empty document
// at the same place again and again.
void refuse_second_document(const std::string& content, const fs::path& file) {
  constexpr int kMostEmpty = 8;
  std::istringstream stream(content);
  YAML::Parser parser(stream);
  ContentMark first;
  if (!parser.HandleNextDocument(first)) return;
  for (int i = 0; i < kMostEmpty; ++i) {
    ContentMark next;
    if (!parser.HandleNextDocument(next)) return;
    if (next.mark) {
      user_error(file.string(), ":", next.mark->line + 1,
                 ": a second document begins; a config is one");
    }
  }
  user_error(file.string(), ": not valid YAML: what follows the first map is none of its keys");
}

// A dotted key beside its map says things again that no reader of YAML sees: train: {lr: 1} and
// train.lr: 2. `given`: the keys so far, to which this one is added.
void refuse_again(std::set<std::string>& given, const std::string& key, const std::string& origin) {
  const auto below = given.lower_bound(key + ".");
  bool is_again =
      !given.insert(key).second || (below != given.end() && below->starts_with(key + "."));
  for (size_t dot = key.find('.'); dot != std::string::npos; dot = key.find('.', dot + 1)) {
    is_again = is_again || given.count(key.substr(0, dot)) > 0;
  }
  if (is_again) user_error(origin, ": '", key, "' again");
}

// One document of a config. Two of one name in a map, and a second document, are mistakes that
// readers of YAML settle in silence.
YAML::Node read_document(const fs::path& file) {
  const std::string content = read_file(file);
  if (content.size() > kMaxBytes) {
    user_error(file.string(), ": ", content.size(), " bytes are too many for a config");
  }
  if (!is_valid_utf8(content)) user_error(file.string(), ": not valid UTF-8");
  if (content.find('\0') != std::string::npos) {
    user_error(file.string(), ": holds a NUL byte; a config is plain text");
  }
  refuse_second_document(content, file);
  return YAML::Load(content);
}

Settings load(const fs::path& file, const std::vector<fs::path>& presets, int depth) {
  if (depth > kMaxExtends) user_error(file.string(), ": 'extends' goes in a circle or is too deep");
  YAML::Node root;
  try {
    root = read_document(file);
  } catch (const YAML::Exception& error) {
    user_error(file.string(), ":", error.mark.line + 1, ": not valid YAML: ", error.msg);
  }
  if (!root.IsMap() && !root.IsNull()) {
    user_error(file.string(), ": a config is a map of keys, e.g. 'method: {name: simnpo}'");
  }
  Settings own;
  Settings result;
  std::string parent;
  std::set<std::string> given;
  Flattener{file.string(),
            [&](const std::string& key, Setting setting) {
              refuse_again(given, key, setting.origin);
              if (key == "extends") {
                if (!setting.value.is_string()) {
                  user_error(setting.origin, ": 'extends' takes the name of a config file");
                }
                parent = setting.value.get<std::string>();
                return;
              }
              own.set(key, setting.value, setting.origin);
            }}
      .walk("", root);
  if (!parent.empty()) {
    const fs::path sibling = file.parent_path() / parent;
    std::vector<fs::path> folders = {file.parent_path()};
    folders.insert(folders.end(), presets.begin(), presets.end());
    result = load(fs::exists(sibling) ? sibling : find_config(parent, folders), presets, depth + 1);
  }
  result.overlay(own);
  return result;
}

}  // namespace

Settings Settings::from_file(const fs::path& file, const std::vector<fs::path>& presets) {
  return load(file, presets, 0);
}

void Settings::put(const std::string& key, Setting setting) {
  // A scalar replaces a whole map of the same name, and a map's entry replaces a scalar.
  const std::string below = key + ".";
  for (auto it = values_.lower_bound(below); it != values_.end() && it->first.starts_with(below);) {
    it = values_.erase(it);
  }
  for (size_t dot = key.find('.'); dot != std::string::npos; dot = key.find('.', dot + 1)) {
    values_.erase(key.substr(0, dot));
  }
  setting.layer += layer_;
  values_[key] = std::move(setting);
}

void Settings::set(const std::string& key, Json value, const std::string& origin) {
  put(key, {std::move(value), origin});
}

void Settings::assign(const std::string& assignment, const std::string& origin) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    user_error(origin, ": '", assignment, "' is not of the form dotted.key=value");
  }
  const std::string key(trim(std::string_view(assignment).substr(0, equals)));
  const std::string text = assignment.substr(equals + 1);
  try {
    Flattener{origin,
              [&](const std::string& name, Setting setting) {
                setting.origin = origin;
                put(name, std::move(setting));
              }}
        .walk(key, text.empty() ? YAML::Node(YAML::NodeType::Null) : YAML::Load(text));
  } catch (const YAML::Exception& error) {
    user_error(origin, ": '", assignment, "': not valid YAML: ", error.msg);
  }
}

void Settings::overlay(const Settings& other) {
  begin_layer();
  for (const auto& [key, setting] : other.values_) put(key, setting);
  layer_ += other.layer_;
}

bool Settings::is_later(const std::string& key, const std::string& other) const {
  const Setting* ours = find(key);
  const Setting* theirs = find(other);
  return ours != nullptr && theirs != nullptr && ours->layer > theirs->layer;
}

const Setting* Settings::find(const std::string& key) const {
  const auto it = values_.find(key);
  return it == values_.end() ? nullptr : &it->second;
}

fs::path find_config(const std::string& name, const std::vector<fs::path>& folders) {
  std::vector<fs::path> places = {name};
  if (const char* extra = std::getenv("UNLEARN_CONFIG_DIR"); extra != nullptr && *extra != '\0') {
    places.push_back(fs::path(extra) / name);
  }
  for (const fs::path& folder : folders) places.push_back(folder / name);
  std::vector<std::string> looked;
  for (const fs::path& place : places) {
    for (const char* ending : {"", ".yaml"}) {
      const fs::path file = place.string() + ending;
      std::error_code ignored;
      if (fs::is_regular_file(file, ignored)) return file;
    }
    looked.push_back(place.string());
  }
  user_error("config '", name, "' not found; looked for ", join(looked, ", "),
             " (with and without .yaml)");
}

}  // namespace unlearn::config
