#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "losses/fixture.h"
#include "losses/rows.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"

namespace unlearn::losses {
namespace {

namespace fs = std::filesystem;

std::set<std::string> listed() {
  std::set<std::string> names;
  const std::string list = read_file(fs::path(UNLEARN_SOURCE_DIR) / "src/losses/losses.def");
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("LOSS(")) names.insert(line.substr(5, line.find(')') - 5));
  }
  return names;
}

// Folder and list say the same: a file that defines method_<name> is listed, and the other way
// round.
TEST(Registry, EveryMethodFileIsListed) {
  std::set<std::string> defined;
  for (const auto& entry : fs::directory_iterator(fs::path(UNLEARN_SOURCE_DIR) / "src/losses")) {
    if (entry.path().extension() != ".cpp") continue;
    const std::string stem = entry.path().stem().string();
    const std::string text = read_file(entry.path());
    const std::string opening = "\nMethod method_";
    const size_t at = text.find(opening);
    if (at == std::string::npos) continue;
    const size_t name = at + opening.size();
    EXPECT_EQ(text.substr(name, text.find("() {", name) - name), stem) << entry.path();
    defined.insert(stem);
  }
  EXPECT_EQ(defined, listed());
  EXPECT_EQ(methods().size(), defined.size());
}

// Row functions are listed by hand too: each line of rows.def under its own name.
TEST(Registry, EveryRowFunctionIsListed) {
  std::set<std::string> defined, names;
  for (const char* folder : {"rows", "compat"}) {
    const fs::path path = fs::path(UNLEARN_SOURCE_DIR) / "src/losses" / folder;
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.path().extension() != ".cpp") continue;
      const std::string text = read_file(entry.path());
      const std::string opening = "\nconst scoring::RowFunction& row_";
      for (size_t at = text.find(opening); at != std::string::npos;
           at = text.find(opening, at + 1)) {
        const size_t name = at + opening.size();
        defined.insert(text.substr(name, text.find("() {", name) - name));
      }
    }
  }
  for (const scoring::RowFunction* function : row_functions()) names.insert(function->name);
  EXPECT_TRUE(names.contains("forward_kl"));
  defined.insert("forward_kl");
  EXPECT_EQ(names, defined);
  EXPECT_EQ(row_functions().size(), names.size());
}

TEST(Registry, NamesAndSpellingsAreUnique) {
  std::set<std::string> seen;
  const auto canonical = [](std::string text) {
    text = to_lower(text);
    for (char& c : text) c = c == '-' || c == '+' ? '_' : c;
    return text;
  };
  for (const Method& method : methods()) {
    EXPECT_TRUE(listed().contains(method.info.name));
    EXPECT_TRUE(seen.insert(canonical(method.info.name)).second) << method.info.name;
    for (const Alias& alias : method.info.aliases) {
      EXPECT_TRUE(seen.insert(canonical(alias.name)).second) << alias.name;
    }
  }
}

