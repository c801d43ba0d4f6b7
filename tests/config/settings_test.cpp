#include "unlearn/config/settings.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "test_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::config {
namespace {
namespace fs = std::filesystem;

struct Sample {
  int64_t epochs = 10;
  double lr = 1e-5;
  bool shuffle = true;
  std::string mode = "nll";
  std::optional<double> delta;
  std::optional<int64_t> budget;
  std::vector<std::string> compat;
  int64_t rank = 0;

  void visit(FieldVisitor& v) {
    v.field("epochs", epochs, {.help = "passes", .min = 1});
    v.field("lr", lr, {.help = "learning rate", .min = 0, .exclusive_min = true});
    v.field("shuffle", shuffle, {.help = "random order"});
    v.field("mode", mode, {.help = "which", .choices = {"nll", "kl"}});
    v.field("delta", delta, {.help = "margin"});
    v.field("budget", budget, {.help = "tokens", .min = 1, .unset_word = "auto"});
    v.field("compat", compat, {.help = "quirks"});
    v.field("lora.rank", rank, {.help = "rank", .min = 0});
  }
};

class SettingsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / "unlearn_settings_test";
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  fs::path write(const std::string& name, const std::string& content) {
    write_file_atomic(folder_ / name, content);
    return folder_ / name;
  }
  static Sample read(const Settings& settings) {
    SettingsReader reader(settings);
    Sample sample;
    reader.read("train", sample);
    reader.refuse_unknown();
    return sample;
  }
  fs::path folder_;
};

TEST_F(SettingsTest, LaterLayersWin) {
  write("base.yaml", "train: {epochs: 3, lr: 0.5, lora: {rank: 4}}\n");
  const auto file = write("own.yaml", "extends: base.yaml\ntrain:\n  lr: 1e-4\n  compat: [a, b]\n");
  Settings settings = Settings::from_file(file);
  settings.assign("train.epochs=7", "--set");
  const Sample sample = read(settings);
  EXPECT_EQ(sample.epochs, 7);
  EXPECT_DOUBLE_EQ(sample.lr, 1e-4);
  EXPECT_EQ(sample.rank, 4);
  EXPECT_EQ(sample.compat, (std::vector<std::string>{"a", "b"}));
}

TEST_F(SettingsTest, ExtendsLooksBesideTheFileAndAmongThePresets) {
  const auto presets = folder_ / "presets";
  std::filesystem::create_directory(presets);
  std::ofstream(presets / "base.yaml") << "train: {epochs: 5}\n";
  const auto file = write("own.yaml", "extends: base.yaml\ntrain: {lr: 1}\n");
  EXPECT_NE(refusal([&] { Settings::from_file(file); }).find("base.yaml"), std::string::npos);
  EXPECT_EQ(read(Settings::from_file(file, {presets})).epochs, 5);
  write("base.yaml", "train: {epochs: 3}\n");
  EXPECT_EQ(read(Settings::from_file(file, {presets})).epochs, 3);
}

TEST_F(SettingsTest, EverySettingKnowsItsLayer) {
  write("base.yaml", "train: {epochs: 3, lr: 0.5, rate: 1}\n");
  Settings settings =
      Settings::from_file(write("own.yaml", "extends: base.yaml\ntrain: {lr: 1}\n"));
  EXPECT_TRUE(settings.is_later("train.lr", "train.epochs"));
  EXPECT_FALSE(settings.is_later("train.epochs", "train.lr"));
  EXPECT_FALSE(settings.is_later("train.epochs", "train.rate"));
  EXPECT_FALSE(settings.is_later("train.epochs", "train.absent"));
  settings.begin_layer();
  settings.assign("train.epochs=7", "--set");
  EXPECT_TRUE(settings.is_later("train.epochs", "train.lr"));
  Settings below;
  below.set("train.rate", 2, "defaults");
  below.set("train.seed", 2, "defaults");
  below.overlay(settings);
  EXPECT_TRUE(below.is_later("train.rate", "train.seed"));
  EXPECT_TRUE(below.is_later("train.epochs", "train.rate"));
  below.erase("train.rate");
  EXPECT_FALSE(below.contains("train.rate"));
}

TEST_F(SettingsTest, UnknownKeyNamesFileLineAndNearest) {
  const auto file = write("typo.yaml", "train:\n  epochs: 3\n  epoch: 3\n");
  const std::string text = refusal([&] { read(Settings::from_file(file)); });
  EXPECT_NE(text.find("typo.yaml:3"), std::string::npos) << text;
  EXPECT_NE(text.find("train.epochs"), std::string::npos) << text;
}

TEST_F(SettingsTest, TypesAndRangesAreChecked) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"train.epochs=many", "a number"},
      {"train.epochs=2.5", "a whole number"},
      {"train.epochs=0", "must be >= 1"},
      {"train.lr=0", "must be > 0"},
      {"train.lr=.nan", "a number"},
      {"train.shuffle=1", "true or false"},
      {"train.mode=klx", "did you mean 'kl'"},
      {"train.budget=-3", "must be >= 1"},
      {"train.lr=[1, 2]", "a number"},
      {"train.lr=1e999", "a number"},
      {"train.epochs={a: 1}", "unknown key"},
      {"nonsense", "dotted.key=value"},
      {"train.mode=[1, {a: 2}]", "plain values"}};
  for (const auto& [assignment, expected] : cases) {
    const std::string text = refusal([&, &given = assignment] {
      Settings settings;
      settings.assign(given, "--set");
      read(settings);
    });
    EXPECT_NE(text.find(expected), std::string::npos) << assignment << " -> " << text;
    EXPECT_EQ(text.find('\n'), std::string::npos);
  }
}

