// Whole MUSE and WMDP evaluations of the bundled model against ones computed row by row with
// transformers, rouge-score and scikit-learn (scripts/goldens/muse_eval.py, multiple_choice.py).
#include <gtest/gtest.h>

#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/json.h"

namespace unlearn::eval {
namespace {
namespace fs = std::filesystem;

const fs::path kMuseModel = fs::path(UNLEARN_SOURCE_DIR) / "data/tiny";
const fs::path kFixtures = fs::path(UNLEARN_TEST_DIR) / "data_fixtures";

Json golden(const std::string& name) {
  return read_json(fs::path(UNLEARN_TEST_DIR) / "golden/eval" / (name + ".json"));
}

// Rows of a multiple-choice task; every question's four log-likelihoods.
void expect_choices(const Outcome& outcome, const std::string& metric, const Json& wanted) {
  const Json& rows = outcome.evaluation.metrics.at(metric).details.at("value_by_index");
  ASSERT_EQ(rows.size(), wanted.size()) << metric;
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t letter = 0; letter < 4; ++letter) {
      const double value = rows.at(std::to_string(i))["logp"][letter].get<double>();
      EXPECT_NEAR(value, wanted[i][letter].get<double>(), 2e-4) << metric << " row " << i;
    }
  }
}

// Runs a benchmark's evaluation of data/tiny, or MUSE's on a folder of one's own; `change` sets
// what differs from the defaults.
Outcome evaluate(const std::string& benchmark, const std::string& forget, const fs::path& folder,
                 const std::function<void(EvalConfig&)>& change = {},
                 const std::function<void(model::CausalLM&)>& spoil = {}) {
  const auto tokenizer = tokenizer::load_tokenizer(kMuseModel);
  const data::Template prompt_template = data::named_template("phi");
  data::DataConfig data;
  data.root =
      (fs::path(benchmark).is_absolute() ? fs::path(benchmark) : kFixtures / benchmark).string();
  data.forget = forget;
  EvalConfig config;
  if (change) change(config);
  const EvaluationInputs inputs{*tokenizer, prompt_template, data, config, 1280};
  const auto evaluation =
      benchmarks::make_evaluation(fs::path(benchmark).is_absolute() ? "muse" : benchmark, inputs);
  const auto model = model::load_model(kMuseModel, torch::kFloat32, torch::kCPU);
  if (spoil) {
    const torch::NoGradGuard no_grad;
    spoil(*model);
  }
  EvaluationRun run;
  run.model = [&]() -> model::CausalLM& { return *model; };
  Outcome outcome = run_evaluation(*evaluation, inputs, run);
  write_outcome(folder, *evaluation, outcome);
  return outcome;
}

void expect_close(double value, double wanted, const std::string& what) {
  EXPECT_NEAR(value, wanted, 2e-5 * std::max(1.0, std::abs(wanted))) << what;
}

void expect_muse_rows(const Json& rows, const std::string& field, const Json& wanted,
                      const std::string& what) {
  ASSERT_EQ(rows.size(), wanted.size()) << what;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const Json& value = rows.at(std::to_string(i)).at(field);
    if (wanted[i].is_string()) {
      EXPECT_EQ(value, wanted[i]) << what << " row " << i;
    } else {
      expect_close(value.get<double>(), wanted[i].get<double>(), what);
    }
  }
}

class GoldenMuseEvaluation : public ::testing::TestWithParam<std::pair<const char*, const char*>> {
};

TEST_P(GoldenMuseEvaluation, EqualsTransformersRowByRow) {
  const auto& [corpus, suite] = GetParam();
  const Json all = golden("muse");
  const Json& expected = all[cat(corpus, "_", suite)];
  const fs::path folder = fs::path(::testing::TempDir()) / cat("unlearn_muse_", corpus, suite);
  fs::remove_all(folder);
  const auto with_suite = [&](EvalConfig& config) {
    config.suite = config::value_in(eval::kMuseSuites, suite);
  };
  evaluate("muse", corpus, folder / "retrained/eval", with_suite, [&](model::CausalLM& model) {
    model.named_parameters()[all["scaled_weight"].get<std::string>()].mul_(
        all["scale"].get<double>());
  });
  const Outcome outcome = evaluate("muse", corpus, folder / "own", [&](EvalConfig& config) {
    with_suite(config);
    config.retain_log = (folder / "retrained").string();
  });
  const metrics::EvalReport& report = outcome.evaluation.metrics;
  for (const auto& [name, wanted] : expected.items()) {
    if (!wanted.is_object() || name == "auc") continue;
    ASSERT_TRUE(report.contains(name)) << name;
    const metrics::MetricResult& result = report.at(name);
    ASSERT_TRUE(result.value) << name;
    expect_close(*result.value, wanted["agg"].get<double>(), name);
    for (const auto& [field, rows] : wanted.items()) {
      if (field == "agg") continue;
      const bool side = field == "forget" || field == "holdout";
      const Json& part = side ? result.details.at(field) : result.details;
      expect_muse_rows(part.at("value_by_index"), side ? "score" : field, rows, name + " " + field);
    }
  }
  ASSERT_TRUE(report.at("privleak").value);
  expect_close(*report.at("privleak").value, expected["privleak_retrained"].get<double>(),
               "privleak");
  EXPECT_TRUE(outcome.evaluation.warnings.empty());
}

