// References are data: built once, read back, and built again when damaged or of another model.
#include "unlearn/scoring/reference_cache.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "scoring/fixture.h"
#include "unlearn/core/files.h"
#include "unlearn/scoring/score_batch.h"
#include "unlearn/scoring/score_examples.h"

namespace unlearn::scoring {
namespace {
namespace fs = std::filesystem;

class ReferenceCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              cat("unlearn_cache_", testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    model_ = golden_model("llama");
    examples_ = golden_examples(model::Golden("llama"));
    for (size_t i = 0; i < examples_.size(); ++i) {
      needs_.logp.push_back({key(data::Role::kForget, i), &examples_[i]});
    }
  }
  void TearDown() override { fs::remove_all(folder_); }

  static data::ExampleKey key(data::Role role, size_t i) { return {role, static_cast<int64_t>(i)}; }
  ReferenceCache open(const std::string& key = "model a") {
    return ReferenceCache::open_or_build(folder_, *model_, key, needs_, 40);
  }
  void need_hidden(RowPositions positions) {
    needs_.hidden.clear();
    for (size_t i = 0; i < examples_.size(); ++i) {
      needs_.hidden.push_back({key(data::Role::kRetain, i), &examples_[i], positions});
    }
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(folder_)) {  // not the manifest
      if (entry.path().extension() == ".safetensors") out.push_back(entry.path());
    }
    return out;
  }
  void shift_weights() {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : model_->parameters()) parameter.mul_(1.1);
  }
  // The model's own scores now, per example.
  std::vector<torch::Tensor> scores() {
    std::vector<torch::Tensor> out;
    for (const auto& score : score_examples(*model_, pointers(examples_))) {
      out.push_back(torch::tensor(score.logp, torch::kDouble));
    }
    return out;
  }
  void expect_scores(const ReferenceCache& cache, const std::vector<torch::Tensor>& want) const {
    for (size_t i = 0; i < examples_.size(); ++i) {
      const data::ExampleKey own = key(data::Role::kForget, i);
      ASSERT_TRUE(cache.has_logp(own));
      EXPECT_LE((cache.logp(own) - want[i]).abs().max().item<double>(), 1e-5);
    }
  }

  fs::path folder_;
  std::shared_ptr<model::CausalLM> model_;
  std::vector<data::Example> examples_;
  ReferenceNeeds needs_;
};

TEST_F(ReferenceCacheTest, BuiltOnceAndReused) {
  const auto want = scores();
  expect_scores(open(), want);
  ASSERT_EQ(files().size(), 1u);
  shift_weights();
  EXPECT_GT((scores()[0] - want[0]).abs().max().item<double>(), 0.01);
  expect_scores(open(), want);  // read, not computed from the changed weights
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(ReferenceCacheTest, AnotherModelOrOtherDataMakeAnotherFile) {
  open();
  shift_weights();
  expect_scores(open("model b"), scores());
  EXPECT_EQ(files().size(), 2u);
  examples_[0].labels[1] = data::kIgnored;
  --examples_[0].num_labels;
  EXPECT_EQ(open().logp({data::Role::kForget, 0}).size(0), examples_[0].num_labels);
  EXPECT_EQ(files().size(), 3u);
  need_hidden(RowPositions::kAttended);
  open();
  EXPECT_EQ(files().size(), 4u);
}

// The examples of a pack may be copies of those the cache was made for, in any order; those of
// another role are others.
TEST_F(ReferenceCacheTest, FindsExamplesByRoleAndIndex) {
  const auto want = scores();
  const ReferenceCache cache = open();
  const std::vector<data::Example> copies = examples_;
  std::vector<data::PackItem> items;
  for (size_t i = copies.size(); i-- > 0;) {
    items.push_back({data::Role::kForget, &copies[i], static_cast<int64_t>(i)});
  }
  const torch::NoGradGuard no_grad;
  const torch::Tensor found =
      score_batch(*model_, data::pack(items), {}, &cache).forget.reference_logp;
  std::vector<torch::Tensor> wanted(want.rbegin(), want.rend());
  ASSERT_TRUE(found.defined());
  EXPECT_LE((found - torch::cat(wanted)).abs().max().item<double>(), 1e-5);
  EXPECT_FALSE(cache.has_logp(key(data::Role::kRetain, 0)));
  EXPECT_FALSE(cache.has_logp(key(data::Role::kForget, copies.size())));
  for (data::PackItem& item : items) item.role = data::Role::kRetain;
  EXPECT_FALSE(score_batch(*model_, data::pack(items), {}, &cache).retain.reference_logp.defined());
}

TEST_F(ReferenceCacheTest, ADamagedFileIsBuiltAgain) {
  const auto want = scores();
  open();
  const fs::path file = files().at(0);
  const std::string whole = read_file(file);
  for (const std::string& damaged :
       {std::string(), whole.substr(0, 5), whole.substr(0, whole.size() - 1), "x" + whole}) {
    write_file_atomic(file, damaged);
    expect_scores(open(), want);
    EXPECT_EQ(read_file(file), whole);
  }
}

TEST_F(ReferenceCacheTest, HiddenStatesGiveZeroKlAtTheStart) {
  for (const RowPositions positions : {RowPositions::kAttended, RowPositions::kLabels}) {
    need_hidden(positions);
    const ReferenceCache cache = open();
    std::vector<data::PackItem> items;
    for (size_t i = 0; i < examples_.size(); ++i) {
      items.push_back({data::Role::kRetain, &examples_[i], static_cast<int64_t>(i)});
    }
    ScoreRequest request;
    request.retain.rows.function = &forward_kl();
    request.retain.rows.positions = positions;
    const auto kl = [&] {
      const torch::NoGradGuard no_grad;
      return score_batch(*model_, data::pack(items), request, &cache).retain.row_values;
    };
    int64_t rows = 0;
    for (const auto& example : examples_) {
      rows += static_cast<int64_t>(row_positions(example, positions).size());
    }
    EXPECT_EQ(kl().size(0), rows);
    EXPECT_LE(kl().abs().max().item<double>(), 1e-5);
    const auto model = model_;
    model_ = golden_model("llama");
    shift_weights();
    EXPECT_GT(kl().min().item<double>(), -1e-5);
    EXPECT_GT(kl().max().item<double>(), 1e-3);
    model_ = model;
  }
}

}  // namespace
}  // namespace unlearn::scoring
