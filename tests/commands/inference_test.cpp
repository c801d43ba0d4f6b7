// score, generate, tokenize and inspect as a user calls them, against transformers
// (scripts/goldens/commands.py).
#include <gtest/gtest.h>

#include <filesystem>

#include "commands/program_run.h"
#include "test_folder.h"

namespace unlearn::commands {
namespace {
namespace fs = std::filesystem;

const std::string kGolden = std::string(UNLEARN_TEST_DIR) + "/golden/";
const std::string kModel = kGolden + "commands/model";

class GoldenCommands : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) const {
    return own_.write(name, content).string();
  }
  const TestFolder own_;
  const fs::path folder_ = own_.path();
};

TEST_F(GoldenCommands, Score) {
  const Json golden = read_json(kGolden + "commands/golden.json").at("score");
  std::string lines;
  for (const Json& row : golden) lines += row.at("input").dump() + "\n";
  const std::string input = write("rows.jsonl", lines);
  const std::string output = (folder_ / "scores.jsonl").string();
  for (const char* batch_tokens : {"1", "64", "4096"}) {
    const ProgramRun got =
        run({"score", "--model", kModel, "--input", input, "--template", "phi", "--dtype",
             "float32", "--batch-tokens", batch_tokens, "--output", output});
    ASSERT_EQ(got.code, 0) << got.err;
    int64_t index = 0;
    for_each_json_row(output, [&](int64_t, const Json& row) {
      const Json& want = golden.at(static_cast<size_t>(index));
      EXPECT_EQ(row.at("index"), index++);
      EXPECT_EQ(row.at("input_ids"), want.at("input_ids"));
      EXPECT_EQ(row.at("labels"), want.at("labels"));
      const auto expected = want.at("token_logprobs").get<std::vector<double>>();
      const auto actual = row.at("token_logprobs").get<std::vector<double>>();
      ASSERT_EQ(actual.size(), expected.size());
      EXPECT_EQ(row.at("num_labels"), expected.size());
      double sum = 0;
      for (size_t t = 0; t < expected.size(); ++t) {
        EXPECT_NEAR(actual[t], expected[t], 1e-4);
        sum += expected[t];
      }
      EXPECT_NEAR(row.at("sum_logprob").get<double>(), sum, 1e-3);
      EXPECT_NEAR(row.at("mean_logprob").get<double>(), sum / static_cast<double>(expected.size()),
                  1e-4);
    });
    EXPECT_EQ(index, static_cast<int64_t>(golden.size()));
  }
}

TEST_F(GoldenCommands, Generate) {
  const Json golden = read_json(kGolden + "commands/golden.json").at("generate");
  for (const std::string name : {"phi", "none"}) {
    std::string lines;
    std::vector<Json> expected;
    for (const Json& row : golden) {
      if (row.at("template") != name) continue;
      lines += row.at("input").dump() + "\n";
      expected.push_back(row.at("ids"));
    }
    ASSERT_FALSE(expected.empty());
    const ProgramRun got =
        run({"generate", "--model", kModel, "--input", write("prompts.jsonl", lines), "--template",
             name, "--max-new-tokens", "12", "--dtype", "float32"});
    ASSERT_EQ(got.code, 0) << got.err;
    const auto rows = got.rows();
    ASSERT_EQ(rows.size(), expected.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(rows[i].at("index"), i);
      EXPECT_EQ(rows[i].at("ids"), expected[i]);
    }
  }
}

// Llama-3 and Phi-3 end a turn with one of several tokens: transformers' rule for which file
// counts.
TEST_F(GoldenCommands, GenerationEndsAtAnyOfTheStopTokens) {
  const Json golden = read_json(kGolden + "commands/golden.json").at("stops");
  size_t cut = 0;
  for (const Json& row : golden) {
    const fs::path model = folder_ / "model";
    fs::remove_all(model);
    fs::copy(kModel, model);
    const fs::path file = model / row.at("file").get<std::string>();
    Json content = fs::exists(file) ? read_json(file) : Json::object();
    content["eos_token_id"] = row.at("eos_token_id");
    write_file_atomic(file, content.dump());
    const std::string input =
        write("prompt.jsonl", Json{{"input_ids", row.at("input_ids")}}.dump() + "\n");
    const ProgramRun got = run({"generate", "--model", model.string(), "--input", input,
                                "--max-new-tokens", "12", "--dtype", "float32"});
    ASSERT_EQ(got.code, 0) << got.err;
    EXPECT_EQ(got.rows().at(0).at("ids"), row.at("ids")) << row;
    cut += row.at("ids").size() < 12 ? 1 : 0;
  }
  EXPECT_GE(cut, 2u);
}