TEST(Registry, TakesTheReferencesSpellings) {
  const std::vector<std::pair<std::string, std::string>> spellings = {
      {"grad_ascent", "ga"},
      {"GradAscent", "ga"},
      {"fine_tuned", "nll"},
      {"grad_diff", "grad_diff"},
      {"GradDiff", "grad_diff"},
      {"ga_gdr", "grad_diff"},
      {"GA+FT", "grad_diff"},
      {"KL", "grad_diff"},
      {"idk", "idk"},
      {"dpo_grad_diff", "dpo"},
      {"dpo-kl", "dpo"},
      {"DPO", "dpo"},
      {"kto_logsigmoid_grad_diff", "kto_logsigmoid"},
      {"npo_KL", "npo"},
      {"NPO", "npo"},
      {"npo_gdr", "npo"},
      {"NPO_RT", "npo"},
      {"NPO+FT", "npo"},
      {"simnpo_grad_diff", "simnpo"},
      {"SimNPO", "simnpo"},
      {"SimNPO_RT", "simnpo"},
      {"simnpo-graddiff", "simnpo"},
      {"SatImp", "satimp"},
      {"WGA", "wga"},
      {"Relearn", "nll"},
      {"finetune-retain", "nll"},
      {"FinetuneTrainer", "nll"},
      {"FT", "nll"},
      {"grad_descent", "nll"},
      {"ga-forgetkl", "ga_forgetkl"},
      {"grad_ascent_forgetKL", "ga_forgetkl"},
      {"grad_diff_kl_forget", "ga_forgetkl"},
      {"graddiff", "grad_diff"},
      {"ga-kl", "grad_diff"},
      {"ga_klr", "grad_diff"},
      {"W-GradDiff", "wgraddiff"},
      {"PO", "idk"},
      {"IdkDPO", "dpo"},
      {"dpo-graddiff", "dpo"},
      {"AltPO", "altpo"},
      {"kto-sigmoid", "kto_sigmoid"},
      {"kto-graddiff", "kto_logsigmoid"},
      {"npo_klr", "npo"},
      {"NPO_AVE", "npo"},
      {"NPO_NO_REF", "npo"},
      {"SimNPO+FT", "simnpo"},
      {"SimNPO_KL", "simnpo"},
      {"CEU", "ceu"},
      {"CE-U", "ceu"},
      {"UNDIAL", "undial"},
      {"RMU", "rmu"},
      {"PDU", "pdu"}};
  for (const auto& [spelling, name] : spellings) {
    EXPECT_EQ(find_method(spelling).info.name, name) << spelling;
  }
}

TEST(Registry, SpellingsImplyTheirRetainTerm) {
  EXPECT_EQ(implied_settings("npo_KL"), (Defaults{{"method.retain_loss", "kl"}}));
  EXPECT_EQ(implied_settings("KL"), (Defaults{{"method.retain_loss", "kl"}}));
  EXPECT_EQ(implied_settings("simnpo_grad_diff"), (Defaults{{"method.retain_loss", "nll"}}));
  EXPECT_EQ(implied_settings("simnpo"), Defaults{});
}

TEST(Registry, UnknownMethodNamesTheNearest) {
  try {
    find_method("simnpoo");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'simnpo'"), std::string::npos)
        << error.what();
  }
}

// gamma and delta name the same margin: one of them at most, and both are shown.
TEST(Registry, SimNpoRefusesTwoMargins) {
  EXPECT_THROW(make_loss("simnpo", {{"gamma", 0.5}, {"delta", 0.2}}), UserError);
  EXPECT_NO_THROW(make_loss("simnpo", {{"delta", 0.2}}));
  config::FieldDumper dumper;
  make_loss("simnpo", {{"gamma", 0.5}})->visit(dumper);
  EXPECT_EQ(dumper.json().at("gamma"), 0.5);
  EXPECT_TRUE(dumper.json().contains("delta"));
}

TEST(Registry, RefusesValuesOutOfRange) {
  EXPECT_THROW(make_loss("simnpo", {{"beta", 0.0}}), UserError);
  EXPECT_THROW(make_loss("npo", {{"beta", -1.0}}), UserError);
  EXPECT_THROW(make_loss("npo", {{"retain_loss", "mse"}}), UserError);
  EXPECT_THROW(make_loss("ga", {{"beta", 1.0}}), UserError);
}

TEST(Registry, PublishedTofuSettings) {
  const auto value = [](const std::string& split, const std::string& key) {
    std::string found;
    for (const auto& [name, text] : find_method("simnpo").defaults_for("tofu", split)) {
      if (name == key) found = text;
    }
    return found;
  };
  EXPECT_EQ(value("forget05", "method.beta"), "2.5");
  EXPECT_EQ(value("forget05", "method.forget_weight"), "0.1375");
  EXPECT_EQ(value("forget10", "method.beta"), "4.5");
  EXPECT_EQ(value("forget10", "method.forget_weight"), "0.125");
  EXPECT_EQ(value("forget10", "train.lr"), "1e-5");
}

}  // namespace
}  // namespace unlearn::losses
