#include "train/update/updates.h"

namespace unlearn::train {

const std::vector<Registered<UpdateRule>>& updates() {
  static const std::vector<Registered<UpdateRule>> all = {
#define UPDATE(name) update_##name(),
#include "train/update/updates.def"
#undef UPDATE
  };
  return all;
}

}  // namespace unlearn::train