// scripts/goldens/decoding.py
TEST_F(GoldenCommands, GenerateObeysTheModelsGenerationConfig) {
  const Json golden = read_json(kGolden + "decoding/commands.json");
  const fs::path model = folder_ / "model";
  fs::copy(kModel, model);
  std::string lines;
  for (const Json& row : golden) lines += Json{{"input_ids", row.at("input_ids")}}.dump() + "\n";
  const std::string input = write("prompts.jsonl", lines);
  const std::vector<std::string> generate = {"generate", "--model", model.string(),
                                             "--input",  input,     "--max-new-tokens",
                                             "12",       "--dtype", "float32"};
  std::vector<std::string> without = generate;
  without.insert(without.end(), {"--generation-config", "ignore"});
  const ProgramRun plain = run(generate);
  ASSERT_EQ(plain.code, 0) << plain.err;
  write_file_atomic(model / "generation_config.json", golden.at(0).at("config").dump());
  testing::internal::CaptureStderr();  // the log does not go through std::cerr
  const ProgramRun got = run(generate);
  const std::string told = testing::internal::GetCapturedStderr();
  ASSERT_EQ(got.code, 0) << got.err;
  EXPECT_NE(told.find("repetition_penalty 1.4, no_repeat_ngram_size 2, begin_suppress_tokens "
                      "[890] (--generation-config ignore leaves it out)"),
            std::string::npos)
      << told;
  const auto rows = got.rows(), plain_rows = plain.rows();
  ASSERT_EQ(rows.size(), golden.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].at("ids"), golden.at(i).at("ids"));
    EXPECT_NE(rows[i].at("ids"), plain_rows[i].at("ids"));
  }
  const ProgramRun ignored = run(without);
  EXPECT_EQ(ignored.out, plain.out);
  EXPECT_EQ(ignored.err.find("repetition_penalty"), std::string::npos) << ignored.err;
  write_file_atomic(model / "generation_config.json", R"({"num_beams": 4})");
  EXPECT_EQ(run(generate).code, 2);
  EXPECT_EQ(run(without).out, plain.out);
}

TEST_F(GoldenCommands, TokenizeAndBack) {
  for (const std::string family : {"smollm2", "llama3", "sp_llama2"}) {
    const std::string folder = kGolden + "tokenizer/" + family;
    const Json rows = read_json(folder + "/golden.json").at("rows");
    std::string texts, ids, full;
    for (size_t i = 0; i < rows.size(); ++i) {
      texts += (i % 2 == 0 ? rows[i][0] : Json{{"text", rows[i][0]}}).dump() + "\n";
      full += Json{{"ids", rows[i][2]}}.dump() + "\n";
    }
    const auto plain = run({"tokenize", "--model", folder}, texts).rows();
    const auto special = run({"tokenize", "--model", folder, "--add-special"}, texts).rows();
    const auto decoded = run({"tokenize", "--model", folder, "--decode"}, full).rows();
    ASSERT_EQ(plain.size(), rows.size());
    ASSERT_EQ(special.size(), rows.size());
    ASSERT_EQ(decoded.size(), rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(plain[i].at("ids"), rows[i][1]);
      EXPECT_EQ(special[i].at("ids"), rows[i][2]);
      EXPECT_EQ(decoded[i].at("text"), rows[i][3]);
    }
  }
}

