// 50 optimizer steps of each method against an independent PyTorch loop that pads, runs two
// forwards and keeps a second model (scripts/goldens/trajectory.py; trajectory_ou.py with
// OpenUnlearning's attention mask and the Hugging Face Trainer's steps).
#include <gtest/gtest.h>

#include <future>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "test_gpu.h"
#include "train/tiny_run.h"
#include "unlearn/core/error.h"
#include "unlearn/losses/compat.h"

namespace unlearn::train {
namespace {
namespace fs = std::filesystem;

TrainConfig common_config() {
  TrainConfig config;
  config.epochs = 20;  // 10 rows, batch 4: 50 steps
  config.batch_size = 4;
  config.lr = 2e-4;
  config.warmup_epochs.reset();
  config.warmup_steps = 5;
  config.shuffle = false;
  config.save_every = "never";
  return config;
}

// One process's model and what it did.
struct Replica {
  std::shared_ptr<model::CausalLM> model;
  std::unique_ptr<losses::Loss> loss;
  std::vector<StepRecord> records;
};

class GoldenTrajectory : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    golden_ = read_json(kGolden / "runs.json").value(GetParam(), Json());
    if (golden_.is_null()) golden_ = read_json(kGolden / "updates.json").value(GetParam(), Json());
    const bool is_ou = golden_.is_null();
    if (is_ou) golden_ = read_json(kGolden / "runs_ou.json").at(GetParam());
    const Json examples = read_json(kGolden / (is_ou ? "examples_ou.json" : "examples.json"));
    forget_ = read_examples(examples.at("forget"), "forget");
    retain_ = read_examples(examples.at("retain"), "retain");
    alternate_ = read_examples(examples.at("alternate"), "alternate");
    folder_ = fs::path(::testing::TempDir()) / ("unlearn_trajectory_" + GetParam());
    fs::remove_all(folder_);
    decorate();
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<losses::Loss> golden_loss() const {
    const auto name = golden_.at("method").get<std::string>();
    auto loss = make_loss(name, golden_.at("options"));
    losses::enable_quirks(*loss, name, golden_.at("compat"));
    return loss;
  }

  // The Trainer's run has micro-batches whose means are averaged.
  bool is_counted() const { return golden_.contains("trainer"); }

  TrainConfig golden_config() const {
    TrainConfig config = common_config();
    if (golden_.contains("update")) {
      config.update = {golden_["update"].at("name").get<std::string>(), golden_["update"]};
      config.update.values.erase("name");
    }
    if (!is_counted()) return config;
    const Json& counts = golden_["trainer"];
    config.step_count = StepCount::kTrainer;
    config.averaging = Averaging::kMicroBatchMean;
    config.epochs = counts.at("epochs");
    config.batch_size = counts.at("batch_size");
    config.micro_batch_size = counts.at("micro_batch_size").get<int64_t>();
    return config;
  }

  Replica train(const TrainConfig& config,
                const distributed::Group& group = distributed::alone()) const {
    Replica replica{.model = model::load_model(kGolden / "model", torch::kFloat32, device_),
                    .loss = golden_loss(),
                    .records = {}};
    replica.loss->start(model_facts(replica.model->dims(), config));
    const losses::Needs wanted = replica.loss->needs();
    TrainerInputs inputs{.model = replica.model.get(),
                         .loss = replica.loss.get(),
                         .data = {&forget_, wanted.retain ? &retain_ : nullptr,
                                  wanted.alternate ? &alternate_ : nullptr},
                         .pairing = data::Pairing::kCyclic,
                         .alternate_per_forget = wanted.alternate,
                         .config = config,
                         .group = &group};
    std::optional<scoring::ReferenceCache> reference;
    const fs::path path = folder_ / cat(group.rank());
    RunFolder folder(path, ExistingOutput::kRefuse);
    if (const auto needs = reference_needs(inputs); needs.any()) {
      reference = scoring::ReferenceCache::open_or_build(path / "reference", *replica.model, "tiny",
                                                         needs, 64);
      inputs.reference = &*reference;
    }
    Trainer trainer(inputs, folder, {.on_step = [&](const StepRecord& record, int64_t) {
                      replica.records.push_back(record);
                    }});
    // RMU's random direction is the loop's.
    if (golden_.at("options").contains("direction")) {
      replica.loss->load_state({{"direction", golden_.at("options").at("direction")}});
    }
    trainer.run();
    return replica;
  }

