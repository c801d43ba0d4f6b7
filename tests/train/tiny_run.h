// What tests of training share: the tiny model and examples of tests/golden/train/trajectory.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "unlearn/config/settings.h"
#include "unlearn/core/files.h"
#include "unlearn/core/json.h"
#include "unlearn/core/strings.h"
#include "unlearn/train/trainer.h"

namespace unlearn::train {

inline const std::filesystem::path kGolden =
    std::filesystem::path(UNLEARN_TEST_DIR) / "golden/train/trajectory";

inline std::vector<data::Example> read_examples(const Json& rows, const std::string& name) {
  std::vector<data::Example> examples;
  for (const Json& row : rows) {
    data::Example example;
    example.tokens = row.at("tokens").get<std::vector<int32_t>>();
    example.labels = row.at("labels").get<std::vector<int32_t>>();
    example.num_labels = std::count_if(example.labels.begin(), example.labels.end(),
                                       [](int32_t label) { return label != data::kIgnored; });
    example.row = static_cast<int64_t>(examples.size());
    example.id = cat(name, ":", example.row);
    examples.push_back(std::move(example));
  }
  return examples;
}

inline std::unique_ptr<losses::Loss> make_loss(const std::string& name, const Json& options) {
  config::Settings settings;
  for (const auto& [key, value] : options.items()) settings.set("method." + key, value, "golden");
  auto loss = losses::find_method(name).make();
  config::SettingsReader reader(settings);
  reader.read("method", *loss);
  reader.claim("method");
  return loss;
}

}  // namespace unlearn::train
