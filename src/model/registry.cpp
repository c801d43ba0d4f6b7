#include <algorithm>

#include "model/family.h"
#include "unlearn/core/error.h"
#include "unlearn/core/strings.h"

namespace unlearn::model {

#define FAMILY(name) Family make_##name();
#include "model/families.def"
#undef FAMILY

namespace {

const std::vector<Family>& all_families() {
  static const std::vector<Family> families{
#define FAMILY(name) make_##name(),
#include "model/families.def"
#undef FAMILY
  };
  return families;
}

}  // namespace

const Family& find_family(const checkpoint::HfConfig& config) {
  std::vector<std::string> known;
  for (const Family& family : all_families()) {
    for (const std::string& type : family.info.model_types) {
      if (type == config.model_type()) return family;
      known.push_back(type);
    }
  }
  config.refuse("model_type", "'", config.model_type(), "' is not supported",
                did_you_mean(config.model_type(), known), "; supported: ", join(known, ", "));
}

std::vector<FamilyInfo> families() {
  std::vector<FamilyInfo> infos;
  for (const Family& family : all_families()) infos.push_back(family.info);
  return infos;
}

const FamilyInfo& family_of(const Json& hf_config) {
  return find_family(checkpoint::HfConfig(hf_config)).info;
}

std::string prompt_template_of(const Json& hf_config) {
  const checkpoint::HfConfig config(hf_config);
  const Family& family = find_family(config);
  return family.choose_template == nullptr ? family.info.prompt_template
                                           : family.choose_template(config);
}

}  // namespace unlearn::model
