// A model's generation_config.json against transformers' greedy decoding
// (scripts/goldens/decoding.py).
#include <gtest/gtest.h>

#include "scoring/fixture.h"
#include "test_folder.h"
#include "unlearn/core/json.h"
#include "unlearn/scoring/decoding_rules.h"
#include "unlearn/scoring/generate.h"

namespace unlearn::scoring {
namespace {

namespace fs = std::filesystem;
using Outputs = std::vector<std::vector<int32_t>>;

Json decoding_golden(const std::string& name) {
  return read_json(fs::path(UNLEARN_TEST_DIR) / "golden/decoding" / (name + ".json"));
}

class DecodingRulesTest : public testing::Test {
 protected:
  DecodingRules rules_of(const Json& config, int64_t vocabulary = 61) const {
    own_.write("generation_config.json", config.dump());
    return read_decoding_rules(own_.path(), vocabulary);
  }
  GenerateOptions options_of(const Json& row) const {
    GenerateOptions options;
    options.max_new_tokens = row.at("max_new_tokens").get<int64_t>();
    const Json& config = row.at("config");
    options.rules = rules_of(config);
    if (config.at("eos_token_id").is_array()) {
      options.stop_ids = config.at("eos_token_id").get<std::vector<int32_t>>();
    }
    return options;
  }
  // That an error names the file, and what follows its name.
  std::string refused(const Json& config) const {
    const std::string said = refusal([&] { rules_of(config).check("LEAVE OUT"); });
    const std::string file = (own_.path() / "generation_config.json").string() + ": ";
    return said.starts_with(file) ? said.substr(file.size()) : said;
  }