INSTANTIATE_TEST_SUITE_P(Suites, GoldenMuseEvaluation,
                         ::testing::Values(std::pair{"news", "muse"}, std::pair{"news", "ou"},
                                           std::pair{"books", "muse"}, std::pair{"books", "ou"}));

// Without a retrained model: the published constants; every AUC of muse_bench's table.
TEST(GoldenMuse, AucTableAndPublishedConstants) {
  const Json expected = golden("muse")["books_muse"];
  const fs::path folder = fs::path(::testing::TempDir()) / "unlearn_muse_auc";
  const Outcome outcome =
      evaluate("muse", "books", folder, [](EvalConfig& config) { config.metrics = {"privleak"}; });
  expect_close(*outcome.evaluation.metrics.at("privleak").value,
               expected["privleak_constants"].get<double>(), "privleak");
  EXPECT_FALSE(outcome.evaluation.metrics.contains("forget_verbmem_ROUGE"));
  const Json table = read_json(folder / "muse_privleak_auc.json");
  ASSERT_EQ(table.size(), expected["auc"].size());
  for (const auto& [key, value] : expected["auc"].items()) {
    expect_close(table.at(key).get<double>(), value.get<double>(), key);
  }
}

// Texts without a token to score count 0 in Min-K; long ones are cut 2,048 tokens behind their
// prefix.
TEST(GoldenMuse, SuiteOuWithTextsTooShortAndTooLong) {
  const Json edges = golden("muse_edges");
  const fs::path folder = fs::path(::testing::TempDir()) / "unlearn_muse_edges";
  fs::remove_all(folder);
  fs::create_directories(folder / "edges/privleak");
  fs::create_directories(folder / "edges/verbmem");
  for (const char* side : {"forget", "holdout"}) {
    write_file_atomic(folder / "edges/privleak" / cat(side, ".json"),
                      edges["privleak"][side].dump());
  }
  write_file_atomic(folder / "edges/verbmem/forget.json", edges["verbmem"].dump());
  const auto run = [&](std::vector<std::string> metrics) {
    return evaluate(folder.string(), "edges", folder / "out",
                    [&](EvalConfig& config) {
                      config.suite = eval::MuseSuite::kOpenUnlearning;
                      config.metrics = std::move(metrics);
                    })
        .evaluation;
  };
  const metrics::Evaluation memorised = run({"exact_memorization", "extraction_strength"});
  const metrics::Evaluation attacks =
      run({"mia_min_k", "mia_min_k_plus_plus", "mia_loss", "mia_gradnorm"});
  for (const auto& [name, wanted] : edges["report"].items()) {
    const bool attack = wanted.contains("holdout");
    const metrics::MetricResult& result = (attack ? attacks : memorised).metrics.at(name);
    expect_close(result.value.value(), wanted["agg"].get<double>(), name);
    if (attack) {
      for (const char* side : {"forget", "holdout"}) {
        expect_muse_rows(result.details.at(side).at("value_by_index"), "score", wanted[side], name);
      }
      continue;
    }
    for (size_t i = 0; i < wanted["score"].size(); ++i) {
      const Json& score = result.details.at("value_by_index").at(std::to_string(i)).at("score");
      EXPECT_EQ(score.is_null(), wanted["score"][i].is_null());
      if (!score.is_null())
        expect_close(score.get<double>(), wanted["score"][i].get<double>(), name);
    }
  }
  // What has no loss or no gradient has no score there.
  const auto score_of = [&](const char* attack, const char* row) {
    return attacks.metrics.at(attack).details.at("forget").at("value_by_index").at(row).at("score");
  };
  EXPECT_TRUE(score_of("mia_loss", "0").is_null());
  EXPECT_TRUE(score_of("mia_loss", "1").is_number());
  EXPECT_TRUE(score_of("mia_gradnorm", "1").is_null());
  EXPECT_TRUE(score_of("mia_gradnorm", "2").is_number());
}

