// Whether what a run of `unlearn forget` or `unlearn remove` recorded is still so.
#pragma once

#include <filesystem>
#include <string>

namespace unlearn::run {

struct VerifyRequest {
  std::filesystem::path folder;
  bool measure = false;  // also measure the result again (of a verdict)
  // Train again, from where the replay began or from the original model, and compare the weights
  // (of a certificate). The new run is left beside the folder.
  bool replay = false, retrain = false;
  std::string device = "auto";
};

// Compares the hashes that verdict.json or certificate.json names (models, data, result, program)
// with the files as they are, and what else is asked for. Prints a line for each. Returns 0 when
// nothing differs but the program, else 4. UserError for a folder without either.
int verify(const VerifyRequest& request);

}  // namespace unlearn::run