  const TestFolder own_;
};

TEST_F(DecodingRulesTest, GreedyTokensAreThoseOfTransformersHoweverTheyAreBatched) {
  const auto model = golden_model("llama");
  const Json rows = decoding_golden("rules");
  ASSERT_GE(rows.size(), 20u);
  for (const Json& row : rows) {
    GenerateOptions options = options_of(row);
    EXPECT_FALSE(options.rules.empty());
    const auto prompts = row.at("prompts").get<Outputs>();
    for (const int64_t batch_tokens : {1, 130, 8192}) {
      options.batch_tokens = batch_tokens;
      EXPECT_EQ(generate(*model, prompts, options), row.at("outputs").get<Outputs>())
          << row.at("config") << " in batches of " << batch_tokens;
    }
  }
}

// Rows of guesses see the guesses before them.
TEST_F(DecodingRulesTest, GuessesAreMadeUnderRulesToo) {
  CountedModel model(golden_model("llama"));
  size_t tokens = 0;
  for (const Json& row : decoding_golden("rules")) {
    if (row.at("max_new_tokens") != 60) continue;
    const auto prompts = row.at("prompts").get<Outputs>();
    const auto wanted = row.at("outputs").get<Outputs>();
    for (size_t i = 0; i < prompts.size(); ++i) {
      EXPECT_EQ(generate(model, {prompts[i]}, options_of(row)).front(), wanted[i]);
      tokens += wanted[i].size();
    }
  }
  EXPECT_LT(model.passes, static_cast<int64_t>(tokens) * 3 / 4);
}

TEST_F(DecodingRulesTest, SampledTokensObeyThem) {
  const auto model = golden_model("llama");
  GenerateOptions options;
  options.max_new_tokens = 1;
  options.temperature = 3;
  options.batch_tokens = 1 << 20;
  // A sequence longer than the text before the token is not looked at: transformers' rule.
  options.rules = rules_of(
      {{"suppress_tokens", {30, 41}}, {"bad_words_ids", {{42}, {9, 2, 5}, {5, 9, 2, 22}}}});
  std::vector<int64_t> drawn(61, 0);
  for (const auto& output : generate(*model, Outputs(2000, {5, 9, 2}), options)) {
    ++drawn[static_cast<size_t>(output.front())];
  }
  for (const size_t never : {30, 41, 42, 5}) EXPECT_EQ(drawn[never], 0) << never;
  EXPECT_GT(drawn[22], 0);
}

TEST_F(DecodingRulesTest, SayWhatTheyAre) {
  const DecodingRules rules = rules_of({{"do_sample", true},
                                        {"top_k", 20},
                                        {"min_p", nullptr},
                                        {"temperature", 0.7},
                                        {"repetition_penalty", 1.05},
                                        {"no_repeat_ngram_size", 0},
                                        {"num_beams", 1},
                                        {"suppress_tokens", {999}},
                                        {"min_new_tokens", 3},
                                        {"chat_format", "chatml"},
                                        {"transformers_version", "4.43.1"}});
  EXPECT_EQ(rules.text(), "repetition_penalty 1.05, min_new_tokens 3");
  EXPECT_EQ(rules.unused, std::vector<std::string>{"top_k"});
  ASSERT_EQ(rules.notes.size(), 1u);
  EXPECT_TRUE(
      rules.notes[0].ends_with("generation_config.json: not known, without effect: chat_format"));
  rules.check("");
  EXPECT_TRUE(rules_of({{"repetition_penalty", 1.0}, {"eos_token_id", 3}}).empty());
  fs::remove(own_.path() / "generation_config.json");
  own_.write("config.json", R"({"repetition_penalty": 1.2, "min_length": 0, "hidden_size": 3})");
  const DecodingRules without = read_decoding_rules(own_.path(), 61);
  EXPECT_TRUE(without.empty());
  ASSERT_EQ(without.notes.size(), 1u);
  EXPECT_NE(
      without.notes[0].find("config.json: not applied: repetition_penalty 1.2; transformers 5"),
      std::string::npos);
}

TEST_F(DecodingRulesTest, OtherWaysToDecodeAreRefusedByName) {
  const auto expect_named = [&](const Json& config, const std::string& names) {
    EXPECT_EQ(refused(config),
              names +
                  ": not built in, and outputs would not be transformers'; take it out, or "
                  "decode without this file: LEAVE OUT");
  };
  expect_named({{"num_beams", 4}, {"length_penalty", 2.0}}, "num_beams 4");
  expect_named({{"penalty_alpha", 0.6}, {"top_k", 4}}, "penalty_alpha 0.6");
  expect_named({{"dola_layers", "high"}, {"guidance_scale", 1.5}},
               "dola_layers \"high\", guidance_scale 1.5");
  expect_named({{"stop_strings", {"\n\n"}}}, "stop_strings [\"\\n\\n\"]");
  EXPECT_EQ(refused({{"num_beams", 1},
                     {"penalty_alpha", 0},
                     {"guidance_scale", 1.0},
                     {"token_healing", false},
                     {"num_beam_groups", 1}}),
            "accepted");
}

TEST_F(DecodingRulesTest, ValuesOfAWrongKindAreRefused) {
  EXPECT_EQ(refused({{"repetition_penalty", 0}}), "repetition_penalty: must be above 0, not 0");
  EXPECT_EQ(refused({{"repetition_penalty", "1.1"}}),
            "repetition_penalty: must be a number, not \"1.1\"");
  EXPECT_EQ(refused({{"no_repeat_ngram_size", -1}}),
            "no_repeat_ngram_size: must be a whole number of at least 0, not -1");
  EXPECT_EQ(refused({{"min_length", 1.5}}),
            "min_length: must be a whole number of at least 0, not 1.5");
  EXPECT_EQ(refused({{"forced_bos_token_id", 61}}),
            "forced_bos_token_id: must be token ids from 0 to 60, not 61");
  EXPECT_EQ(refused({{"bad_words_ids", {1, 2}}}),
            "bad_words_ids: must be non-empty lists of token ids, not 1");
  EXPECT_EQ(refused({{"sequence_bias", {{{"5", 1.0}}}}}),
            "sequence_bias: must be a list of [[token ids], bias], not [{\"5\":1.0}]");
  EXPECT_EQ(refused({{"suppress_tokens", 4}}),
            "suppress_tokens: must be a list of token ids, not 4");
  EXPECT_EQ(refused({{"exponential_decay_length_penalty", {1}}}),
            "exponential_decay_length_penalty: must be [start, factor], not [1]");
  EXPECT_NE(refused(Json::array()).find("must be a JSON object"), std::string::npos);
}

}  // namespace
}  // namespace unlearn::scoring
