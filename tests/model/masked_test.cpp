// A pad token inside the texts (scripts/goldens/masked.py): hidden from attention wherever it
// stands, and left out of the embedding's gradient where config.json names it.
#include <gtest/gtest.h>

#include <fstream>

#include "model/fixtures.h"
#include "test_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::model {
namespace {

Json masked_golden() { return read_json(golden_folder() / "masked.json"); }

// [T] 0 where the token is `hidden`.
std::vector<uint8_t> all_but(int64_t hidden, const torch::Tensor& ids) {
  std::vector<uint8_t> seen;
  for (int64_t t = 0; t < ids.size(0); ++t) {
    seen.push_back(ids[t].item<int64_t>() == hidden ? 0 : 1);
  }
  return seen;
}

class GoldenMasked : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenMasked, LogitsAtEveryPosition) {
  const Json golden = masked_golden();
  if (!golden.at("logits").contains(GetParam())) GTEST_SKIP() << "stored in bf16";
  const auto model = load_model(golden_folder() / GetParam(), torch::kFloat32, torch::kCPU);
  const torch::NoGradGuard no_grad;
  PackedIds batch;
  std::vector<torch::Tensor> wanted, ids;
  for (size_t i = 0; i < golden.at("ids").size(); ++i) {
    const auto row = golden["ids"][i].get<std::vector<int64_t>>();
    batch.offsets.push_back(static_cast<int64_t>(i * row.size()));
    ids.push_back(torch::tensor(row));
    for (const auto& position : golden["logits"][GetParam()][i]) {
      wanted.push_back(torch::tensor(position.get<std::vector<double>>()));
    }
  }
  batch.ids = torch::cat(ids);
  batch.offsets.push_back(batch.ids.size(0));
  batch.seen = all_but(golden.at("pad").get<int64_t>(), batch.ids);
  const torch::Tensor expected = torch::stack(wanted);
  const auto difference = [&] {
    const torch::Tensor got = logits_of(*model, model->hidden_states(batch));
    return (got.slice(1, 0, expected.size(1)) - expected).abs().max().item<double>();
  };
  EXPECT_LT(difference(), 1e-4);
  batch.seen.clear();
  EXPECT_GT(difference(), 1e-3);
}

// The checkpoint with another pad_token_id ("absent": without the key).
std::shared_ptr<CausalLM> load_with_pad(const std::string& variant, const std::string& pad) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / cat("unlearn_pad_", variant);
  std::filesystem::remove_all(folder);
  std::filesystem::copy(golden_folder() / variant, folder);
  Json config = read_json(folder / "config.json");
  config["pad_token_id"] = pad == "None"     ? Json()
                           : pad == "absent" ? Json()
                                             : Json(std::stoll(pad));
  if (pad == "absent") config.erase("pad_token_id");
  std::ofstream(folder / "config.json") << config.dump();
  auto model = load_model(folder, torch::kFloat32, torch::kCPU);
  std::filesystem::remove_all(folder);
  return model;
}

TEST_P(GoldenMasked, ThePadTokensEmbeddingGetsNoGradient) {
  const Json golden = masked_golden();
  if (!golden.at("gradients").contains(GetParam())) GTEST_SKIP() << "stored in bf16";
  for (const auto& [pad, norms] : golden["gradients"][GetParam()].items()) {
    if (norms.is_null()) continue;  // transformers cannot load it
    const auto model = load_with_pad(GetParam(), pad);
    auto text = golden.at("gradient_text").get<std::vector<int64_t>>();
    text.insert(text.begin(), model->dims().vocab_size - 1);
    const torch::Tensor ids = torch::tensor(text);
    (-token_log_probs(*model, ids, {0, ids.numel()}).mean()).backward();
    double embedding = 0, squares = 0;
    for (const auto& entry : model->named_parameters()) {
      const double norm = entry.value().grad().norm(2, torch::kDouble).item<double>();
      squares += norm * norm;
      if (entry.key().ends_with("embed_tokens.weight") || entry.key().ends_with("wte.weight") ||
          entry.key().ends_with("embed_in.weight")) {
        embedding = norm;
      }
    }
    EXPECT_NEAR(embedding, norms[0].get<double>(), 2e-5 * norms[0].get<double>()) << pad;
    EXPECT_NEAR(std::sqrt(squares), norms[1].get<double>(), 2e-5 * norms[1].get<double>()) << pad;
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, GoldenMasked, ::testing::ValuesIn(variants()),
                         [](const auto& variant) { return variant.param; });

// Nothing before a hidden token is seen: as with SDPA in transformers.
TEST(GoldenMaskedTokens, AHiddenBeginning) {
  const Json golden = masked_golden().at("hidden_beginning");
  const auto model = load_model(golden_folder() / "llama", torch::kFloat32, torch::kCPU);
  const torch::NoGradGuard no_grad;
  const torch::Tensor ids = torch::tensor(golden.at("ids").get<std::vector<int64_t>>());
  const PackedIds batch{
      .ids = ids, .positions = {}, .offsets = {0, ids.numel()}, .seen = all_but(2, ids)};
  const torch::Tensor got = logits_of(*model, model->hidden_states(batch));
  for (size_t t = 0; t < golden.at("logits").size(); ++t) {
    const torch::Tensor wanted = torch::tensor(golden["logits"][t].get<std::vector<double>>());
    const torch::Tensor row = got[static_cast<int64_t>(t)].slice(0, 0, wanted.numel());
    EXPECT_LT((row - wanted).abs().max().item<double>(), 1e-4) << t;
  }
  // Nothing at all is seen.
  const PackedIds unseen{
      .ids = torch::tensor({2, 2}), .positions = {}, .offsets = {0, 2}, .seen = {0, 0}};
  EXPECT_TRUE(model->hidden_states(unseen).isfinite().all().item<bool>());
}

TEST(MaskedTokens, AWindowWithoutASeenTokenIsRefused) {
  const auto model = load_model(golden_folder() / "qwen2_window", torch::kFloat32, torch::kCPU);
  const torch::NoGradGuard no_grad;
  const PackedIds batch{.ids = torch::tensor({5, 2, 2, 2, 2, 7}),
                        .positions = {},
                        .offsets = {0, 6},
                        .seen = {1, 0, 0, 0, 0, 1}};
  EXPECT_THROW(model->hidden_states(batch), UserError);
}

}  // namespace
}  // namespace unlearn::model
