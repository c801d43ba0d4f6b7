// model.template: auto must find a template for every family.
#include <gtest/gtest.h>

#include <algorithm>

#include "unlearn/data/dataset.h"
#include "unlearn/model/causal_lm.h"

namespace unlearn::run {
namespace {

TEST(Templates, EveryFamilysDefaultExists) {
  const auto names = data::template_names();
  ASSERT_GE(model::families().size(), 13U);
  for (const model::FamilyInfo& family : model::families()) {
    EXPECT_NE(std::find(names.begin(), names.end(), family.prompt_template), names.end())
        << family.name << " says " << family.prompt_template;
  }
  const Json llama3{{"model_type", "llama"}, {"vocab_size", 128256}};
  EXPECT_EQ(data::named_template(model::prompt_template_of(llama3)).name, "llama3");
}

}  // namespace
}  // namespace unlearn::run
