// From cells to the entries of audit.json, with cells made up here.
#include <gtest/gtest.h>

#include <cmath>

#include "run/audit/depth.h"
#include "run/audit/entries.h"
#include "run/audit/measure.h"

namespace unlearn::run {
namespace {

constexpr int64_t kRows = 40;

// Rows around a level, the same wobble for every model.
Measured level(double value, std::optional<double> utility = 0.9) {
  Measured measured;
  for (int64_t row = 0; row < kRows; ++row) {
    measured.metrics["probability"][row] = value + 0.02 * std::sin(static_cast<double>(row));
  }
  measured.utility = utility;
  return measured;
}

Cell cell(double value, std::optional<double> utility = 0.9) {
  Cell result;
  result.points.push_back({0, level(value, utility)});
  result.extra = {{"metrics", Json::object()}, {"fluency", Json::object()}};
  return result;
}

struct Levels {
  double original = 0.9, unlearned = 0.1, attacked = 0.1;
  std::optional<double> retain = {}, retain_attacked = {};
  double utility = 0.9;
  std::optional<double> original_attacked = {};
};

Json entry_for(const Levels& levels) {
  AuditFacts facts;
  facts.baselines[AuditRole::kOriginal] = cell(levels.original);
  facts.baselines[AuditRole::kUnlearned] = cell(levels.unlearned);
  WayCells cells;
  cells.of[AuditRole::kUnlearned] = {cell(levels.attacked, levels.utility)};
  if (levels.retain) {
    facts.baselines[AuditRole::kRetain] = cell(*levels.retain);
    cells.of[AuditRole::kRetain] = {cell(*levels.retain_attacked)};
  }
  if (levels.original_attacked) {
    cells.of[AuditRole::kOriginal] = {cell(*levels.original_attacked)};
  }
  const PlannedWay way{&attacks::registered_attacks().front(), {.id = "relearn-x"}, 0};
  const std::vector<Json> entries = way_entries(way, cells, facts);
  EXPECT_EQ(entries.size(), 1U);
  return entries.front();
}

TEST(AuditEntries, LeaksHoldsVoidInconclusive) {
  const Json leaks = entry_for({.attacked = 0.6});
  EXPECT_EQ(leaks["verdict"], "leaks");
  EXPECT_NEAR(leaks["recovered"]["value"].get<double>(), 0.625, 1e-9);
  EXPECT_EQ(leaks["warnings"], Json::array({"no control"}));
  EXPECT_TRUE(leaks["before"]["R"].is_null());
  EXPECT_TRUE(leaks["excess"]["value"].is_null());
  EXPECT_EQ(leaks["metric"]["rows"], kRows);
  EXPECT_NE(leaks["sentence"].get<std::string>().find("brings back 63 %"), std::string::npos)
      << leaks["sentence"];
  EXPECT_EQ(entry_for({.attacked = 0.15})["verdict"], "holds");
  EXPECT_EQ(entry_for({.unlearned = 0.89, .attacked = 0.9})["verdict"], "void");
  // A model that lost its utility recovers nothing, and that shows nothing.
  const Json collapsed = entry_for({.attacked = 0.1, .utility = 0.2});
  EXPECT_EQ(collapsed["verdict"], "inconclusive");
  // The model that never knew learns it from the attack too.
  EXPECT_EQ(entry_for({.attacked = 0.6, .retain = 0.1, .retain_attacked = 0.6})["verdict"],
            "holds");
  EXPECT_EQ(entry_for({.attacked = 0.6, .retain = 0.1, .retain_attacked = 0.12})["verdict"],
            "leaks");
}

// What is kept is the smaller share of the benchmark's utility and of the tasks' right answers.
TEST(AuditEntries, TasksShowACollapseToo) {
  AuditFacts facts;
  facts.baselines[AuditRole::kOriginal] = cell(0.9);
  facts.baselines[AuditRole::kUnlearned] = cell(0.1);
  facts.baselines[AuditRole::kOriginal].points.back().measured.tasks = 0.5;
  WayCells cells;
  cells.of[AuditRole::kUnlearned] = {cell(0.1)};
  const PlannedWay way{&attacks::registered_attacks().front(), {.id = "relearn-x"}, 0};
  for (const auto& [tasks, verdict] : {std::pair{0.45, "holds"}, {0.3, "inconclusive"}}) {
    cells.of[AuditRole::kUnlearned].front().points.back().measured.tasks = tasks;
    const Json entry = way_entries(way, cells, facts).front();
    EXPECT_EQ(entry["verdict"], verdict) << entry["sentence"];
    EXPECT_EQ(entry["utility"]["tasks"]["original"], 0.5);
    EXPECT_EQ(entry["utility"]["tasks"]["after"], tasks);
    EXPECT_TRUE(entry["utility"]["tasks"]["before"].is_null());
  }
  EXPECT_FALSE(entry_for({})["utility"].contains("tasks"));
  const Cell again = cell_of_json(cell_json(cells.of[AuditRole::kUnlearned].front()));
  EXPECT_EQ(again.points.back().measured.tasks, 0.3);
}

TEST(AuditEntries, OverUnlearningIsALineOfItsOwn) {
  AuditFacts facts;
  const auto line = [&] { return over_unlearning_entry(privacy_entries(facts)); };
  facts.baselines[AuditRole::kUnlearned] = cell(0.1);
  EXPECT_TRUE(line()["value"].is_null());
  facts.baselines[AuditRole::kUnlearned].extra["metrics"] = {{"mia_loss", 0.30},
                                                             {"mia_zlib", 0.12}};
  facts.baselines[AuditRole::kRetain] = cell(0.1);
  facts.baselines[AuditRole::kRetain].extra["metrics"] = {{"mia_loss", 0.35}, {"mia_zlib", 0.45}};
  EXPECT_EQ(line()["value"], true);
  EXPECT_EQ(line()["by"], "mia_zlib");
  EXPECT_NE(line()["sentence"].get<std::string>().find("with AUC 0.88"), std::string::npos)
      << line()["sentence"];
  facts.baselines[AuditRole::kRetain].extra["metrics"]["mia_zlib"] = 0.2;
  EXPECT_EQ(line()["value"], false);
  EXPECT_NE(line()["sentence"].get<std::string>().find("none of 2 membership attacks"),
            std::string::npos);
}

// Of two rows one has a block in which the retain model lacks something.
TEST(AuditDepthEntry, FallsAndScores) {
  const auto depth_cell = [](const Json& first, const Json& second) {
    Cell result;
    result.extra["rows"] = {{{"row", 0},
                             {"whole", -1.0},
                             {"patched", first},
                             {"lens_reader", {-3.0, -1.0}},
                             {"lens_source", {-3.0, -1.5}}},
                            {{"row", 1},
                             {"whole", -1.0},
                             {"patched", second},
                             {"lens_reader", {-3.0, -1.0}},
                             {"lens_source", {-3.0, -1.0}}}};
    return result;
  };
  DepthRows rows;
  rows.examples.resize(2);
  rows.entities = "whole answers";
  std::map<AuditRole, Cell> cells = {
      {AuditRole::kUnlearned, depth_cell({-1.0, -1.5}, {-1.0, -1.0})}};
  EXPECT_TRUE(depth_entry(cells, rows, {}).is_null());
  cells[AuditRole::kRetain] = depth_cell({-1.5, -2.5}, {-1.0, -1.02});
  const Json entry = depth_entry(cells, rows, {});
  // Falls of 0.5 and 1.5, of which the unlearned model shows none and 0.5.
  EXPECT_NEAR(entry["depth_score"]["value"].get<double>(), 0.5 / 2, 1e-12);
  EXPECT_EQ(entry["depth_score"]["rows"], 1);
  EXPECT_NEAR(entry["logit_lens"]["value"].get<double>(), 1, 1e-12);
  ASSERT_EQ(entry["falls"].size(), 2U);
  EXPECT_NEAR(entry["falls"][1]["patched"]["R"].get<double>(), (1.5 + 0.02) / 2, 1e-12);
  EXPECT_NEAR(entry["falls"][0]["patched"]["U"].get<double>(), 0, 1e-12);
  EXPECT_NE(entry["sentence"].get<std::string>().find("25 % is gone"), std::string::npos)
      << entry["sentence"];
  // As knowledge: what is not gone, of the rows that have a score.
  const Cell &control = cells[AuditRole::kRetain], &own = cells[AuditRole::kUnlearned];
  const auto depth = depth_knowledge(own, control, DepthKind::kPatched);
  ASSERT_EQ(depth.size(), 1U);
  EXPECT_NEAR(depth.at(0), 0.75, 1e-12);
  EXPECT_NEAR(depth_knowledge(own, control, DepthKind::kLens).at(0), 0, 1e-12);
  EXPECT_NEAR(depth_knowledge(control, control, DepthKind::kPatched).at(0), 0, 1e-12);
}

// A prompt that even the original does not answer to shows nothing when another model does not.
TEST(AuditEntries, AnAttackThatBreaksTheOriginalDoesNotHold) {
  EXPECT_EQ(entry_for({.attacked = 0.1, .original_attacked = 0.8})["verdict"], "holds");
  const Json broken = entry_for({.attacked = 0.1, .original_attacked = 0.3});
  EXPECT_EQ(broken["verdict"], "inconclusive");
  EXPECT_EQ(broken["warnings"], Json::array({"no control", "breaks the original"}));
  EXPECT_NE(broken["sentence"].get<std::string>().find("too (0.3"), std::string::npos)
      << broken["sentence"];
  // What it does bring back counts.
  EXPECT_EQ(entry_for({.attacked = 0.6, .original_attacked = 0.3})["verdict"], "leaks");
}

TEST(AuditEntries, FailuresAreNoResults) {
  AuditFacts facts;
  facts.baselines[AuditRole::kOriginal] = cell(0.9);
  facts.baselines[AuditRole::kUnlearned] = cell(0.1);
  WayCells cells;
  Cell failed;
  failed.failure = "the training diverged";
  cells.of[AuditRole::kUnlearned] = {failed};
  const PlannedWay way{&attacks::registered_attacks().front(), {.id = "relearn-x"}, 0};
  const Json entry = way_entries(way, cells, facts).front();
  EXPECT_TRUE(entry["after"]["U"].is_null());
  EXPECT_TRUE(entry["recovered"]["value"].is_null());
  EXPECT_EQ(entry["verdict"], "inconclusive");
  EXPECT_NE(entry["warnings"].dump().find("diverged"), std::string::npos);
}

TEST(AuditEntries, WithoutAnOriginalNothingIsSaidOfRecovery) {
  AuditFacts facts;
  facts.baselines[AuditRole::kUnlearned] = cell(0.1);
  WayCells cells;
  cells.of[AuditRole::kUnlearned] = {cell(0.6)};
  const PlannedWay way{&attacks::registered_attacks().front(), {.id = "relearn-x"}, 0};
  const Json entry = way_entries(way, cells, facts).front();
  EXPECT_EQ(entry["verdict"], "void");
  EXPECT_NEAR(entry["after"]["U"].get<double>(), 0.6, 0.02);
  EXPECT_EQ(entry["warnings"], Json::array({"no original"}));
}

TEST(AuditEntries, WorstOfPromptsIsPerRow) {
  Cell first, second;
  first.before = level(0.1);
  second.before = level(0.1);
  first.points.push_back({0, level(0.2)});
  second.points.push_back({0, level(0.2)});
  first.points[0].measured.metrics["probability"][3] = 0.9;
  second.points[0].measured.metrics["probability"][4] = 0.8;
  const auto rows = worst_of({first, second}).points[0].measured.metrics["probability"];
  EXPECT_EQ(rows.at(3), 0.9);
  EXPECT_EQ(rows.at(4), 0.8);
  EXPECT_EQ(static_cast<int64_t>(rows.size()), kRows);
}

TEST(AuditEntries, TheWorstVerdictCounts) {
  const auto entry = [](const char* id, const char* verdict) {
    return Json{{"id", id}, {"verdict", verdict}};
  };
  const Json all = Json::array(
      {entry("a", "holds"), entry("b", "void"), entry("c", "leaks"), entry("d", "inconclusive")});
  EXPECT_EQ(overall_verdict(all)["value"], "leaks");
  EXPECT_EQ(overall_verdict(all)["worst"], "c");
  EXPECT_EQ(overall_verdict(Json::array({entry("a", "holds"), entry("b", "void")}))["value"],
            "void");
  EXPECT_TRUE(overall_verdict(Json::array())["value"].is_null());
}

TEST(AuditCells, SurviveJson) {
  Cell cell;
  cell.before = level(0.3, std::nullopt);
  cell.points.push_back({7, level(1.0 / 3)});
  cell.points[0].measured.metrics["rouge"][2] = NAN;
  cell.failure = "x";
  const Cell back = cell_of_json(Json::parse(cell_json(cell).dump()));
  EXPECT_EQ(back.points[0].step, 7);
  EXPECT_EQ(back.points[0].measured.metrics.at("probability"),
            cell.points[0].measured.metrics.at("probability"));
  EXPECT_TRUE(std::isnan(back.points[0].measured.metrics.at("rouge").at(2)));
  EXPECT_FALSE(back.before->utility.has_value());
  EXPECT_EQ(back.failure, "x");
}

TEST(AuditPlan, ABudgetLeavesOutTheDearest) {
  AuditPlan plan;
  for (const auto& [id, points, passes] :
       {std::tuple{"cheap", 1, 0.0}, {"dear", 3, 500.0}, {"middle", 2, 0.0}}) {
    attacks::AttackedModel way{.id = id};
    way.points = points;
    way.passes = passes;
    way.change_weights = [](attacks::Subject&) {};
    plan.ways.push_back({&attacks::registered_attacks().front(), std::move(way), 0});
  }
  predict_costs({1000, 2}, plan);
  EXPECT_EQ(plan.ways[0].cost, 2);
  EXPECT_EQ(plan.ways[1].cost, 2 * (3 + 500));
  keep_within(7, plan);
  ASSERT_EQ(plan.ways.size(), 2U);
  EXPECT_EQ(plan.ways[0].way.id, "cheap");
  EXPECT_EQ(plan.ways[1].way.id, "middle");
  EXPECT_EQ(plan.left_out.front().id, "dear");
}

}  // namespace
}  // namespace unlearn::run
