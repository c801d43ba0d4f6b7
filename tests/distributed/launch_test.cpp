#include "unlearn/distributed/launch.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "unlearn/core/error.h"

namespace unlearn::distributed {
namespace {

// Sets variables for one test; all that launchers set are absent otherwise.
class LaunchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : kNames) {
      const char* value = std::getenv(name);
      if (value != nullptr) before_[name] = value;
      unsetenv(name);
    }
  }
  void TearDown() override {
    for (const char* name : kNames) unsetenv(name);
    for (const auto& [name, value] : before_) setenv(name.c_str(), value.c_str(), 1);
  }
  static void set(const std::map<std::string, std::string>& variables) {
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  }
  static std::string refusal() {
    try {
      launch_from_environment();
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  }

  static constexpr const char* kNames[] = {"RANK",
                                           "WORLD_SIZE",
                                           "LOCAL_RANK",
                                           "MASTER_ADDR",
                                           "MASTER_PORT",
                                           "TORCHELASTIC_USE_AGENT_STORE",
                                           "TORCHELASTIC_RESTART_COUNT",
                                           "OMPI_COMM_WORLD_RANK",
                                           "OMPI_COMM_WORLD_SIZE",
                                           "OMPI_COMM_WORLD_LOCAL_RANK",
                                           "OMPI_COMM_WORLD_LOCAL_SIZE",
                                           "SLURM_PROCID",
                                           "SLURM_STEP_NUM_TASKS",
                                           "SLURM_LOCALID",
                                           "SLURM_STEP_NODELIST",
                                           "SLURM_NTASKS",
                                           "SLURM_JOB_ID"};
  std::map<std::string, std::string> before_;
};

TEST_F(LaunchTest, NothingSaidIsOneProcess) {
  EXPECT_EQ(launch_from_environment().size, 1);
  set({{"WORLD_SIZE", "1"}, {"RANK", "0"}});
  EXPECT_EQ(launch_from_environment().size, 1);
}

TEST_F(LaunchTest, Torchrun) {
  set({{"RANK", "5"},
       {"WORLD_SIZE", "8"},
       {"LOCAL_RANK", "1"},
       {"MASTER_ADDR", "node1"},
       {"MASTER_PORT", "4321"},
       {"TORCHELASTIC_USE_AGENT_STORE", "True"},
       {"TORCHELASTIC_RESTART_COUNT", "2"}});
  const Launch launch = launch_from_environment();
  EXPECT_EQ(launch.rank, 5);
  EXPECT_EQ(launch.size, 8);
  EXPECT_EQ(launch.local_rank, 1);
  EXPECT_EQ(launch.address, "node1");
  EXPECT_EQ(launch.port, 4321);
  EXPECT_TRUE(launch.is_hosted);
  EXPECT_EQ(launch.attempt, "2");
}

TEST_F(LaunchTest, SlurmsStepNotItsBatchScript) {
  set({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}});
  EXPECT_EQ(launch_from_environment().size, 1);
  set({{"SLURM_PROCID", "3"},
       {"SLURM_STEP_NUM_TASKS", "4"},
       {"SLURM_LOCALID", "1"},
       {"SLURM_JOB_ID", "1234567"},
       {"SLURM_STEP_NODELIST", "gpu[007-008,12]"}});
  Launch launch = launch_from_environment();
  EXPECT_EQ(launch.rank, 3);
  EXPECT_EQ(launch.size, 4);
  EXPECT_EQ(launch.local_rank, 1);
  EXPECT_EQ(launch.address, "gpu007");
  EXPECT_EQ(launch.port, 29500 + 4567);
  set({{"SLURM_STEP_NODELIST", "alpha,beta"}});
  EXPECT_EQ(launch_from_environment().address, "alpha");
}

TEST_F(LaunchTest, OpenMpiOnOneMachine) {
  set({{"OMPI_COMM_WORLD_RANK", "1"},
       {"OMPI_COMM_WORLD_SIZE", "2"},
       {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
       {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  const Launch launch = launch_from_environment();
  EXPECT_EQ(launch.rank, 1);
  EXPECT_EQ(launch.address, "127.0.0.1");
}

TEST_F(LaunchTest, TellsWhatIsWrong) {
  set({{"WORLD_SIZE", "two"}});
  EXPECT_EQ(refusal(), "WORLD_SIZE: must be a whole number from 1 to 65536, not 'two'");
  set({{"WORLD_SIZE", "2"}});
  EXPECT_NE(refusal().find("RANK is not set"), std::string::npos);
  set({{"RANK", "2"}});
  EXPECT_EQ(refusal(), "RANK: must be a whole number from 0 to 1, not '2'");
  set({{"RANK", "1"}});
  EXPECT_NE(refusal().find("MASTER_ADDR: not set"), std::string::npos);
  set({{"MASTER_ADDR", "127.0.0.1"}, {"MASTER_PORT", "70000"}});
  EXPECT_EQ(refusal(), "MASTER_PORT: must be a whole number from 1 to 65535, not '70000'");
}

}  // namespace
}  // namespace unlearn::distributed
