#include "unlearn/markov/study.h"

#include <gtest/gtest.h>

#include "test_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/markov/figure.h"
#include "unlearn/markov/summary.h"

namespace unlearn::markov {
namespace {

config::Settings settings_of(const std::vector<std::string>& assignments) {
  config::Settings settings;
  for (const std::string& assignment : assignments) settings.assign(assignment, "test");
  return settings;
}

std::string refusal_of(const std::vector<std::string>& assignments) {
  return refusal([&] { resolve_study(Experiment::kLength, settings_of(assignments)); });
}

// The published settings (arXiv 2410.07163, appendix H; Unlearn-Simple synthetic/).
TEST(StudyConfig, PublishedValues) {
  const Json length = resolve_study(Experiment::kLength, {}).resolved;
  EXPECT_EQ(length["data"]["forget1_length"], 20);
  EXPECT_EQ(length["data"]["forget2_length"], 5);
  EXPECT_EQ(length["method"]["npo"]["beta"], 0.2);
  EXPECT_EQ(length["method"]["simnpo"]["beta"], 4.0);
  EXPECT_EQ(length["method"]["npo"]["retain_loss"], "none");
  const Study memorisation = resolve_study(Experiment::kMemorisation, {});
  EXPECT_EQ(memorisation.config.corpus.lengths[2], 20);
  EXPECT_FALSE(memorisation.config.pretrain_forget2);
  EXPECT_EQ(memorisation.resolved["method"]["npo"]["beta"], 1.0);
}

TEST(StudyConfig, UserValuesWinAndMistakesAreNamed) {
  const Study study =
      resolve_study(Experiment::kLength,
                    settings_of({"unlearn.methods=[grad_ascent, SimNPO]", "method.simnpo.beta=2"}));
  EXPECT_EQ(study.config.methods, (std::vector<std::string>{"ga", "simnpo"}));
  EXPECT_EQ(study.resolved["method"]["simnpo"]["beta"], 2);
  EXPECT_NE(refusal_of({"unlearn.methods=[dpo]"}).find("'dpo' needs more than forget"),
            std::string::npos);
  EXPECT_NE(refusal_of({"method.npo.retain_loss=nll"}).find("method.npo.retain_loss=none"),
            std::string::npos);
  EXPECT_NE(refusal_of({"unlearn.methods=[npo, NPO]"}).find("twice"), std::string::npos);
  EXPECT_NE(refusal_of({"unlearn.iteration=3"}).find("unlearn.iterations"), std::string::npos);
  EXPECT_NE(refusal_of({"data.retain_length=30"}).find("model.positions"), std::string::npos);
  EXPECT_NE(refusal_of({"model.arch=gpt2", "model.heads=3"}).find("model.heads"),
            std::string::npos);
}

TEST(Study, TheSameSeedGivesTheSameRecord) {
  const std::vector<std::string> tiny = {"data.retain_sequences=60",
                                         "data.forget1_sequences=20",
                                         "data.forget2_sequences=20",
                                         "model.width=8",
                                         "model.blocks=1",
                                         "pretrain.epochs=1",
                                         "unlearn.iterations=12",
                                         "unlearn.batch_size=3"};
  const auto record = [&](uint64_t seed) {
    Study study = resolve_study(Experiment::kLength, settings_of(tiny));
    Json result = Laboratory().run(study, seed);
    result.erase("seconds");
    return result;
  };
  const Json first = record(5);
  EXPECT_EQ(first, record(5));
  EXPECT_NE(first["paths"], record(6)["paths"]);
  EXPECT_EQ(first["paths"]["npo"]["batch"].back(), 12);
  EXPECT_EQ(first["paths"]["npo"]["Retain Test"].size(), 13);
  Study study = resolve_study(Experiment::kLength, settings_of(tiny));
  study.config.decoder.arch = Architecture::kGpt2;
  EXPECT_NE(Laboratory().run(study, 5)["paths"], first["paths"]);
  // Both methods start from the same model.
  EXPECT_EQ(first["paths"]["npo"]["Forget1 Test"][0], first["paths"]["simnpo"]["Forget1 Test"][0]);
}

TEST(Summary, InterpolatesTheFirstCrossing) {
  EXPECT_DOUBLE_EQ(*first_reach({0, 1, 3, 2, 5}, 2.0), 1.5);
  EXPECT_DOUBLE_EQ(*first_reach({4, 1}, 2.0), 0.0);
  EXPECT_FALSE(first_reach({0, 1}, 2.0));
  EXPECT_DOUBLE_EQ(value_at({0, 10, 30}, 1.25), 15.0);
  EXPECT_DOUBLE_EQ(value_at({0, 10, 30}, 2.0), 30.0);
}

Json record_of(const std::vector<double>& retain, double retrained) {
  const std::vector<double> one = {0.0, 0.4, 0.8}, two = {0.0, 0.2, 0.4};
  const Json path = {{"Retain Test", retain},
                     {"Forget Test", one},
                     {"Forget1 Test", one},
                     {"Forget2 Test", two},
                     {"batch", {0, 1, 2}}};
  const Json model = {{"Retain Test", {0.0}},
                      {"Forget Test", {retrained}},
                      {"Forget1 Test", {retrained}},
                      {"Forget2 Test", {retrained}}};
  return {{"experiment", "length"}, {"retrained", model}, {"paths", {{"npo", path}}}};
}

TEST(Summary, CriteriaOverRuns) {
  // Forget2 reaches 0.3 half-way in the second step: retain 0.2 and 0.4.
  const std::vector<Json> records = {record_of({0.0, 0.1, 0.3}, 0.3),
                                     record_of({0.0, 0.2, 0.6}, 0.3),
                                     record_of({0.0, 0.01, 0.02}, 0.9)};
  const Json npo = summarize(records)["length"]["npo"];
  EXPECT_DOUBLE_EQ(npo["retain_at_target"]["mean"].get<double>(), 0.3);
  EXPECT_DOUBLE_EQ(npo["retain_at_target"]["sd"].get<double>(), std::sqrt(0.02));
  EXPECT_EQ(npo["retain_at_target"]["runs"], 2);
  EXPECT_EQ(npo["retain_at_target"]["missing"], 1);
  // At retain distance 0.2: iterations 1.5 and 1.
  EXPECT_DOUBLE_EQ(npo["gap_at_0.2"]["mean"].get<double>(), -(0.3 + 0.2) / 2);
}

TEST(Figure, HoldsEveryCurve) {
  const std::string svg =
      draw_figure({record_of({0.0, 0.1, 0.3}, 0.3), record_of({0.0, 0.2, 0.6}, 0.3)});
  size_t lines = 0;
  for (size_t at = svg.find("<polyline"); at != std::string::npos;
       at = svg.find("<polyline", at + 1))
    ++lines;
  EXPECT_EQ(lines, 6U);  // two runs and their mean, two chains
  EXPECT_NE(svg.find("length experiment (2 runs)"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

}  // namespace
}  // namespace unlearn::markov
