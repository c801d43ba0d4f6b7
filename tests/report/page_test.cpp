// The page of a comparison: what it says first, its columns, and what it keeps apart.
#include "unlearn/report/page.h"

#include <gtest/gtest.h>

#include <cmath>

#include "report/assets.h"
#include "report/evaluation.h"
#include "report/groups.h"
#include "report/html.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::report {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& page, const std::string& part) {
  return page.find(part) != std::string::npos;
}

// Without the chart library, whose text is not ours.
std::string without_library(std::string page) {
  for (const char* name : {"chart.js", "chart-licence.txt"}) {
    const std::string part = name == std::string("chart.js")
                                 ? std::string(asset(name))
                                 : escape_html(std::string(asset(name)));
    if (part.empty()) continue;
    const size_t at = page.find(part);
    EXPECT_NE(at, std::string::npos) << name;
    if (at != std::string::npos) page.erase(at, part.size());
  }
  return page;
}

RunSummary run_of(const std::string& name, const std::map<std::string, double>& metrics,
                  const std::string& seed = "1") {
  RunSummary run;
  run.folder = name;
  run.name = name;
  run.method = "simnpo";
  run.status = "done";
  run.settings = {{"method.beta", "2.5"}, {"train.seed", seed}, {"output", name}};
  for (const auto& [key, value] : metrics) run.after.metrics[key] = value;
  return run;
}

std::vector<Answer> answers_of(const std::vector<std::string>& texts) {
  std::vector<Answer> answers;
  for (const std::string& text : texts) {
    answers.push_back({static_cast<int64_t>(answers.size()), cat("Question ", answers.size(), "?"),
                       "the truth", text, 0.5, 0.25});
  }
  return answers;
}

TEST(Page, QuestionsHaveNoTemplateMarks) {
  const std::string asked = "Who wrote it, [and] when?";
  for (const std::string& prompt : {
           "[INST] " + asked + " [/INST]",
           "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\n" + asked + " [/INST] ",
           "Question: " + asked + "\nAnswer: ",
           "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n" + asked +
               "<|im_end|>\n<|im_start|>assistant\n",
           "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|>"
           "<|start_header_id|>user<|end_header_id|>\n\n" +
               asked + "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
           "<bos><start_of_turn>user\n" + asked + "<end_of_turn>\n<start_of_turn>model\n",
           "<|user|>\n" + asked + "<|end|>\n<|assistant|>\n",
           "<|user|>\n" + asked + "</s>\n<|assistant|>\n",
           asked,
       }) {
    EXPECT_EQ(plain_question(prompt), asked) << prompt;
  }
  // What a user writes is no mark.
  EXPECT_EQ(plain_question("What is a Question: a sentence?"), "What is a Question: a sentence?");
}

TEST(Page, SeedsAreAveraged) {
  const std::vector<RunSummary> runs = {run_of("b=1,seed=1", {{"model_utility", 0.5}}, "1"),
                                        run_of("b=1,seed=2", {{"model_utility", 0.7}}, "2"),
                                        run_of("b=1,seed=3", {{"model_utility", 0.9}}, "3")};
  const std::vector<Group> groups = group_seeds(runs);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].name, "b=1");
  const Spread& spread = groups[0].after.at("model_utility");
  EXPECT_DOUBLE_EQ(spread.mean, 0.7);
  EXPECT_NEAR(spread.sd.value(), 0.2, 1e-12);  // of 0.5, 0.7, 0.9 with n - 1
  EXPECT_EQ(spread.count, 3);
  const std::string page = html_page({runs});
  EXPECT_TRUE(has(page, "0.7<small>± 0.2</small>"));
  EXPECT_TRUE(has(page, "simnpo · 3 seeds"));
  EXPECT_TRUE(has(page, "<h2>Each seed</h2>"));
}

TEST(Page, OtherSettingsAreNotAveraged) {
  std::vector<RunSummary> runs = {run_of("a", {}, "1"), run_of("b", {}, "2")};
  runs[1].settings["method.beta"] = "4.5";
  EXPECT_EQ(group_seeds(runs).size(), 2u);
  RunSummary bare = run_of("c", {});
  bare.settings.clear();
  EXPECT_EQ(group_seeds({bare, bare}).size(), 2u);
}

TEST(Page, BeforeIsAlwaysThereOrSaidToBeMissing) {
  RunSummary run = run_of("a", {{"forget_Q_A_Prob", 0.083}});
  const std::string missing = html_page({{run}});
  EXPECT_TRUE(has(missing, "title=\"not recorded before training\">–</td>"));
  EXPECT_TRUE(has(missing, "Nothing was measured before training"));
  run.before.emplace().metrics["forget_Q_A_Prob"] = 0.996;
  run.before_source = "measured by the run before training";
  const std::string known = html_page({{run}});
  EXPECT_FALSE(has(known, "Nothing was measured before training"));
  EXPECT_TRUE(has(known, ">0.996</td>"));
  EXPECT_TRUE(has(known, "0.083 <span class=\"better\">▼</span>"));
}

