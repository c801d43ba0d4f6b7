// A Hugging Face model folder: config.json as checked values, and what belongs to it.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "unlearn/core/json.h"
#include "unlearn/core/strings.h"
#include "unlearn/core/written_file.h"

namespace unlearn::checkpoint {

// How a family's config.json spells the rotary settings that stand outside of rope_parameters, and
// what they are when absent.
struct RopeKeys {
  std::string theta = "rope_theta";
  double default_theta = 10000.0;
  std::string partial = "partial_rotary_factor";
  double default_partial = 1.0;
  // Not empty: sliding and full layers rotate differently (Gemma-3). transformers 5.x then has one
  // object per layer type in rope_parameters, 4.x this key for the sliding layers' base.
  std::string local_theta = "";
  double default_local_theta = 10000.0;
};

// A view of config.json's object. A key that is null counts as absent, as in transformers. Errors
// are UserErrors "<where>: <key>: …".
class HfConfig {
 public:
  explicit HfConfig(Json object, std::string where = "config.json");

  const Json& json() const { return object_; }
  const std::string& where() const { return where_; }
  const std::string& model_type() const { return model_type_; }

  bool has(const std::string& key) const;  // present and not null
  // A whole number in [1, limit]: sizes and counts, bounded so that products cannot overflow.
  int64_t size(const std::string& key, int64_t limit = kMaxSize) const;
  int64_t size_or(const std::string& key, int64_t fallback, int64_t limit = kMaxSize) const;
  // A finite number.
  double number(const std::string& key) const;
  double number_or(const std::string& key, double fallback) const;
  // A finite number that is not negative.
  double epsilon_or(const std::string& key, double fallback) const;
  bool boolean_or(const std::string& key, bool fallback) const;
  std::string text_or(const std::string& key, const std::string& fallback) const;
  // A list of strings; empty when absent.
  std::vector<std::string> texts(const std::string& key) const;

  // A list of finite numbers; empty when absent.
  std::vector<double> numbers(const std::string& key) const;

  // The rotary settings in one spelling, read from transformers 5.x's `rope_parameters` or from
  // 4.x's `rope_theta`, `rope_scaling` and `partial_rotary_factor`: an HfConfig of {rope_type,
  // rope_theta, …} whose errors name the key it was found under. With two kinds of layers, those of
  // the full-attention layers.
  HfConfig rope(const RopeKeys& keys = {}) const;
  // Those of the sliding layers of a family with `keys.local_theta`.
  HfConfig local_rope(const RopeKeys& keys) const;

  // UserError "<where>: <key>: <message>".
  template <class... Args>
  [[noreturn]] void refuse(const std::string& key, const Args&... message) const {
    refuse_text(key, cat(message...));
  }

  static constexpr int64_t kMaxSize = int64_t{1} << 24;

 private:
  struct NoModelType {};
  HfConfig(NoModelType, Json object, std::string where);
  HfConfig rope_view(const std::string& key, const std::string& layer_type) const;
  [[noreturn]] void refuse_text(const std::string& key, const std::string& message) const;

  Json object_;
  std::string where_;
  std::string model_type_;
};

// Reads <folder>/config.json. UserError when the folder is not there, has no config.json, or that
// is not an object with a `model_type`.
HfConfig open_hf_folder(const std::filesystem::path& folder);

// The same config for a model stored as `dtype`, with every setting that changed its name between
// transformers 4.x and 5.x under both names (dtype and torch_dtype; rope_parameters and rope_theta,
// rope_scaling, partial_rotary_factor or the family's own keys). auto_map is left out: it names
// Python files that are no part of what is saved. Other keys stay as they are, in their order.
Json portable_config(const HfConfig& config, torch::Dtype dtype, const RopeKeys& keys = {});

// UserError when a file of a model folder is a link that leaves it, other than into the blobs of
// the Hugging Face cache: a folder from elsewhere must not make its user's files part of a model.
void check_stays(const std::filesystem::path& folder, const std::string& name);

// Files besides config and weights that belong to a model: tokenizer, chat templates, generation
// and preprocessor settings. Those that exist in `source`, byte for byte, and with them the
// folder's Python files when one of these settings names them (auto_map); they are never run.
using FileContents = std::vector<std::pair<std::string, std::string>>;
FileContents read_companion_files(const std::filesystem::path& source);
// Makes the folders that names like "additional_chat_templates/tool.jinja" need.
WrittenFiles write_files(const std::filesystem::path& folder, const FileContents& files);
WrittenFiles copy_companion_files(const std::filesystem::path& source,
                                  const std::filesystem::path& destination);

}  // namespace unlearn::checkpoint