TEST_F(SettingsTest, UnsetWordsAndNull) {
  Settings settings;
  settings.assign("train.budget=auto", "--set");
  settings.assign("train.delta=", "--set");
  const Sample sample = read(settings);
  EXPECT_FALSE(sample.budget.has_value());
  EXPECT_FALSE(sample.delta.has_value());
}

TEST_F(SettingsTest, WhatIsDumpedReadsBack) {
  Sample sample;
  sample.lr = 1.0 / 3.0;
  sample.mode = "kl";
  sample.delta = 0.2;
  sample.compat = {"true", "plain", "with: colon"};
  FieldDumper dumper;
  sample.visit(dumper);
  const auto file = write("dump.yaml", to_yaml(Json{{"train", dumper.json()}}));
  const Sample again = read(Settings::from_file(file));
  EXPECT_EQ(again.lr, sample.lr);
  EXPECT_EQ(again.mode, "kl");
  EXPECT_EQ(again.delta, sample.delta);
  EXPECT_EQ(again.compat, sample.compat);
  EXPECT_FALSE(again.budget.has_value());
}

TEST_F(SettingsTest, BadFilesAreOneLine) {
  const auto broken = write("broken.yaml", "train: [1, 2\n");
  EXPECT_NE(refusal([&] { Settings::from_file(broken); }).find("not valid YAML"),
            std::string::npos);
  const auto circle = write("circle.yaml", "extends: circle.yaml\n");
  EXPECT_NE(refusal([&] { Settings::from_file(circle); }).find("circle"), std::string::npos);
  const auto list = write("list.yaml", "- 1\n- 2\n");
  EXPECT_NE(refusal([&] { Settings::from_file(list); }).find("map of keys"), std::string::npos);
  EXPECT_NE(refusal([&] { find_config("absent", {folder_}); }).find("absent"), std::string::npos);
}

TEST_F(SettingsTest, WhatReadersOfYamlSettleInSilenceIsRefused) {
  const auto said = [&](const std::string& content) {
    const auto file = write("config.yaml", content);
    return refusal([&] { Settings::from_file(file); });
  };
  EXPECT_NE(
      said("train: {lr: 1}\nseed: 2\ntrain: {epochs: 3}\n").find("config.yaml:3: 'train' again"),
      std::string::npos);
  EXPECT_NE(said("train:\n  lr: 1\n  lr: 2\n").find("config.yaml:3: 'train.lr' again"),
            std::string::npos);
  EXPECT_NE(said("train: {lr: 1}\ntrain.lr: 2\n").find("config.yaml:2: 'train.lr' again"),
            std::string::npos);
  EXPECT_NE(said("method.beta: 1\nmethod: npo\n").find("'method' again"), std::string::npos);
  EXPECT_NE(said("method: npo\nmethod.beta: 1\n").find("'method.beta' again"), std::string::npos);
  EXPECT_EQ(said("method.beta: 1\nmethod.name: npo\nmethod-x: 1\n"), "accepted");
  EXPECT_NE(said("a: 1\n---\nb: 2\n").find("a second document"), std::string::npos);
  EXPECT_EQ(said("---\na: 1\n...\n"), "accepted");
  EXPECT_NE(said("a: \xff\n").find("not valid UTF-8"), std::string::npos);
  EXPECT_NE(said(std::string("a: 1\n\0b: 2\n", 11)).find("NUL"), std::string::npos);
  EXPECT_NE(said("a: " + std::string(2 << 20, 'x')).find("too many for a config"),
            std::string::npos);
  Settings settings;
  EXPECT_NE(refusal([&] { settings.assign("data={root: a, root: b}", "--set"); }).find("again"),
            std::string::npos);
}

// Aliases of aliases: a few hundred bytes that stand for gigabytes.
TEST_F(SettingsTest, AliasBombsAreRefusedAtOnce) {
  std::string maps = "a0: &a0 {x: 1, y: 2}\n";
  for (int i = 1; i < 16; ++i) {
    maps += cat("a", i, ": &a", i, " {");
    for (int k = 0; k < 9; ++k) maps += cat(k == 0 ? "" : ", ", "k", k, ": *a", i - 1);
    maps += "}\n";
  }
  const auto start = std::chrono::steady_clock::now();
  const auto file = write("bomb.yaml", maps);
  EXPECT_NE(refusal([&] { Settings::from_file(file); }).find("more than 10000 values"),
            std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST_F(SettingsTest, DescriberShowsDefaultsAndRanges) {
  Sample sample;
  FieldDescriber describer;
  sample.visit(describer);
  ASSERT_EQ(describer.docs().size(), 8U);
  EXPECT_EQ(describer.docs()[1].name, "lr");
  EXPECT_EQ(describer.docs()[1].default_value, "1e-05");
  EXPECT_EQ(describer.docs()[1].range, "> 0");
  EXPECT_EQ(describer.docs()[5].default_value, "auto");
}

}  // namespace
}  // namespace unlearn::config
