// A whole TOFU evaluation of the bundled model against one computed row by row with transformers,
// rouge-score, SciPy and scikit-learn (scripts/goldens/eval.py).
#include <gtest/gtest.h>

#include "benchmarks/tofu/log.h"
#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/core/json.h"

namespace unlearn::eval {
namespace {
namespace fs = std::filesystem;

const fs::path kTofuModel = fs::path(UNLEARN_SOURCE_DIR) / "data/tiny";
const fs::path kData = fs::path(UNLEARN_SOURCE_DIR) / "data/fiction";

class GoldenTofuEvaluation : public ::testing::TestWithParam<const char*> {
 protected:
  static const Json& golden() {
    static const Json json = read_json(fs::path(UNLEARN_TEST_DIR) / "golden/eval/tofu.json");
    return json;
  }

  // The golden's "retrained" model when `scaled`.
  static std::shared_ptr<model::CausalLM> load(bool scaled) {
    torch::NoGradGuard no_grad;
    auto model = model::load_model(kTofuModel, torch::kFloat32, torch::kCPU);
    if (scaled) {
      model->named_parameters()[golden()["scaled_weight"].get<std::string>()].mul_(
          golden()["scale"].get<double>());
    }
    return model;
  }

  Outcome evaluate(bool scaled, const fs::path& folder, const std::string& retain_log) {
    const auto tokenizer = tokenizer::load_tokenizer(kTofuModel);
    const data::Template prompt_template = data::named_template(GetParam());
    data::DataConfig data;
    data.root = kData.string();
    data.forget = golden()["forget"].get<std::string>();
    EvalConfig config;
    config.rows = golden()["rows"].get<int64_t>();
    config.metrics = {"all"};
    config.retain_log = retain_log;
    config.reference_model = config.original_model = kTofuModel.string();
    const EvaluationInputs inputs{*tokenizer, prompt_template, data, config, 1280};
    const auto evaluation = benchmarks::make_evaluation("tofu", inputs);
    const auto own = load(scaled), other = load(!scaled);
    EvaluationRun run;
    run.model = [&]() -> model::CausalLM& { return *own; };
    run.reference = run.original = [&]() -> model::CausalLM& { return *other; };
    run.batch_tokens = 300;  // several batches, also of generations
    run.generation_tokens = 900;
    Outcome outcome = run_evaluation(*evaluation, inputs, run);
    write_outcome(folder, *evaluation, outcome);
    return outcome;
  }
};

void expect_rows(const Json& rows, const std::string& field, const Json& expected,
                 const std::string& what) {
  ASSERT_EQ(rows.size(), expected.size()) << what;
  for (size_t i = 0; i < expected.size(); ++i) {
    const Json& value = rows.at(std::to_string(i)).at(field);
    if (expected[i].is_string()) {
      EXPECT_EQ(value, expected[i]) << what << " row " << i;
    } else {
      const double wanted = expected[i].get<double>();
      EXPECT_NEAR(value.get<double>(), wanted, 2e-5 * std::max(1.0, std::abs(wanted)))
          << what << " row " << i;
    }
  }
}

TEST_P(GoldenTofuEvaluation, EqualsTransformersRowByRow) {
  const fs::path folder =
      fs::path(::testing::TempDir()) / (std::string("unlearn_eval_golden_") + GetParam());
  fs::remove_all(folder);
  evaluate(/*scaled=*/true, folder / "retrained", "");
  const Outcome outcome =
      evaluate(/*scaled=*/false, folder / "own", (folder / "retrained/TOFU_EVAL.json").string());
  const Json& expected = golden()["templates"][GetParam()];
  for (const auto& [name, wanted] : expected.items()) {
    const auto entry = outcome.evaluation.metrics.find(name);
    ASSERT_NE(entry, outcome.evaluation.metrics.end()) << name;
    const metrics::MetricResult& result = entry->second;
    ASSERT_TRUE(result.value) << name;
    const double value = wanted["agg"].get<double>();
    EXPECT_NEAR(*result.value, value, 1e-5 * std::max(1.0, std::abs(value))) << name;
    for (const auto& [field, rows] : wanted.items()) {
      if (field == "agg") continue;
      if (field == "forget" || field == "holdout") {
        expect_rows(result.details.at(field).at("value_by_index"), "score", rows, name + field);
      } else {
        expect_rows(result.details.at("value_by_index"), field == "loss" ? "avg_loss" : field, rows,
                    name);
      }
    }
  }
  // Everything else that is reported is null, with a reason.
  for (const auto& [name, result] : outcome.evaluation.metrics) {
    EXPECT_TRUE(expected.contains(name) || !result.value) << name;
  }
  EXPECT_EQ(outcome.evaluation.warnings, std::vector<std::string>());

  // Both files say the same when they are read back.
  const auto aggregated = benchmarks::tofu::read_tofu_log(folder / "own/eval_log_aggregated.json");
  const auto report = benchmarks::tofu::read_tofu_log(folder / "own/TOFU_EVAL.json");
  for (const benchmarks::tofu::TofuTask task : benchmarks::tofu::kTofuTasks) {
    ASSERT_EQ(aggregated.rows(task).size(), report.rows(task).size());
    for (size_t i = 0; i < report.rows(task).size(); ++i) {
      EXPECT_EQ(aggregated.rows(task)[i].answer.mean, report.rows(task)[i].answer.mean);
      EXPECT_EQ(aggregated.rows(task)[i].text, report.rows(task)[i].text);
      EXPECT_EQ(aggregated.rows(task)[i].kl_divergence, report.rows(task)[i].kl_divergence);
      EXPECT_NEAR(
          *aggregated.rows(task)[i].answer.sum / double(*aggregated.rows(task)[i].answer.tokens),
          *report.rows(task)[i].answer.mean, 1e-12);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Templates, GoldenTofuEvaluation,
                         ::testing::Values("phi", "llama2", "zephyr"));

}  // namespace
}  // namespace unlearn::eval
