// Whether what a run of `unlearn forget` recorded is still so.
#pragma once

#include <filesystem>
#include <string>

namespace unlearn::run {

struct VerifyRequest {
  std::filesystem::path folder;
  bool measure = false;  // also measure the result again
  std::string device = "auto";
};

// Compares the hashes that verdict.json names (model, data, result, program) with the files as they
// are, and with `measure` the figures with new ones of the saved model. Prints a line for each.
// Returns 0 when nothing differs but the program, else 4. UserError for a folder without a verdict.
int verify(const VerifyRequest& request);

}  // namespace unlearn::run