  // Threads stand for the processes of a run.
  std::vector<Replica> train_together(const TrainConfig& config, int64_t processes) const {
    const auto store = c10::make_intrusive<c10d::HashStore>();
    std::vector<std::future<Replica>> running;
    for (int64_t rank = 0; rank < processes; ++rank) {
      running.push_back(std::async(std::launch::async, [&, rank] {
        const distributed::Group group(store, rank, processes);
        return train(config, group);
      }));
    }
    std::vector<Replica> replicas;
    for (auto& one : running) replicas.push_back(one.get());
    return replicas;
  }

  // What the reference quirks do to the examples, as the loop does it.
  void decorate() {
    const bool pads = !golden_.at("padding").is_null();
    losses::RunExamples examples;
    examples.forget = &forget_;
    examples.retain = &retain_;
    examples.alternate = &alternate_;
    examples.benchmark = "wmdp";
    if (pads) {
      examples.max_length = golden_["padding"].at("length").get<int64_t>();
      examples.eos = golden_["padding"].at("token").get<int32_t>();
    }
    if (golden_.contains("masked")) examples.pad = golden_["masked"].get<int32_t>();
    losses::decorate_examples(*golden_loss(), golden_.at("compat"), examples);
    const auto is_padded = [](const data::Example& one) { return one.num_appended > 0; };
    EXPECT_EQ(std::any_of(forget_.begin(), forget_.end(), is_padded) ||
                  std::any_of(retain_.begin(), retain_.end(), is_padded),
              pads);
  }
  // What is longest depends on how a step is cut, and so do means of means.
  bool depends_on_cut() const {
    if (is_counted()) return true;
    return golden_.at("padding").is_object() && golden_["padding"].value("longest", false);
  }

  // Largest difference between the final weights and the loop's, over the stored samples.
  double weight_error(const model::CausalLM& model) const {
    double worst = 0;
    for (const auto& item : model.named_parameters()) {
      const auto samples = golden_.at("final").at(item.key()).get<std::vector<double>>();
      const torch::Tensor flat = item.value().detach().cpu().flatten();
      const int64_t stride = std::max<int64_t>(1, flat.numel() / 64);
      for (size_t i = 0; i < samples.size(); ++i) {
        const double value = flat[static_cast<int64_t>(i) * stride].item<double>();
        worst = std::max(worst, std::abs(value - samples[i]));
      }
    }
    return worst;
  }

  void compare(const Replica& replica) const {
    const std::vector<StepRecord>& records = replica.records;
    const Json& steps = golden_.at("steps");
    ASSERT_EQ(records.size(), steps.size());
    for (size_t i = 0; i < records.size(); ++i) {
      const double loss = steps[i].at("loss").get<double>();
      EXPECT_NEAR(records[i].loss, loss, 1e-4 * std::abs(loss)) << "step " << i;
      const double forget = steps[i].at("forget").get<double>();
      EXPECT_NEAR(records[i].terms.at(0).second, forget, 1e-4 * std::abs(forget)) << "step " << i;
      if (is_counted()) {
        EXPECT_EQ(records[i].forget_rows, steps[i].at("rows").get<std::vector<int64_t>>());
      }
      const double norm = steps[i].at("grad_norm").get<double>();
      EXPECT_NEAR(records[i].grad_norm, norm, 1e-3 * norm) << "step " << i;
    }
    EXPECT_LE(weight_error(*replica.model), 1e-5);
  }

