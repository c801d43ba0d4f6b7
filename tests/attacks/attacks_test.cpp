// What each attack does to weights and prompts, on the bundled model.
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <set>
#include <sstream>

#include "test_folder.h"
#include "unlearn/attacks/attack.h"
#include "unlearn/attacks/compose.h"
#include "unlearn/config/settings.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/data/examples.h"
#include "unlearn/data/rows.h"
#include "unlearn/model/weight_format.h"
#include "unlearn/train/signals.h"

namespace unlearn::attacks {
namespace {

namespace fs = std::filesystem;
const fs::path kTiny = fs::path(UNLEARN_SOURCE_DIR) / "data" / "tiny";
const fs::path kFiction = fs::path(UNLEARN_SOURCE_DIR) / "data" / "fiction";

using Weights = std::map<std::string, torch::Tensor>;

Weights copy_weights(const model::CausalLM& model) {
  Weights weights;
  for (const auto& entry : model.named_parameters()) {
    weights[entry.key()] = entry.value().detach().clone();
  }
  return weights;
}

class AttacksTest : public ::testing::Test {
 protected:
  AttacksTest()
      : tokenizer_(tokenizer::load_tokenizer(kTiny)), template_(data::named_template("llama2")) {
    questions_.prompt_template = template_;
    questions_.max_length = 200;
    questions_.limits = {20, 0, {}};
    const auto read = [&](const char* file, std::vector<data::Example>& examples,
                          std::vector<eval::AskedRow>& rows) {
      for (const data::QaRow& row : data::read_qa_rows(kFiction / file)) {
        examples.push_back(
            data::make_qa_example(*tokenizer_, template_, row.question, row.answer, 160));
        rows.push_back({row.row, row.question, row.answer, "", {"Nobody knows.", "A baker."}});
      }
    };
    read("forget05.json", forget_, questions_.forget);
    read("retain_perturbed.json", retain_, questions_.retain);
    material_ = {.tokenizer = tokenizer_.get(),
                 .forget = &forget_,
                 .retain = &retain_,
                 .questions = &questions_,
                 .benign_text = "Rain fell on the hills. The baker opened the shop at six.",
                 .context = 512,
                 .num_layers = 4,
                 .has_original = true,
                 .lr = 5e-4};
  }

  std::vector<AttackedModel> ways(const std::string& attack) const {
    return find_attack(attack, "test").make()->attack(material_);
  }
  AttackedModel way(const std::string& attack, const std::string& id) const {
    for (AttackedModel& found : ways(attack)) {
      if (found.id == id) return std::move(found);
    }
    throw std::runtime_error(id + " is no way of " + attack);
  }

  struct Changed {
    Weights before, after;
    std::vector<int64_t> points;
    bool is_done = false;
    double distance = 0;  // of all weights
  };
  Changed change(const AttackedModel& way, uint64_t seed = 1) const {
    const auto model = model::load_model(kTiny, torch::kFloat32, torch::kCPU);
    Changed result;
    result.before = copy_weights(*model);
    const auto original = result.before;
    Subject subject{.model = *model,
                    .original = [&](const std::string& name) { return original.at(name) + 1; },
                    .seed = seed,
                    .scratch = folder_.path() / "scratch",
                    .measure =
                        [&](int64_t step, bool is_result) {
                          EXPECT_FALSE(result.is_done);
                          result.is_done = is_result;
                          result.points.push_back(step);
                        }};
    way.change_weights(subject);
    EXPECT_TRUE(result.is_done);
    result.after = copy_weights(*model);
    double squares = 0;
    for (const auto& [name, tensor] : result.before) {
      squares += (result.after.at(name) - tensor).square().sum().item<double>();
    }
    result.distance = std::sqrt(squares);
    return result;
  }

