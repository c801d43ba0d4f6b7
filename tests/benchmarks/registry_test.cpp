// What every benchmark has: its folder, one of each name, and metrics that its evaluation computes.
#include <gtest/gtest.h>

#include <set>

#include "test_folder.h"
#include "unlearn/benchmarks/benchmark.h"
#include "unlearn/core/error.h"

namespace unlearn::benchmarks {
namespace {
namespace fs = std::filesystem;

using eval::EvalConfig;
using eval::EvaluationInputs;
using eval::MetricSelection;
using metrics::Metric;
using metrics::Need;

TEST(Registry, ListAndFoldersAgree) {
  std::set<std::string> listed, folders;
  for (const Benchmark& benchmark : registered_benchmarks()) {
    EXPECT_TRUE(listed.insert(benchmark.info.name).second) << benchmark.info.name;
    EXPECT_FALSE(benchmark.info.help.empty());
    EXPECT_EQ(find_benchmark(benchmark.info.name), &benchmark);
    EXPECT_EQ(benchmark.make_evaluation == nullptr, benchmark.offer == nullptr);
    EXPECT_EQ(benchmark.make_evaluation == nullptr, benchmark.file_prefix.empty());
  }
  for (const auto& entry : fs::directory_iterator(UNLEARN_SOURCE_DIR "/src/benchmarks")) {
    if (entry.is_directory()) folders.insert(entry.path().filename());
  }
  EXPECT_EQ(listed, folders);
  EXPECT_EQ(find_benchmark("nothing"), nullptr);
}

bool provides(const eval::MetricOffer& offer, const Metric& metric) {
  return std::all_of(metric.needs.begin(), metric.needs.end(), [&](Need need) {
    return std::find(offer.provides.begin(), offer.provides.end(), need) != offer.provides.end();
  });
}

// A metric of metrics.def is offered where what it needs is provided, and nowhere else; no name is
// offered twice.
TEST(Registry, OffersAreWhatIsProvided) {
  for (const Benchmark& benchmark : registered_benchmarks()) {
    if (benchmark.offer == nullptr) continue;
    for (const eval::MuseSuite suite : {eval::MuseSuite::kMuse, eval::MuseSuite::kOpenUnlearning}) {
      EvalConfig config;
      config.suite = suite;
      const eval::MetricOffer offer = benchmark.offer(config);
      std::set<std::string> offered, own;
      for (const Metric& metric : offer.own) own.insert(metric.name);
      for (const Metric& metric : offer.all()) {
        EXPECT_TRUE(offered.insert(metric.name).second) << metric.name;
        EXPECT_FALSE(metric.help.empty());
        EXPECT_FALSE(metric.keys.empty());
      }
      for (const Metric& metric : metrics::registered_metrics()) {
        const bool expected = provides(offer, metric) || own.contains(metric.name);
        EXPECT_EQ(offered.contains(metric.name), expected)
            << benchmark.info.name << " " << metric.name;
      }
    }
  }
}

TEST(Registry, DefaultLeavesOutWhatCostsMoreOrIsNotGiven) {
  const eval::MetricOffer offer = find_benchmark("tofu")->offer({});
  EvalConfig config;
  const MetricSelection plain(config, offer);
  EXPECT_TRUE(plain.has("mia_min_k"));
  for (const char* name : {"mia_gradnorm", "mia_reference", "kl_divergence"}) {
    EXPECT_FALSE(plain.has(name)) << name;
  }
  config.reference_model = config.original_model = "x";
  EXPECT_TRUE(MetricSelection(config, offer).has("mia_reference"));
  EXPECT_TRUE(MetricSelection(config, offer).has("kl_divergence"));
  config.metrics = {"all"};
  EXPECT_TRUE(MetricSelection(config, offer).has("mia_gradnorm"));
  config.metrics = {"gibberish"};  // nothing computes it
  EXPECT_NE(refusal([&] { MetricSelection(config, offer); }).find("is no metric of this benchmark"),
            std::string::npos);
}

TEST(Evaluations, UnknownBenchmarkNamesTheNearest) {
  const auto tokenizer =
      tokenizer::load_tokenizer(std::filesystem::path(UNLEARN_SOURCE_DIR) / "data/tiny");
  const data::Template prompt_template = data::named_template("phi");
  const data::DataConfig data;
  EvalConfig config;
  const EvaluationInputs inputs{*tokenizer, prompt_template, data, config, 1280};
  EXPECT_NE(refusal([&] { make_evaluation("nothing", inputs); }).find("known: tofu, muse, wmdp"),
            std::string::npos);
  EXPECT_NE(refusal([&] { make_evaluation("tofuu", inputs); }).find("did you mean 'tofu'"),
            std::string::npos);
  config.metrics = {"mia_mink"};
  EXPECT_NE(refusal([&] { make_evaluation("tofu", inputs); }).find("did you mean 'mia_min_k'"),
            std::string::npos);
  config.metrics = {"default"};
  config.splits = {"forgot"};
  eval::Plan own, reference;
  EXPECT_NE(refusal([&] {
              make_evaluation("tofu", inputs)->plan(own, reference);
            }).find("did you mean 'forget'"),
            std::string::npos);
}

// What the reference model is asked must be in its own vocabulary, too.
TEST(Evaluations, TheReferencesTokenIdsAreChecked) {
  const auto tokenizer = tokenizer::load_tokenizer(fs::path(UNLEARN_SOURCE_DIR) / "data/tiny");
  const data::Template prompt_template = data::named_template("phi");
  data::DataConfig data;
  data.root = UNLEARN_SOURCE_DIR "/data/fiction";
  data.forget = "forget05";
  EvalConfig config;
  config.rows = 1;
  config.metrics = {"mia_reference"};
  config.reference_model = "another";
  EvaluationInputs inputs{*tokenizer, prompt_template, data, config, 1280};
  const auto planned = [&] {
    eval::checked_plans(*find_benchmark("tofu")->make_evaluation(inputs), inputs);
  };
  EXPECT_NO_THROW(planned());
  inputs.reference_vocab_size = 100;
  EXPECT_NE(refusal(planned).find("eval.reference_model: tokenizer/embedding mismatch: token id"),
            std::string::npos);
}

}  // namespace
}  // namespace unlearn::benchmarks