  torch::Device device_ = torch::kCPU;
  std::vector<data::Example> forget_, retain_, alternate_;
  Json golden_;
  fs::path folder_;
};

TEST_P(GoldenTrajectory, FollowsTheLoop) { compare(train(golden_config())); }

// A token budget that cuts every step into several micro-batches gives the same steps.
TEST_P(GoldenTrajectory, CuttingAStepChangesNothing) {
  if (depends_on_cut()) GTEST_SKIP() << "what is longest depends on the cut";
  TrainConfig config = golden_config();
  config.batch_tokens = 30;
  compare(train(config));
}

// Means of means are of the same micro-batches whoever runs them. PDU's step by step cannot be
// shared.
TEST_P(GoldenTrajectory, SharingMicroBatchesChangesNothing) {
  if (!is_counted() || golden_loss()->needs().is_sequential) GTEST_SKIP();
  if (GetParam().ends_with("_shorter")) GTEST_SKIP() << "has steps of a single micro-batch";
  for (const Replica& replica : train_together(golden_config(), 2)) compare(replica);
}

// So do processes that share every step and the optimizer's state; all end with the same weights.
TEST_P(GoldenTrajectory, SharingAStepChangesNothing) {
  if (depends_on_cut()) GTEST_SKIP() << "what is longest depends on the cut";
  const std::vector<Replica> replicas = train_together(golden_config(), 3);
  for (const Replica& replica : replicas) {
    compare(replica);
    for (const auto& item : replica.model->named_parameters()) {
      EXPECT_TRUE(item.value().equal(replicas[0].model->named_parameters()[item.key()]))
          << item.key();
    }
  }
}

// Terms that are run apart add up to the loss: moved weights that do not move give the plain run,
// with every method and quirk.
TEST_P(GoldenTrajectory, RunningTheTermsApartChangesNothing) {
  if (golden_.contains("update")) GTEST_SKIP() << "the loop had its own rule";
  TrainConfig config = golden_config();
  config.update = {"sam", {{"rho", 0.0}}};
  const losses::Needs needs = golden_loss()->needs();
  if (is_counted() && (needs.is_sequential || needs.epoch_means)) {
    EXPECT_THROW(check_update(config, *golden_loss()), UserError);
    return;
  }
  compare(train(config));
}

// The same runs on a GPU, in fp32.
class GpuTrajectory : public GoldenTrajectory {
 protected:
  void SetUp() override {
    UNLEARN_NEEDS_GPU();
    device_ = torch::Device(torch::kCUDA, 0);
    GoldenTrajectory::SetUp();
  }
};

TEST_P(GpuTrajectory, FollowsTheLoop) { compare(train(golden_config())); }

const auto kRuns = ::testing::Values(
    "ga", "grad_diff", "npo", "npo_kl", "simnpo", "nll", "ga_forgetkl", "undial", "ceu", "pdu",
    "pdu_epoch", "rmu", "npo_batch", "wgraddiff", "wga", "satimp", "idk", "dpo", "dpo_kl", "altpo",
    "kto_sigmoid", "kto_logsigmoid", "npo_kl_padded", "npo_kl_padded_batch", "ga_pad_labels",
    "simnpo_pad_labels", "npo_masked", "npo_kl_masked", "pdu_masked", "rmu_masked", "pdu_off",
    "grad_diff_trainer", "pdu_trainer", "pdu_epoch_trainer", "pdu_epoch_trainer_short",
    "grad_diff_trainer_shorter", "sam_simnpo", "sam_ga", "sam_ga_forgetkl", "sam_npo_kl",
    "sam_npo_batch", "sam_idk", "sam_dpo_kl", "sam_kto_logsigmoid", "sam_rmu", "sam_pdu",
    "gru_simnpo", "gru_forget_simnpo", "gru_added_simnpo", "gru_kto_logsigmoid", "gru_pdu");
INSTANTIATE_TEST_SUITE_P(Methods, GoldenTrajectory, kRuns);
INSTANTIATE_TEST_SUITE_P(Methods, GpuTrajectory, kRuns);

}  // namespace
}  // namespace unlearn::train