TEST(Page, TheOriginalsEvaluationIsTheBeforeOfRunsWithoutOne) {
  Comparison comparison{{run_of("a", {{"model_utility", 0.5}})}, run_of("full", {})};
  comparison.original->after.metrics["model_utility"] = 0.625;
  const std::string page = html_page(comparison);
  EXPECT_TRUE(has(page, "before unlearning"));
  EXPECT_TRUE(has(page, "0.5 <span class=\"worse\">▼</span>"));
}

TEST(Page, TheSentenceNamesTheRunThatForgetsAndKeepsMost) {
  std::vector<RunSummary> runs = {
      run_of("weak", {{"forget_quality", 0.001}, {"model_utility", 0.64}}),
      run_of("good", {{"forget_quality", 0.3}, {"model_utility", 0.6}}),
      run_of("harsh", {{"forget_quality", 0.9}, {"model_utility", 0.3}})};
  const char* betas[] = {"1", "2", "3"};
  for (size_t i = 0; i < 3; ++i) {
    runs[i].settings["method.beta"] = betas[i];
    runs[i].before.emplace().metrics["model_utility"] = 0.625;
  }
  const std::string page = html_page({runs});
  EXPECT_TRUE(has(page, "<h1 class=\"verdict good\">2 of 3 runs pass TOFU's test of forgetting"));
  EXPECT_TRUE(has(page,
                  "The one that keeps most is good: forget quality 0.3, model utility 0.6 "
                  "(before: 0.625)"));
  // The best utility is weak's, the best forget quality harsh's.
  EXPECT_TRUE(has(page, "0.9 <span class=\"open-mark\">★</span>"));
}

// The best figures of forgetting are those of a model that says nothing any more.
TEST(Page, AModelThatAnswersWithADotLooksBad) {
  std::vector<RunSummary> runs = {
      run_of("dots", {{"forget_quality", 0.9}, {"forget_Q_A_Prob", 0.0001}}),
      run_of("whole", {{"forget_quality", 0.01}, {"forget_Q_A_Prob", 0.2}}),
      run_of("third", {{"forget_quality", 0.001}, {"forget_Q_A_Prob", 0.3}})};
  const char* betas[] = {"1", "2", "3"};
  for (size_t i = 0; i < 3; ++i) runs[i].settings["method.beta"] = betas[i];
  runs[0].after.answers = answers_of({".", ".", ".", "."});
  runs[0].after.metrics["forget_broken"] = 1.0;
  const std::string page = html_page({runs});
  EXPECT_TRUE(has(page, "<h1 class=\"verdict bad\">No run forgot and still answers: dots passes"));
  EXPECT_TRUE(has(page, "dots <span class=\"bad-mark\">broken</span>"));
  EXPECT_TRUE(has(page,
                  "dots answers the forget questions with empty, repeating or always the "
                  "same texts"));
  EXPECT_TRUE(has(page, "0.2 <span class=\"open-mark\">★</span>"));  // the best whole one is marked
  EXPECT_FALSE(has(page, "0.0001 <span class=\"open-mark\">★</span>"));  // and not the broken one
}

TEST(Page, TheSameTextEverywhereIsBrokenUnlessItRefuses) {
  Evaluation evaluation;
  evaluation.answers = answers_of({"In Rome.", "In Rome.", "In Rome.", "In Rome."});
  evaluation.metrics["forget_alike"] = 1.0;
  EXPECT_TRUE(evaluation.is_ruined());
  evaluation.mostly_refuses = true;
  EXPECT_FALSE(evaluation.is_ruined());
}

TEST(Page, ValuesAreEscapedInHtmlAndInScripts) {
  RunSummary run = run_of("</script><script>alert(1)</script>",
                          {{"model_utility", 0.5}, {"forget_Q_A_Prob", 0.1}});
  run.curve = {{1, 0.5, 0.25}, {2, 0.4, 0.2}};
  run.settings["model.path"] = "\"><img onerror=x>";
  run.after.answers = answers_of({"I & <b>me</b>", "two"});
  run.record = {{"command", "unlearn <x>"}, {"version", "0.1.0"}};
  const std::string page = html_page({{run}});
  for (const char* part : {"<script>alert", "<img", "<b>me", "unlearn <x>"}) {
    EXPECT_FALSE(has(page, part)) << part;
  }
  EXPECT_TRUE(has(page, "I &amp; &lt;b&gt;me&lt;/b&gt;"));
  EXPECT_EQ(script_json(Json{{"a", "</script>"}}), "{\"a\":\"\\u003c/script>\"}");
}

