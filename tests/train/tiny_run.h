// What tests of training share: the tiny model and examples of tests/golden/train/trajectory.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "train/token_rows.h"
#include "unlearn/config/settings.h"
#include "unlearn/core/files.h"
#include "unlearn/core/json.h"
#include "unlearn/train/trainer.h"

namespace unlearn::train {

inline const std::filesystem::path kGolden =
    std::filesystem::path(UNLEARN_TEST_DIR) / "golden/train/trajectory";

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
