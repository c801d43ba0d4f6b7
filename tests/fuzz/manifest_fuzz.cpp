// The list of a folder's files. Whatever it says, nothing but what it names inside its folder may
// go: a witness beside it and one in the folder stay.
#include <cstdlib>
#include <fstream>

#include "fuzz.h"
#include "unlearn/core/manifest.h"

FUZZ_TARGET(manifest) {
  using unlearn::Manifest;
  namespace fs = std::filesystem;
  const fs::path folder = unlearn::fuzz::scratch_folder() / "own";
  static bool has_witnesses = false;
  if (!has_witnesses) {
    fs::create_directories(folder / "model");
    unlearn::fuzz::scratch_file("witness", "beside");
    unlearn::fuzz::scratch_file("own/model/foreign", "foreign");
    has_witnesses = true;
  }
  if (!fs::exists(folder / "listed")) unlearn::fuzz::scratch_file("own/listed", "listed");
  unlearn::fuzz::scratch_file(std::string("own/") + Manifest::kName, input);
  unlearn::fuzz::attempt([&] {
    if (const auto manifest = Manifest::read(folder)) {
      manifest->first_damage(folder);
      for (const std::string& name : manifest->names()) manifest->is_own(folder, name);
    }
    unlearn::foreign_entries(folder);
    unlearn::changed_entries(folder);
    unlearn::remove_own(folder);
  });
  if (!fs::exists(unlearn::fuzz::scratch_folder() / "witness")) std::abort();
  if (!fs::exists(folder / "model/foreign")) std::abort();
}