TEST(Page, OneFileWithoutNetwork) {
  RunSummary run = run_of("a", {{"model_utility", 0.5}, {"forget_Q_A_Prob", 0.1}});
  run.curve = {{1, 0.5, 0.25}, {2, 0.4, 0.2}};
  std::string page = without_library(html_page({{run}}));
  for (const char* part : {"src=", "href=", "@import", "url(", "<link", "https:"}) {
    EXPECT_FALSE(has(page, part)) << part;
  }
  const std::string name_space = "http://www.w3.org/2000/svg";  // a name, never fetched
  for (size_t at; (at = page.find(name_space)) != std::string::npos;) {
    page.erase(at, name_space.size());
  }
  EXPECT_FALSE(has(page, "http:"));
  EXPECT_TRUE(has(page, "default-src 'none'"));
  EXPECT_TRUE(has(page, "<svg"));  // to be read without scripts
}

// The licence goes wherever the library goes.
TEST(Page, TheLibraryComesWithItsLicence) {
  EXPECT_EQ(asset("chart.js").empty(), asset("chart-licence.txt").empty());
  EXPECT_EQ(asset("no such file"), "");
  if (asset("chart.js").empty()) GTEST_SKIP() << "built without the chart library";
  RunSummary run = run_of("a", {{"model_utility", 0.5}, {"forget_Q_A_Prob", 0.1}});
  const std::string page = html_page({{run}});
  EXPECT_TRUE(has(page, "Permission is hereby granted, free of charge"));
  // A page without a chart carries no library.
  EXPECT_FALSE(has(html_page({{run_of("b", {})}}), "Permission is hereby granted"));
}

TEST(Page, ManyRunsAndRowsAreCutAndSaySo) {
  std::vector<RunSummary> runs;
  for (int i = 0; i < 1000; ++i) {
    runs.push_back(run_of(cat("run", i), {{"model_utility", 0.5}, {"forget_Q_A_Prob", 0.1}}));
    runs.back().settings["method.beta"] = std::to_string(i);
    runs.back().curve = {{1, 0.5, 0.25}, {2, 0.4, 0.2}};
  }
  runs[0].after.answers = answers_of(std::vector<std::string>(1000, "a whole answer"));
  const std::string page = html_page({runs});
  EXPECT_TRUE(has(page, "The first 400 of 1000 are shown; report.csv"));
  EXPECT_TRUE(has(page, "The first 200 of 1000 rows are shown"));
  EXPECT_TRUE(has(page, "The first 12 of 1000 runs are drawn"));
  EXPECT_LT(page.size(), size_t{4} << 20);
}

// As `unlearn forget` leaves it: the verdict's sentence, and its measures before and after.
TEST(Page, ARunOnOwnDataSpeaksForItself) {
  const fs::path root = fs::temp_directory_path() / cat("unlearn_page_", ::getpid());
  fs::create_directories(root);
  write_file_atomic(root / "run.json", R"({"method": "simnpo_idk", "status": "done"})");
  write_file_atomic(root / "verdict.json", R"({
    "verdict": "Not forgotten: 1 of 2 rows", "reached": false, "damage_ok": true,
    "forget": {"auc_before": 1.0, "auc_after": 0.75, "extracted_before": 2, "extracted_after": 1},
    "fluency": {"forget_after": {"outputs": 2, "broken": 1, "alike": 1, "distinct_2": 0.5}},
    "membership": {"mia_loss": {"before": {"auc": 0.9}, "after": {"auc": 0.25}}},
    "rows": [{"row": 0, "question": "q0", "answer": "a0", "logprob_after": -1.0,
              "output_before": "a0", "output_after": "b"}, {"row": 1}]})");
  const RunSummary run = read_run_summary(root);
  fs::remove_all(root);
  EXPECT_EQ(run.metric("forget_AUC"), 0.75);
  EXPECT_EQ(run.metric("forget_extracted"), 0.5);
  EXPECT_EQ(run.metric("forget_broken"), 0.5);
  EXPECT_EQ(run.metric("mia_loss"), 0.25);
  EXPECT_EQ(run.before->metric("forget_AUC"), 1.0);
  EXPECT_EQ(run.before->metric("mia_loss"), 0.9);
  EXPECT_NEAR(run.after.answers[0].probability.value(), std::exp(-1.0), 1e-15);
  const std::string page = html_page({{run}});
  EXPECT_TRUE(has(page, "<h1 class=\"verdict bad\">Not forgotten: 1 of 2 rows</h1>"));
}

}  // namespace
}  // namespace unlearn::report