// OpenUnlearning's suite has no constants: null with a reason, never a default number.
TEST(GoldenMuse, SuiteOuNeedsARetainLog) {
  const Outcome outcome = evaluate(
      "muse", "news", fs::path(::testing::TempDir()) / "unlearn_muse_ou", [](EvalConfig& config) {
        config.suite = eval::MuseSuite::kOpenUnlearning;
        config.metrics = {"privleak"};
      });
  EXPECT_FALSE(outcome.evaluation.metrics.at("privleak").value);
  ASSERT_EQ(outcome.evaluation.warnings.size(), 1U);
  EXPECT_NE(outcome.evaluation.warnings[0].find("privleak is null"), std::string::npos);
}

TEST(GoldenWmdp, EqualsTransformersRowByRow) {
  const Outcome outcome =
      evaluate("wmdp", "bio", fs::path(::testing::TempDir()) / "unlearn_wmdp_golden");
  const Json expected = golden("wmdp");
  ASSERT_EQ(outcome.evaluation.metrics.size(), 4U);
  for (const auto& [name, wanted] : expected.items()) {
    const metrics::MetricResult& result = outcome.evaluation.metrics.at(name);
    EXPECT_DOUBLE_EQ(*result.value, wanted["agg"].get<double>()) << name;
    const Json& rows = result.details.at("value_by_index");
    ASSERT_EQ(rows.size(), wanted["logp"].size());
    for (size_t i = 0; i < rows.size(); ++i) {
      for (size_t letter = 0; letter < 4; ++letter) {
        expect_close(rows.at(std::to_string(i))["logp"][letter].get<double>(),
                     wanted["logp"][i][letter].get<double>(), name);
      }
    }
  }
  EXPECT_EQ(outcome.evaluation.metrics.at("mmlu_acc").details.at("by_subject").size(), 3U);
}

// lm-evaluation-harness's own class (scripts/goldens/harness.py): questions between Unicode spaces,
// Gemma's BOS, and prompts longer than the context.
TEST(GoldenWmdp, EqualsTheHarness) {
  const Json expected = golden("harness");
  const fs::path with_bos = fs::path(::testing::TempDir()) / "unlearn_wmdp_bos";
  fs::remove_all(with_bos);
  fs::create_directories(with_bos);
  fs::copy(kMuseModel / "special_tokens_map.json", with_bos / "special_tokens_map.json");
  Json content = read_json(kMuseModel / "tokenizer.json");
  const Json single = {{{"SpecialToken", {{"id", "<|endoftext|>"}, {"type_id", 0}}}},
                       {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}};
  content["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", single},
      {"pair", single},
      {"special_tokens",
       {{"<|endoftext|>",
         {{"id", "<|endoftext|>"}, {"ids", {0}}, {"tokens", {"<|endoftext|>"}}}}}}};
  write_file_atomic(with_bos / "tokenizer.json", content.dump());
  struct Case {
    const char* name;
    const char* model_type;
    int64_t context;
  };
  for (const Case& item :
       {Case{"plain", "llama", 512}, Case{"gemma", "gemma", 512}, Case{"context", "llama", 32},
        Case{"gemma_context", "gemma3_text", 32}}) {
    const bool is_gemma = std::string_view(item.name).starts_with("gemma");
    const auto tokenizer = tokenizer::load_tokenizer(is_gemma ? with_bos : kMuseModel);
    const data::Template prompt_template = data::named_template("phi");
    data::DataConfig data;
    data.root = (kFixtures / "harness").string();
    data.forget = "bio";
    EvalConfig config;
    config.splits = {"wmdp_bio"};
    const EvaluationInputs inputs{*tokenizer, prompt_template, data,        config,
                                  1280,       item.model_type, item.context};
    const auto evaluation = benchmarks::make_evaluation("wmdp", inputs);
    const auto model = model::load_model(kMuseModel, torch::kFloat32, torch::kCPU);
    EvaluationRun run;
    run.model = [&]() -> model::CausalLM& { return *model; };
    SCOPED_TRACE(item.name);
    expect_choices(run_evaluation(*evaluation, inputs, run), "wmdp_bio_acc",
                   expected.at(item.name));
  }
}

TEST(WmdpEvaluation, SplitsAreChosenByName) {
  const fs::path folder = fs::path(::testing::TempDir()) / "unlearn_wmdp_splits";
  const Outcome outcome =
      evaluate("wmdp", "bio", folder, [](EvalConfig& config) { config.splits = {"wmdp_chem"}; });
  ASSERT_EQ(outcome.evaluation.metrics.size(), 1U);
  EXPECT_TRUE(outcome.evaluation.metrics.at("wmdp_chem_acc").value);
  EXPECT_THROW(evaluate("wmdp", "bio", folder, [](EvalConfig& config) { config.splits = {"bio"}; }),
               UserError);
}

}  // namespace
}  // namespace unlearn::eval
