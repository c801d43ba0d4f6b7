#include "unlearn/checkpoint/hf_folder.h"

#include <gtest/gtest.h>

#include "test_folder.h"
#include "unlearn/checkpoint/safetensors.h"
#include "unlearn/core/folder_writer.h"

namespace unlearn::checkpoint {
namespace {
namespace fs = std::filesystem;

Json config_with(const std::string& more) {
  return parse_json(R"({"model_type": "llama", "hidden_size": 16)" + more + "}", "test");
}

class HfFolder : public ::testing::Test {
 protected:
  const TestFolder own_;
  const fs::path folder_ = own_.path();
};

TEST_F(HfFolder, WhatIsNoModelFolderIsNamed) {
  const auto opened = [&](const fs::path& path) { return refusal([&] { open_hf_folder(path); }); };
  EXPECT_NE(opened(folder_ / "absent").find("no such folder"), std::string::npos);
  EXPECT_NE(opened(folder_).find("no config.json"), std::string::npos);
  write_file_atomic(folder_ / "config.json", "{\"hidden_size\": 3}");
  EXPECT_NE(opened(folder_).find("model_type"), std::string::npos);
  EXPECT_NE(opened(folder_ / "config.json").find("is a file"), std::string::npos);
  write_file_atomic(folder_ / "config.json", "[]");
  EXPECT_NE(opened(folder_).find("JSON object"), std::string::npos);
  write_file_atomic(folder_ / "config.json", "{\"model_type\": ");
  EXPECT_NE(opened(folder_).find("not valid JSON"), std::string::npos);
  write_file_atomic(folder_ / "config.json", "{\"model_type\": 4}");
  EXPECT_NE(opened(folder_).find("model_type: must be a string"), std::string::npos);
}

TEST_F(HfFolder, KeysAreCheckedAndNamed) {
  const HfConfig config(config_with(R"(, "a": 0, "b": 2.5, "c": "x", "d": 1e300, "e": null,
                                       "f": [1], "g": -3, "h": 4.0, "i": 99999999999)"));
  EXPECT_EQ(config.size("hidden_size"), 16);
  EXPECT_EQ(config.size_or("e", 7), 7);  // null is absent
  EXPECT_FALSE(config.has("e"));
  for (const char* key : {"a", "b", "c", "d", "f", "g", "i"}) {
    const std::string message = refusal([&] { config.size(key); });
    EXPECT_EQ(message.find(cat("config.json: ", key, ": must be a whole number")), 0U) << message;
  }
  EXPECT_EQ(refusal([&] { config.size("z"); }), "config.json: z: is missing");
  EXPECT_EQ(config.number("b"), 2.5);
  EXPECT_NE(refusal([&] { config.number("c"); }).find("must be a number"), std::string::npos);
  EXPECT_NE(refusal([&] { config.boolean_or("a", true); }).find("true or false"),
            std::string::npos);
  EXPECT_NE(refusal([&] { config.text_or("a", ""); }).find("string"), std::string::npos);
  EXPECT_NE(refusal([&] { config.texts("f"); }).find("list of strings"), std::string::npos);
}

TEST_F(HfFolder, AnEpsilonIsNotNegative) {
  EXPECT_EQ(HfConfig(config_with(R"(, "eps": 0)")).epsilon_or("eps", 1), 0);
  EXPECT_EQ(refusal([] { HfConfig(config_with(R"(, "eps": -1e-5)")).epsilon_or("eps", 1); }),
            "config.json: eps: must not be negative, not -1e-05");
}

// Files are read from the model folder, from one that it is a link to, and from the cache of
// Hugging Face's client, whose snapshots are links into blobs/; from nowhere else.
TEST_F(HfFolder, LinksOutOfTheFolderAreRefused) {
  const auto check = [](const fs::path& model) {
    const std::string said = refusal([&] { check_stays(model, "weights"); });
    return said.find("is a link out of the model folder") != std::string::npos ? "refused" : said;
  };
  fs::create_directories(folder_ / "model");
  write_file_atomic(folder_ / "outside", "x");
  write_file_atomic(folder_ / "model/own", "x");
  fs::create_symlink("own", folder_ / "model/weights");
  EXPECT_EQ(check(folder_ / "model"), "accepted");
  fs::create_directory_symlink(folder_ / "model", folder_ / "alias");
  EXPECT_EQ(check(folder_ / "alias"), "accepted");
  for (const fs::path& target : {fs::path("../outside"), folder_ / "outside"}) {
    fs::remove(folder_ / "model/weights");
    fs::create_symlink(target, folder_ / "model/weights");
    EXPECT_EQ(check(folder_ / "model"), "refused") << target;
    EXPECT_EQ(check(folder_ / "alias"), "refused") << target;
  }
  const fs::path cache = folder_ / "models--a--b";
  fs::create_directories(cache / "blobs");
  fs::create_directories(cache / "snapshots/1");
  write_file_atomic(cache / "blobs/4f", "x");
  fs::create_symlink("../../blobs/4f", cache / "snapshots/1/weights");
  EXPECT_EQ(check(cache / "snapshots/1"), "accepted");
  fs::remove(cache / "snapshots/1/weights");
  fs::create_symlink("../../../outside", cache / "snapshots/1/weights");
  EXPECT_EQ(check(cache / "snapshots/1"), "refused");
}

TEST_F(HfFolder, ShardNamesAreFileNames) {
  write_file_atomic(folder_ / "config.json", R"({"model_type": "llama"})");
  for (const char* name : {"", "..", "a/b", "/etc/passwd", "a\\u0000b"}) {
    write_file_atomic(folder_ / "model.safetensors.index.json",
                      cat(R"({"weight_map": {"x": ")", name, R"("}})"));
    const std::string said = refusal([&] { const TensorStore store(folder_); });
    EXPECT_NE(said.find("is not a plain file name"), std::string::npos) << name << ": " << said;
  }
}

TEST_F(HfFolder, BothSpellingsOfRotationMeanTheSame) {
  const HfConfig old_style(config_with(R"(, "rope_theta": 500.0, "rope_scaling":
      {"type": "linear", "factor": 4.0}, "partial_rotary_factor": 0.5)"));
  const HfConfig new_style(config_with(R"(, "rope_parameters": {"rope_type": "linear",
      "factor": 4.0, "rope_theta": 500.0, "partial_rotary_factor": 0.5})"));
  for (const HfConfig* config : {&old_style, &new_style}) {
    const HfConfig rope = config->rope();
    EXPECT_EQ(rope.text_or("rope_type", ""), "linear");
    EXPECT_EQ(rope.number("rope_theta"), 500.0);
    EXPECT_EQ(rope.number("factor"), 4.0);
    EXPECT_EQ(rope.number("partial_rotary_factor"), 0.5);
  }
  EXPECT_EQ(HfConfig(config_with("")).rope().number("rope_theta"), 10000.0);
  EXPECT_NE(refusal([&] {
              HfConfig(config_with(R"(, "rope_scaling": 3)")).rope();
            }).find("config.json: rope_scaling: must be a JSON object"),
            std::string::npos);
  EXPECT_NE(refusal([&] {
              HfConfig(config_with(R"(, "rope_parameters": {"rope_theta": "x"})")).rope();
            }).find("config.json: rope_parameters: rope_theta: must be a number"),
            std::string::npos);
}

TEST_F(HfFolder, WrittenConfigsCarryBothSpellings) {
  const HfConfig config(config_with(R"(, "rope_parameters": {"rope_type": "llama3",
      "factor": 8.0, "rope_theta": 500.0}, "dtype": "float32", "own_key": [1, 2])"));
  const Json written = portable_config(config, torch::kBFloat16);
  EXPECT_EQ(written.at("dtype"), "bfloat16");
  EXPECT_EQ(written.at("torch_dtype"), "bfloat16");
  EXPECT_EQ(written.at("rope_theta"), 500.0);
  EXPECT_EQ(written.at("rope_scaling").at("rope_type"), "llama3");
  EXPECT_FALSE(written.at("rope_scaling").contains("rope_theta"));
  EXPECT_EQ(written.at("rope_parameters").at("rope_theta"), 500.0);
  EXPECT_EQ(written.at("own_key"), Json::array({1, 2}));
  const Json plain =
      portable_config(HfConfig(config_with(R"(, "rope_theta": 7.5)")), torch::kFloat32);
  EXPECT_TRUE(plain.at("rope_scaling").is_null());
  EXPECT_EQ(plain.at("rope_parameters").at("rope_type"), "default");
  EXPECT_FALSE(portable_config(HfConfig(config_with("")), torch::kFloat32).contains("rope_theta"));
}

TEST_F(HfFolder, RotationPerLayerTypeMeansTheSameInBothSpellings) {
  const RopeKeys keys{.default_theta = 1e6, .local_theta = "rope_local_base_freq"};
  const HfConfig old_style(config_with(R"(, "rope_theta": 900.0, "rope_local_base_freq": 40.0,
      "rope_scaling": {"rope_type": "linear", "factor": 8.0})"));
  const HfConfig new_style(config_with(R"(, "rope_parameters": {
      "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 900.0},
      "sliding_attention": {"rope_type": "default", "rope_theta": 40.0}})"));
  for (const HfConfig* config : {&old_style, &new_style}) {
    const Json written = portable_config(*config, torch::kFloat32, keys);
    for (const HfConfig& read : {*config, HfConfig(written)}) {
      EXPECT_EQ(read.rope(keys).text_or("rope_type", ""), "linear");
      EXPECT_EQ(read.rope(keys).number("factor"), 8.0);
      EXPECT_EQ(read.rope(keys).number("rope_theta"), 900.0);
      EXPECT_EQ(read.local_rope(keys).text_or("rope_type", ""), "default");
      EXPECT_EQ(read.local_rope(keys).number("rope_theta"), 40.0);
    }
    EXPECT_EQ(written.at("rope_theta"), 900.0);
    EXPECT_EQ(written.at("rope_local_base_freq"), 40.0);
    EXPECT_EQ(written.at("rope_scaling").at("factor"), 8.0);
    EXPECT_EQ(written.at("rope_parameters").at("sliding_attention").at("rope_theta"), 40.0);
  }
  const HfConfig empty(config_with(""));
  EXPECT_EQ(empty.rope(keys).number("rope_theta"), 1e6);
  EXPECT_EQ(empty.local_rope(keys).number("rope_theta"), 10000.0);
}

TEST_F(HfFolder, FamiliesWithTheirOwnRotaryKeys) {
  const RopeKeys keys{.theta = "rotary_emb_base", .partial = "rotary_pct", .default_partial = 0.25};
  const HfConfig config(config_with(R"(, "rotary_emb_base": 70.0, "rotary_pct": 0.5)"));
  const Json written = portable_config(config, torch::kFloat32, keys);
  EXPECT_EQ(written.at("rope_parameters").at("rope_theta"), 70.0);
  EXPECT_EQ(written.at("rope_parameters").at("partial_rotary_factor"), 0.5);
  EXPECT_EQ(written.at("rotary_emb_base"), 70.0);
  EXPECT_FALSE(written.contains("rope_theta"));
  EXPECT_EQ(HfConfig(config_with("")).rope(keys).number("partial_rotary_factor"), 0.25);
}

// Phi-3 of transformers 4.x refuses a rope_scaling with more than three keys.
TEST_F(HfFolder, LongRopeIsWrittenAsPhi3ReadsIt) {
  const HfConfig config(config_with(R"(, "original_max_position_embeddings": 16,
      "rope_parameters": {"rope_type": "longrope", "short_factor": [1.0], "long_factor": [2.0],
      "rope_theta": 90.0, "original_max_position_embeddings": 8})"));
  EXPECT_EQ(config.rope().number("original_max_position_embeddings"), 16);
  const Json scaling = portable_config(config, torch::kFloat32).at("rope_scaling");
  EXPECT_EQ(scaling.size(), 3U);
  EXPECT_EQ(scaling.at("type"), "longrope");
  EXPECT_EQ(scaling.at("long_factor"), Json::array({2.0}));
}

TEST_F(HfFolder, OnlyCompanionFilesAreCopied) {
  fs::create_directories(folder_ / "from");
  fs::create_directories(folder_ / "to");
  const std::string odd("{\"a\": 1}\r\n\xff\0x", 13);
  write_file_atomic(folder_ / "from" / "tokenizer.json", odd);
  write_file_atomic(folder_ / "from" / "generation_config.json", "{}");
  write_file_atomic(folder_ / "from" / "model.safetensors", "weights");
  write_file_atomic(folder_ / "from" / "train.py", "code");
  copy_companion_files(folder_ / "from", folder_ / "to");
  EXPECT_EQ(read_file(folder_ / "to" / "tokenizer.json"), odd);
  EXPECT_TRUE(fs::exists(folder_ / "to" / "generation_config.json"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "to"), fs::directory_iterator()), 2);
}

TEST_F(HfFolder, TemplatesPreprocessorsAndNamedCodeAreCopied) {
  for (const char* name : {"chat_template.jinja", "additional_chat_templates/rag.jinja",
                           "preprocessor_config.json", "processor_config.json",
                           "tokenization_own.py", "parts.py", "additional_chat_templates/x"}) {
    own_.write(cat("from/", name), "{}");
  }
  fs::create_directories(folder_ / "to");
  copy_companion_files(folder_ / "from", folder_ / "to");
  for (const char* name : {"chat_template.jinja", "additional_chat_templates/rag.jinja",
                           "preprocessor_config.json", "processor_config.json"}) {
    EXPECT_TRUE(fs::exists(folder_ / "to" / name)) << name;
  }
  EXPECT_FALSE(fs::exists(folder_ / "to" / "additional_chat_templates" / "x"));
  EXPECT_FALSE(fs::exists(folder_ / "to" / "parts.py"));  // nothing names code
  own_.write("from/tokenizer_config.json",
             R"({"auto_map": {"AutoTokenizer": ["tokenization_own.Own", null]}})");
  copy_companion_files(folder_ / "from", folder_ / "to");
  EXPECT_TRUE(fs::exists(folder_ / "to" / "tokenization_own.py"));
  EXPECT_TRUE(fs::exists(folder_ / "to" / "parts.py"));  // what that one may import
}

TEST_F(HfFolder, SavedConfigsNameNoPythonFiles) {
  const HfConfig config(
      config_with(R"(, "auto_map": {"AutoModelForCausalLM": "modeling_own.Own"})"));
  EXPECT_FALSE(portable_config(config, torch::kFloat32).contains("auto_map"));
}

TEST_F(HfFolder, AnAdapterIsNoModel) {
  own_.write("adapter_config.json", R"({"base_model_name_or_path": "some/base"})");
  const std::string message = refusal([&] { open_hf_folder(folder_); });
  EXPECT_NE(message.find("is a LoRA adapter, not a model; give the model that it belongs to "
                         "(some/base) as the model and this folder as --adapter"),
            std::string::npos)
      << message;
}

TEST_F(HfFolder, FoldersAppearWholeOrNotAtAll) {
  const fs::path out = folder_ / "deep" / "out";
  const auto entries = [&] {
    return std::distance(fs::directory_iterator(folder_ / "deep"), fs::directory_iterator());
  };
  {
    const FolderWriter writer(out, ExistingFolder::kRefuse);
    write_file_atomic(writer.path() / "a", "1");
    EXPECT_FALSE(fs::exists(out));
  }
  EXPECT_EQ(entries(), 0);  // abandoned: nothing remains
  {
    FolderWriter writer(out / "", ExistingFolder::kRefuse);  // a trailing slash changes nothing
    write_file_atomic(writer.path() / "a", "1");
    write_file_atomic(writer.path() / "config.json", "{}");
    write_file_atomic(writer.path() / "model.safetensors", "");
    writer.commit();
  }
  EXPECT_EQ(read_file(out / "a"), "1");
  EXPECT_NE(refusal([&] { FolderWriter(out, ExistingFolder::kRefuse); }).find("not empty"),
            std::string::npos);
  {
    FolderWriter writer(out, ExistingFolder::kReplace);
    write_file_atomic(writer.path() / "b", "2");
    EXPECT_TRUE(fs::exists(out / "a"));
    writer.commit();
  }
  EXPECT_FALSE(fs::exists(out / "a"));
  EXPECT_EQ(read_file(out / "b"), "2");
  EXPECT_EQ(entries(), 1);
  write_file_atomic(folder_ / "file", "");
  EXPECT_NE(
      refusal([&] { FolderWriter(folder_ / "file", ExistingFolder::kReplace); }).find("is a file"),
      std::string::npos);
  fs::create_directories(folder_ / "empty");
  FolderWriter writer(folder_ / "empty", ExistingFolder::kRefuse);
  writer.commit();
  EXPECT_TRUE(Manifest::read(folder_ / "empty")->empty());
}

TEST_F(HfFolder, OnlyModelsAreReplacedAndNeverTheInput) {
  const auto replaced = [&](const fs::path& path, const std::vector<fs::path>& inputs = {}) {
    return refusal([&] { FolderWriter(path, ExistingFolder::kReplace, inputs); });
  };
  const fs::path home = folder_ / "home", model = home / "model";
  fs::create_directories(model);
  write_file_atomic(home / "thesis.txt", "years");
  EXPECT_NE(replaced(home).find("holds no model"), std::string::npos);
  write_file_atomic(home / "config.json", "{}");
  EXPECT_NE(replaced(home).find("holds no model"), std::string::npos);
  for (const fs::path& folder : {home, model}) {
    write_file_atomic(folder / "config.json", "{}");
    write_file_atomic(folder / "model-00001-of-00001.safetensors", "");
  }
  fs::create_directory_symlink(model, folder_ / "link");
  EXPECT_NE(replaced(home, {model}).find("lies in it"), std::string::npos);
  EXPECT_NE(replaced(model / "", {home, model}).find("lies in it"), std::string::npos);
  EXPECT_NE(replaced(folder_ / "link", {model}).find("lies in it"), std::string::npos);
  EXPECT_NE(replaced(model, {home}).find("no model that this program wrote"), std::string::npos);
  Manifest manifest;
  manifest.claim("config.json");
  manifest.write(model);
  EXPECT_EQ(replaced(model, {home}), "accepted");
  EXPECT_TRUE(fs::exists(model / "config.json"));
}

}  // namespace
}  // namespace unlearn::checkpoint
