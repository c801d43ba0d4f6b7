// Reference quirks of a run as a whole (train.compat).
#include <algorithm>

#include "losses/methods.h"

namespace unlearn::losses {

const std::vector<Quirk>& run_quirks() {
  static const std::vector<Quirk> quirks = {
      {kPadIsMasked,
       "OpenUnlearning: every position whose token is the pad token (EOS where there is none) is "
       "hidden from attention, in prompts and answers too"}};
  return quirks;
}

bool names_quirk(const std::vector<std::string>& names, const std::string& quirk) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return canonical_name(name) == canonical_name(quirk);
  });
}

}  // namespace unlearn::losses