  const TestFolder folder_;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer_;
  data::Template template_;
  std::vector<data::Example> forget_, retain_;
  eval::Questions questions_;
  Material material_;
};

TEST_F(AttacksTest, NamesAreUniqueAndEveryWayDoesOneThing) {
  std::set<std::string> ids;
  for (const std::string& name : attack_names()) {
    for (const AttackedModel& way : ways(name)) {
      EXPECT_TRUE(ids.insert(way.id).second) << way.id;
      EXPECT_TRUE(way.id.starts_with(name)) << way.id;
      EXPECT_FALSE(way.settings.empty()) << way.id;
      const int kinds =
          (way.change_weights ? 1 : 0) + (way.change_prompt ? 1 : 0) + (way.decoding ? 1 : 0);
      if (way.missing.empty()) {
        EXPECT_EQ(kinds, 1) << way.id;
      }
    }
  }
  EXPECT_THROW(find_attack("relern", "--attacks"), UserError);
}

TEST_F(AttacksTest, QuickTakesFewer) {
  Material quick = material_;
  quick.quick = true;
  for (const std::string& name : attack_names()) {
    const auto attack = find_attack(name, "test").make();
    EXPECT_LE(attack->attack(quick).size(), attack->attack(material_).size()) << name;
    EXPECT_FALSE(attack->attack(quick).empty()) << name;
  }
}

TEST_F(AttacksTest, RelearningTrainsAndMeasuresEveryEpoch) {
  for (const std::string id :
       {"relearn-forget-full", "relearn-graded-full", "relearn-forget-lora"}) {
    const AttackedModel relearn = way("relearn", id);
    const Changed first = change(relearn);
    EXPECT_EQ(static_cast<int64_t>(first.points.size()), relearn.points) << id;
    EXPECT_EQ(relearn.points, 3) << id;
    EXPECT_GT(first.distance, 0.0) << id;
    // The same seed gives the same bits, and the model has its own parameters alone again.
    const Changed again = change(relearn);
    EXPECT_EQ(first.after.size(), first.before.size()) << id;
    for (const auto& [name, tensor] : first.after) {
      EXPECT_TRUE(torch::equal(tensor, again.after.at(name))) << id << " " << name;
    }
    if (id == "relearn-forget-full") {
      EXPECT_NE(change(relearn, 2).distance, first.distance);
    }
  }
}

// A result that nobody waited for is none: a signal ends the attack also while its end is measured.
TEST_F(AttacksTest, ASignalEndsRelearningAtAnyPoint) {
  const AttackedModel relearn = way("relearn", "relearn-forget-full");
  for (const bool at_the_end : {false, true}) {
    const auto model = model::load_model(kTiny, torch::kFloat32, torch::kCPU);
    Subject subject{.model = *model,
                    .seed = 1,
                    .scratch = folder_.path() / "scratch",
                    .measure = [&](int64_t, bool is_result) {
                      if (is_result == at_the_end && train::SignalWatch::received() == 0) {
                        std::raise(SIGTERM);  // a second one would end the process
                      }
                    }};
    try {
      relearn.change_weights(subject);
      ADD_FAILURE() << "goes on";
    } catch (const Interrupted& stopped) {
      EXPECT_EQ(stopped.signal(), SIGTERM);
    }
  }
}

// A fifth of ten rows are two: the attack does what it does where these two are all there is.
TEST_F(AttacksTest, ShortestRowsAreChosen) {
  config::Settings settings;
  settings.set("relearn.sets", std::vector<std::string>{"shortest"}, "test");
  settings.set("relearn.samples", 2, "test");
  config::SettingsReader reader(settings);
  const auto relearn = find_attack("relearn", "test").make();
  reader.read("relearn", *relearn);
  const auto of_all = relearn->attack(material_);
  std::vector<data::Example> two;
  for (int64_t length = 1; two.size() < 2; ++length) {
    for (const data::Example& row : forget_) {
      if (row.num_labels == length && two.size() < 2) two.push_back(row);
    }
  }
  EXPECT_LT(two.back().num_labels, forget_.back().num_labels);
  material_.forget = &two;
  const auto of_two = relearn->attack(material_);
  ASSERT_EQ(of_all.front().id, "relearn-shortest-full");
  const Changed all = change(of_all.front()), expected = change(of_two.front());
  for (const auto& [name, tensor] : expected.after) {
    EXPECT_TRUE(torch::equal(tensor, all.after.at(name))) << name;
  }
}

TEST_F(AttacksTest, BenignTrainsOnTheText) {
  const Changed changed = change(way("benign", "benign-full"));
  EXPECT_GT(changed.distance, 0.0);
  EXPECT_EQ(changed.points.back(), 60);
  material_.benign_text.clear();
  EXPECT_FALSE(way("benign", "benign-full").missing.empty());
}

TEST_F(AttacksTest, QuantisingRoundsLinearLayers) {
  const Changed changed = change(way("quantise", "quantise-q4_k"));
  const auto expected = model::load_model(kTiny, torch::kFloat32, torch::kCPU);
  model::round_weights(*expected, model::weight_format("q4_k", "test"));
  for (const auto& [name, tensor] : copy_weights(*expected)) {
    EXPECT_TRUE(torch::equal(tensor, changed.after.at(name))) << name;
  }
  EXPECT_GT(changed.distance, 0.0);
}

TEST_F(AttacksTest, NoiseHasTheSizeThatWasAskedFor) {
  const Changed changed = change(way("noise", "noise-0.05"));
  for (const auto& [name, before] : changed.before) {
    const torch::Tensor difference = changed.after.at(name) - before;
    if (before.dim() != 2) {
      EXPECT_EQ(difference.abs().max().item<double>(), 0.0) << name;
      continue;
    }
    const double ratio =
        difference.std().item<double>() / before.std(/*unbiased=*/false).item<double>();
    EXPECT_NEAR(ratio, 0.05, 0.002) << name;
  }
}

TEST_F(AttacksTest, PruningTakesTheSmallest) {
  const Changed changed = change(way("prune", "prune-0.3"));
  for (const auto& [name, before] : changed.before) {
    if (before.dim() != 2) continue;
    const torch::Tensor gone = (changed.after.at(name) == 0) & (before != 0);
    const torch::Tensor zeros = changed.after.at(name) == 0;
    EXPECT_EQ(zeros.sum().item<int64_t>(),
              static_cast<int64_t>(0.3 * static_cast<double>(before.numel())))
        << name;
    const double largest_gone = before.masked_select(gone).abs().max().item<double>();
    const double least_kept = before.masked_select(zeros.logical_not()).abs().min().item<double>();
    EXPECT_LE(largest_gone, least_kept) << name;
  }
}

TEST_F(AttacksTest, ResetTakesTheLastBlocks) {
  const Changed changed = change(way("reset", "reset-last-2"));
  for (const auto& [name, before] : changed.before) {
    const bool is_last =
        name.find("layers.2.") != std::string::npos || name.find("layers.3.") != std::string::npos;
    EXPECT_TRUE(torch::equal(changed.after.at(name), is_last ? before + 1 : before)) << name;
  }
  EXPECT_FALSE(way("reset", "reset-head").change_weights == nullptr);
}

TEST_F(AttacksTest, PromptsOfEveryKind) {
  std::set<std::string> texts;
  for (const AttackedModel& kind : ways("prompt")) {
    if (!kind.missing.empty()) continue;
    for (size_t row = 0; row < questions_.forget.size(); ++row) {
      const auto asked = kind.change_prompt(questions_, row);
      if (!asked) continue;
      const auto composed = compose(*tokenizer_, questions_, row, *asked);
      if (!composed) {  // a short answer may be given whole
        EXPECT_NE(kind.id.find("prefill"), std::string::npos) << kind.id << " row " << row;
        continue;
      }
      EXPECT_GT(composed->scored.num_labels, 0);
      // The prompt is what stands before the first label.
      const auto& labels = composed->scored.labels;
      for (size_t t = 0; t < composed->prompt.size(); ++t) {
        EXPECT_EQ(composed->prompt[t], composed->scored.tokens[t]) << kind.id;
        EXPECT_EQ(labels[t], data::kIgnored) << kind.id;
      }
      EXPECT_NE(labels[composed->prompt.size()], data::kIgnored) << kind.id;
      if (row == 0) texts.insert(tokenizer_->decode(composed->prompt, true));
    }
  }
  EXPECT_GE(texts.size(), 12U);  // nine kinds, four depths of prefill, rules that apply
}

TEST_F(AttacksTest, PrefillGivesTheFirstTokens) {
  const auto plain = compose(*tokenizer_, questions_, 1, {questions_.forget[1].question});
  const auto given = compose(*tokenizer_, questions_, 1, {questions_.forget[1].question, "", 3});
  ASSERT_TRUE(plain && given);
  EXPECT_EQ(given->prompt.size(), plain->prompt.size() + 3);
  EXPECT_EQ(given->scored.tokens, plain->scored.tokens);
  EXPECT_EQ(given->scored.num_labels, plain->scored.num_labels - 3);
  EXPECT_EQ(plain->rest, questions_.forget[1].answer);
  EXPECT_TRUE(questions_.forget[1].answer.ends_with(given->rest)) << given->rest;
  EXPECT_LT(given->rest.size(), plain->rest.size());
  // Nothing is left when all of it is given.
  EXPECT_FALSE(
      compose(*tokenizer_, questions_, 1, {questions_.forget[1].question, "", 1000}).has_value());
}

TEST(AttackRegistry, EveryFileIsListed) {
  const fs::path folder = fs::path(UNLEARN_SOURCE_DIR) / "src" / "attacks";
  std::set<std::string> listed, defined;
  std::istringstream lines(read_file(folder / "attacks.def"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("ATTACK(")) listed.insert(line.substr(7, line.find(')') - 7));
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string stem = entry.path().stem().string();
    if (read_file(entry.path()).find("\nRegisteredAttack attack_" + stem + "() {") !=
        std::string::npos) {
      defined.insert(stem);
    }
  }
  EXPECT_EQ(defined, listed);
  const auto names = attack_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()), listed);
}

}  // namespace
}  // namespace unlearn::attacks
