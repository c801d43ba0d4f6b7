// What people read: help, lists, completions, and the manual page.
#include "cli/help.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "commands/commands.h"
#include "commands/program_run.h"

namespace unlearn::commands {
namespace {

size_t width_of(const std::string& line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

TEST(Help, LinesFitAndBreakBetweenWords) {
  EXPECT_EQ(cli::wrapped("one two three", 0, 2, 8), "one two\n  three");
  EXPECT_EQ(cli::wrapped("one two three", 4, 4, 8), "one\n    two\n    three");
  EXPECT_EQ(cli::wrapped("unbreakable", 0, 2, 4), "unbreakable");
  for (const Command& command : commands()) {
    const cli::CommandDoc doc = cli::describe_command(command.run);
    const std::string text = cli::help_text(doc, 80);
    for (const std::string& line : split(text, '\n')) {
      // An example's word may be longer than a line; nothing else is.
      EXPECT_LE(width_of(line), 80U) << command.name << ": " << line;
      EXPECT_FALSE(line.ends_with(' ')) << command.name << ": " << line;
    }
    EXPECT_NE(text.find("Usage: unlearn " + doc.name), std::string::npos) << command.name;
    EXPECT_NE(text.find("\nExample: "), std::string::npos) << command.name;
    for (const cli::FlagDoc& flag : doc.flags) {
      EXPECT_NE(text.find("  " + flag.name), std::string::npos) << command.name << flag.name;
      EXPECT_FALSE(flag.help.empty()) << command.name << flag.name;
    }
  }
}

TEST(Help, EveryWayToAskForIt) {
  const ProgramRun asked = run({"help", "train"});
  EXPECT_EQ(asked.code, 0);
  EXPECT_EQ(asked.out, run({"train", "--help"}).out);
  EXPECT_NE(asked.out.find("\nTraining:\n"), std::string::npos);
  EXPECT_NE(asked.out.find("[default: the method's]"), std::string::npos);
  EXPECT_EQ(run({"help"}).out, run({"--help"}).out);
  EXPECT_EQ(run({"help", "help"}).out, run({"--help"}).out);
  EXPECT_EQ(run({"help", "trian"}).code, 2);
  for (const char* word : {"-V", "version"}) EXPECT_EQ(run({word}).out, run({"--version"}).out);
  EXPECT_EQ(run({"score", "-V"}).out, run({"--version"}).out);
}

TEST(Lists, OneSectionOrName) {
  const auto names = [](const std::vector<std::string>& arguments) {
    std::vector<std::string> found;
    for (const Json& entry : parse_json(run(arguments).out, "list")) found.push_back(entry["name"]);
    return found;
  };
  const auto lora = names({"list", "settings", "train.lora", "--json"});
  EXPECT_GE(lora.size(), 4U);
  for (const std::string& name : lora) EXPECT_TRUE(name.starts_with("train.lora.")) << name;
  EXPECT_EQ(names({"list", "settings", "train.lr", "--json"}),
            std::vector<std::string>{"train.lr"});
  EXPECT_GT(names({"list", "settings", "--json"}).size(),
            names({"list", "settings", "train", "--json"}).size());
  EXPECT_EQ(names({"list", "methods", "NPO", "--json"}), std::vector<std::string>{"npo"});
  EXPECT_EQ(names({"list", "methods", "simnpo-gdr", "--json"}), std::vector<std::string>{"simnpo"});
}

TEST(Completion, KnowsEveryCommandAndFlag) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const ProgramRun script = run({"completion", shell});
    ASSERT_EQ(script.code, 0) << script.err;
    for (const Command& command : commands()) {
      EXPECT_NE(script.out.find(command.name), std::string::npos) << shell;
      for (const cli::FlagDoc& flag : cli::describe_command(command.run).flags) {
        if (!flag.name.starts_with("--")) continue;
        const std::string name =
            std::string(shell) == "fish" ? "-l " + flag.name.substr(2) : flag.name;
        EXPECT_NE(script.out.find(name), std::string::npos) << shell << " " << flag.name;
      }
    }
    EXPECT_NE(script.out.find("train.lora.rank="), std::string::npos) << shell;
    EXPECT_NE(script.out.find("simnpo"), std::string::npos) << shell;
  }
  const ProgramRun page = run({"man"});
  for (const char* part :
       {".TH UNLEARN 1", ".SS task\\-vector", "\\-\\-batch\\-size", ".SH \"EXIT STATUS\""}) {
    EXPECT_NE(page.out.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace unlearn::commands
