// adapter_config.json of a LoRA adapter (PEFT's LoraConfig) as checked values.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "unlearn/core/json.h"
#include "unlearn/core/pattern.h"

namespace unlearn::model {

// What PEFT does to a layer's weight when it puts a pair beside it.
enum class AdapterStart {
  kPlain,  // nothing
  kPissa,  // takes away the weight's first r singular components (arXiv 2404.02948)
  kOlora,  // takes away scale * Q_r R_r of its QR decomposition (arXiv 2406.01775)
};

// Every key is read, known to have no effect on a loaded adapter, or refused by name unless it is
// off (null, false or empty). UserError "<file>: <key>: …".
class AdapterConfig {
 public:
  explicit AdapterConfig(const std::filesystem::path& file);

  // Whether PEFT puts a pair beside the module of that name: target_modules, exclude_modules,
  // layers_to_transform and layers_pattern. "all-linear" means the linear layers but the head.
  bool targets(const std::string& module, bool is_inner_linear) const;
  int64_t rank(const std::string& layer) const;
  // alpha / rank, or alpha / sqrt(rank).
  double scale(const std::string& layer) const;
  AdapterStart start() const { return start_; }
  std::string target_text() const;  // target_modules as they stand in the file

  [[noreturn]] void refuse(const std::string& key, const std::string& message) const;

 private:
  // Names that a list gives as a whole or by their last parts, or one pattern for whole names.
  struct Modules {
    std::vector<std::string> names;
    std::unique_ptr<Pattern> pattern;
    bool contains(const std::string& module) const;
  };
  struct LayerNumber {  // of a kind of layer that a pattern names
    Pattern pattern;
    double value;
  };

  void check_keys() const;
  void read_start();
  void read_layers();
  Modules read_modules(const std::string& key) const;
  double read_number(const std::string& key, double at_least) const;
  std::vector<LayerNumber> read_patterns(const std::string& key) const;
  bool is_transformed_layer(const std::string& module) const;

  std::string file_;
  Json json_;
  AdapterStart start_ = AdapterStart::kPlain;
  bool is_all_linear_ = false;
  bool has_root_scale_ = false;
  Modules targets_, excluded_;
  std::vector<int64_t> layers_;              // empty: all
  std::vector<std::string> layer_patterns_;  // before a layer's number; empty: any
  double rank_ = 0, alpha_ = 0;
  std::vector<LayerNumber> ranks_, alphas_;
};

}  // namespace unlearn::model
