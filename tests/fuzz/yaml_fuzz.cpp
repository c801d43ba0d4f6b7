// A config file, and the value of a --set.
#include "fuzz.h"
#include "unlearn/config/settings.h"

FUZZ_TARGET(yaml) {
  using unlearn::config::Settings;
  const auto file = unlearn::fuzz::scratch_file("config.yaml", input);
  unlearn::fuzz::attempt([&] {
    const Settings settings = Settings::from_file(file);
    unlearn::config::SettingsReader reader(settings);
    const unlearn::Json tree = reader.subtree("");
    if (tree.is_object()) unlearn::config::to_yaml(tree);
  });
  unlearn::fuzz::attempt([&] { Settings().assign(std::string(input.substr(0, 200)), "--set"); });
}