TEST_F(GoldenCommands, Inspect) {
  const ProgramRun got = run({"inspect", kModel, "--json"});
  ASSERT_EQ(got.code, 0) << got.err;
  const Json facts = parse_json(got.out, "inspect");
  EXPECT_EQ(facts.at("family"), "llama");
  EXPECT_EQ(facts.at("tokenizer").at("kind"), "tokenizer.json BPE");
  EXPECT_EQ(facts.at("tokenizer").at("vocab_size"), 1000);
  EXPECT_EQ(facts.at("missing_tensors"), Json::array());
  EXPECT_EQ(facts.at("unused_tensors"), Json::array());
  // 1024 x 16 embeddings; per layer q, k, v, o 16 x (16 + 8 + 8 + 16), three 16 x 24, two norms.
  EXPECT_EQ(facts.at("parameters"), 1024 * 16 + 2 * (16 * 48 + 3 * 16 * 24 + 2 * 16) + 16);
}

TEST_F(GoldenCommands, ListShowsWhatIsBuiltIn) {
  ::setenv("UNLEARN_CONFIG_DIR", UNLEARN_SOURCE_DIR "/configs", 1);
  for (const std::string what :
       {"methods", "models", "benchmarks", "metrics", "templates", "configs", "settings"}) {
    const ProgramRun text = run({"list", what});
    const ProgramRun json = run({"list", what, "--json"});
    EXPECT_EQ(text.code, 0);
    const Json rows = parse_json(json.out, what);
    EXPECT_GT(rows.size(), 0u) << what;
    for (const Json& row : rows) {
      EXPECT_NE(text.out.find(row.at("name").get<std::string>()), std::string::npos) << row;
    }
  }
  const std::string methods = run({"list", "methods"}).out;
  for (const char* text : {"simnpo", "also: tv", "command: unlearn task-vector"}) {
    EXPECT_NE(methods.find(text), std::string::npos) << text;
  }
  EXPECT_NE(run({"list", "configs"}).out.find("tofu-npo"), std::string::npos);
  ::unsetenv("UNLEARN_CONFIG_DIR");
  EXPECT_NE(run({"list", "settings"}).out.find("train.warmup_steps"), std::string::npos);
  EXPECT_NE(run({"list", "metrics"}).out.find("in reports: wmdp_bio_acc"), std::string::npos);
}

TEST_F(GoldenCommands, BadRows) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"prompt": "a"})", "needs"},
      {R"({"input_ids": [1, 2], "labels": [-100]})", "labels"},
      {R"({"input_ids": [1, 5000], "labels": [-100, 2]})", "5000"},
      {R"({"input_ids": [1, 2], "labels": [1, 2]})", "labels[0]"},
      {R"({"text": 5})", "must be text"},
      {R"({"text": "a"})", "fewer than two tokens"},
  };
  for (const auto& [row, message] : cases) {
    const std::string input = write("bad.jsonl", "{\"text\": \"good row\"}\n" + row + "\n");
    const ProgramRun got = run({"score", "--model", kModel, "--input", input, "--template", "phi"});
    EXPECT_EQ(got.code, 2) << row;
    EXPECT_NE(got.err.find(message), std::string::npos) << got.err;
    EXPECT_NE(got.err.find("bad.jsonl: row 1: "), std::string::npos) << got.err;
    EXPECT_EQ(got.out, "");
  }
}

// A tokenizer that knows more ids than the model has embeddings.
TEST_F(GoldenCommands, ATokenizerOfAnotherModel) {
  fs::copy(kModel, folder_ / "model");
  fs::copy_file(kGolden + "tokenizer/prefix_bpe/tokenizer.json", folder_ / "model/tokenizer.json",
                fs::copy_options::overwrite_existing);
  const std::string input = write("rows.jsonl", "{\"text\": \"Question: the author was born.\"}\n");
  const std::string model = (folder_ / "model").string();
  for (const auto& command :
       {std::vector<std::string>{"score", "--model", model, "--input", input},
        std::vector<std::string>{"generate", "--model", model, "--template", "none", "--prompt",
                                 "Question: the author was born."}}) {
    const ProgramRun got = run(command);
    EXPECT_EQ(got.code, 2) << got.err;
    EXPECT_NE(got.err.find("tokenizer/embedding mismatch"), std::string::npos) << got.err;
  }
}

}  // namespace
}  // namespace unlearn::commands
