#include "unlearn/metrics/registry.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

namespace unlearn::metrics {
namespace {

TEST(Registry, ListAndFolderAgree) {
  std::set<std::string> listed, files;
  for (const Metric& metric : registered_metrics()) {
    EXPECT_TRUE(listed.insert(metric.name).second) << metric.name << " is listed twice";
  }
  for (const auto& entry : std::filesystem::directory_iterator(UNLEARN_SOURCE_DIR "/src/metrics")) {
    const std::filesystem::path& path = entry.path();
    if (path.extension() == ".cpp" && path.stem() != "registry") files.insert(path.stem());
  }
  EXPECT_EQ(listed, files);
}

TEST(Registry, EveryMetricSaysWhatItIs) {
  std::set<std::string> keys;
  for (const Metric& metric : registered_metrics()) {
    EXPECT_FALSE(metric.help.empty()) << metric.name;
    EXPECT_EQ(metric.help.find('\n'), std::string::npos) << metric.name;
    EXPECT_LE(metric.help.size(), 100U) << metric.name;
    EXPECT_FALSE(metric.needs.empty()) << metric.name;
    for (const Need need : metric.needs) EXPECT_STRNE(need_name(need), "");
    for (const std::string& key : metric.keys) {
      EXPECT_TRUE(keys.insert(key).second) << key << " belongs to two metrics";
    }
    EXPECT_EQ((metric.attack != nullptr) + (metric.score != nullptr) + !metric.made_of.empty(), 1)
        << metric.name << " must say how it is computed";
    if (!metric.made_of.empty()) {
      EXPECT_NE(find_metric(metric.made_of), nullptr);
    }
    EXPECT_EQ(metric.keys, std::vector<std::string>{metric.name});
    EXPECT_EQ(find_metric(metric.name), &metric);
  }
  EXPECT_EQ(find_metric("nothing"), nullptr);
}

}  // namespace
}  // namespace unlearn::metrics
