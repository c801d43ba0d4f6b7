#include "train/host_memory.h"

#include <gtest/gtest.h>

#include <limits>

#include "test_folder.h"

namespace unlearn::train {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

class GroupLimit : public ::testing::Test {
 protected:
  void limit(const std::string& file, int64_t gib) const {
    folder_.write("mounts/" + file, cat(gib * kGiB, "\n"));
  }
  int64_t of(const std::string& groups) const {
    return group_limit(folder_.write("groups", groups), folder_.path() / "mounts");
  }

  const TestFolder folder_;
};

TEST_F(GroupLimit, NestedGroupsOfVersion2) {
  limit("user.slice/memory.max", 8);
  limit("user.slice/job/memory.max", 4);
  folder_.write("mounts/user.slice/job/step/memory.max", "max\n");
  EXPECT_EQ(of("0::/user.slice/job/step\n"), 4 * kGiB);
  EXPECT_EQ(of("0::/user.slice/other\n"), 8 * kGiB);
  EXPECT_GT(of("0::/\n"), int64_t{1} << 60);
  EXPECT_EQ(of("1:name=systemd:/x\n0::/user.slice/job\n"), 4 * kGiB);
}

TEST_F(GroupLimit, NestedGroupsOfVersion1) {
  limit("memory/memory.limit_in_bytes", 64);
  limit("memory/slurm/uid_1/job_2/memory.limit_in_bytes", 16);
  limit("memory/slurm/uid_1/job_2/step_0/memory.limit_in_bytes", 32);
  EXPECT_EQ(of("9:cpu,cpuacct:/a\n4:memory:/slurm/uid_1/job_2/step_0/task_0\n"), 16 * kGiB);
  EXPECT_EQ(of("4:hugetlb,memory:/slurm\n"), 64 * kGiB);
  // In a container: the host's name, the container's root.
  EXPECT_EQ(of("4:memory:/docker/0123\n"), 64 * kGiB);
}

TEST_F(GroupLimit, BothAndNeither) {
  limit("unified/a/memory.max", 3);
  limit("memory/b/memory.limit_in_bytes", 5);
  EXPECT_EQ(of("4:memory:/b\n0::/a\n"), 3 * kGiB);
  EXPECT_GT(of(""), int64_t{1} << 60);
  EXPECT_GT(of("nonsense\n:\n"), int64_t{1} << 60);
}

}  // namespace
}  // namespace unlearn::train
