// Only what this program wrote is deleted or replaced.
#include "unlearn/core/manifest.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "test_folder.h"
#include "unlearn/core/folder_writer.h"
#include "unlearn/core/lock.h"

namespace unlearn {
namespace {
namespace fs = std::filesystem;

using Names = std::vector<std::string>;

// As an editor or another program writes.
void write_foreign(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::trunc) << content;
}

Names entries(const fs::path& folder) {
  Names names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class ManifestTest : public ::testing::Test {
 protected:
  // A folder of this program with the files a and deep/b.
  fs::path own_folder(const std::string& name) const {
    OwnFolder folder(path_ / name);
    folder.write("a", "one");
    folder.write("deep/b", "two");
    return folder.path();
  }
  void write_model(const std::string& name, const std::string& weights,
                   ExistingFolder existing = ExistingFolder::kReplace,
                   bool in_one_step = true) const {
    FolderWriter writer(path_ / name, existing);
    writer.add("config.json", write_hashed_file(writer.path() / "config.json", "{}"));
    write_file_atomic(writer.path() / "model.safetensors", weights);
    writer.commit(in_one_step);
  }

  const TestFolder own_;
  const fs::path path_ = own_.path();
};

TEST_F(ManifestTest, WhatWasWrittenIsListedWithItsHash) {
  const fs::path folder = own_folder("run");
  const auto manifest = Manifest::read(folder);
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->names(), (Names{"a", "deep/b"}));
  EXPECT_EQ(manifest->first_damage(folder), "");
  EXPECT_NE(read_file(folder / Manifest::kName).find(sha256("two")), std::string::npos);
  write_foreign(folder / "a", "onf");
  EXPECT_EQ(manifest->first_damage(folder), "a is not what was written (its hash differs)");
  write_foreign(folder / "a", "on");
  EXPECT_EQ(manifest->first_damage(folder), "a has 2 bytes, not 3");
  fs::remove(folder / "a");
  EXPECT_EQ(manifest->first_damage(folder), "a is missing");
}

TEST_F(ManifestTest, OnlyOwnFilesAreDeleted) {
  const fs::path folder = own_folder("run");
  EXPECT_TRUE(remove_own(folder).empty());
  EXPECT_FALSE(fs::exists(folder));

  own_folder("run");
  write_foreign(folder / "notes.txt", "mine");
  write_foreign(folder / "deep/notes.txt", "mine");
  fs::create_directories(folder / "empty");
  EXPECT_EQ(foreign_entries(folder), (Names{"deep/notes.txt", "empty", "notes.txt"}));
  EXPECT_EQ(remove_own(folder).size(), 3U);
  EXPECT_EQ(entries(folder), (Names{"deep", "empty", "notes.txt"}));
  EXPECT_EQ(entries(folder / "deep"), Names{"notes.txt"});
}

TEST_F(ManifestTest, WhatWasChangedSinceIsForeign) {
  const fs::path folder = own_folder("run");
  const auto time = fs::last_write_time(folder / "a");
  write_foreign(folder / "a", "two");
  fs::last_write_time(folder / "a", time - std::chrono::seconds(5));
  EXPECT_EQ(changed_entries(folder), Names{"a"});
  EXPECT_EQ(remove_own(folder).size(), 1U);
  EXPECT_EQ(read_file(folder / "a"), "two");
  // Copied, not changed: the content decides.
  const fs::path copied = own_folder("copied");
  fs::last_write_time(copied / "a", time - std::chrono::seconds(5));
  EXPECT_TRUE(changed_entries(copied).empty());
  EXPECT_TRUE(remove_own(copied).empty());
}

TEST_F(ManifestTest, LinksAreNotFollowed) {
  const fs::path folder = own_folder("run");
  write_foreign(path_ / "disk/a", "one");
  write_foreign(path_ / "disk/b", "two");
  fs::remove(folder / "a");
  fs::create_symlink(path_ / "disk/a", folder / "a");
  fs::remove_all(folder / "deep");
  fs::create_directory_symlink(path_ / "disk", folder / "deep");
  remove_own(folder);
  EXPECT_EQ(entries(folder), (Names{"a", "deep"}));
  EXPECT_EQ(entries(path_ / "disk"), (Names{"a", "b"}));
  // The folder itself.
  const fs::path other = own_folder("other");
  fs::create_directory_symlink(other, path_ / "link");
  EXPECT_EQ(remove_own(path_ / "link"), std::vector<fs::path>{path_ / "link"});
  EXPECT_EQ(entries(other).size(), 3U);
}

TEST_F(ManifestTest, WhatIsNoManifestProvesNothing) {
  for (const char* text :
       {"", "{}", "[]", "null", "{", R"({"program": "unlearn", "version": 2, "files": {}})",
        R"({"program": "other", "version": 1, "files": {"a": null}})",
        R"({"program": "unlearn", "version": 1, "files": {"../a": null}})",
        R"({"program": "unlearn", "version": 1, "files": {"/tmp/a": null}})",
        R"({"program": "unlearn", "version": 1, "files": {"b/../../a": null}})",
        R"({"program": "unlearn", "version": 1, "files": {"": null}})",
        R"({"program": "unlearn", "version": 1, "files": {"a": 3}})",
        R"({"program": "unlearn", "version": 1, "files": {"a": {"bytes": "x"}}})"}) {
    const fs::path folder = path_ / "run";
    fs::remove_all(folder);
    write_foreign(folder / "a", "mine");
    write_foreign(path_ / "a", "mine");
    write_foreign(folder / Manifest::kName, text);
    EXPECT_FALSE(Manifest::read(folder)) << text;
    EXPECT_EQ(remove_own(folder), std::vector<fs::path>{folder}) << text;
    EXPECT_EQ(entries(folder), (Names{"a", Manifest::kName})) << text;
    EXPECT_TRUE(fs::exists(path_ / "a"));
  }
  // A link to one.
  const fs::path own = own_folder("own");
  write_foreign(path_ / "linked/a", "one");
  fs::create_symlink(own / Manifest::kName, path_ / "linked" / Manifest::kName);
  EXPECT_FALSE(Manifest::read(path_ / "linked"));
}

TEST_F(ManifestTest, OthersFilesAreRefusedOrStepAside) {
  write_foreign(path_ / "report/report.md", "by hand");
  OwnFolder folder(path_ / "report");
  EXPECT_NE(refusal([&] {
              folder.check_free({"report.html", "report.md"});
            }).find("report.md: is"),
            std::string::npos);
  folder.write("report.md", "by the program");
  EXPECT_EQ(read_file(path_ / "report/report.md"), "by the program");
  const Names found = entries(path_ / "report");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_TRUE(found[1].starts_with("report.md.kept-")) << found[1];
  EXPECT_EQ(read_file(path_ / "report" / found[1]), "by hand");
  OwnFolder again(path_ / "report");
  again.check_free({"report.md"});  // its own now
  again.write("report.md", "anew");
  EXPECT_EQ(entries(path_ / "report").size(), 3U);
}

TEST_F(ManifestTest, TemporariesOfDeadWritersGo) {
  const fs::path folder = own_folder("run");
  write_foreign(folder / "a.tmp.123", "earlier version");
  write_foreign(folder / "a.tmp.123-0123456789abcdef", "killed");
  write_foreign(folder / "a.tmp.mine", "mine");
  write_foreign(folder / "c.tmp.123", "of no listed name");
  fs::create_directories(folder / "a.tmp.9");
  remove_own(folder);
  EXPECT_EQ(entries(folder), (Names{"a.tmp.9", "a.tmp.mine", "c.tmp.123"}));
  EXPECT_TRUE(is_temporary_of(cat("x.tmp.", unique_suffix()), "x"));
  EXPECT_NE(unique_suffix(), unique_suffix());
}

TEST_F(ManifestTest, ReplacedFoldersKeepWhatOthersPutThere) {
  for (const bool in_one_step : {true, false}) {
    write_model("model", "old");
    write_foreign(path_ / "model/README.md", "mine");
    write_foreign(path_ / "model/logs/x", "mine");
    write_model("model", "new", ExistingFolder::kReplace, in_one_step);
    EXPECT_EQ(read_file(path_ / "model/model.safetensors"), "new");
    EXPECT_EQ(read_file(path_ / "model/README.md"), "mine");
    EXPECT_EQ(read_file(path_ / "model/logs/x"), "mine");
    EXPECT_EQ(entries(path_), Names{"model"});
    EXPECT_EQ(Manifest::read(path_ / "model")->first_damage(path_ / "model"), "");
    fs::remove_all(path_ / "model");
  }
}

TEST_F(ManifestTest, ChangedOrUnknownFoldersAreNotReplaced) {
  write_model("model", "old");
  write_foreign(path_ / "model/model.safetensors", "trained by hand");
  EXPECT_NE(refusal([&] { write_model("model", "new"); }).find("was changed since"),
            std::string::npos);
  EXPECT_EQ(read_file(path_ / "model/model.safetensors"), "trained by hand");
  fs::remove(path_ / "model" / Manifest::kName);
  EXPECT_NE(refusal([&] { write_model("model", "new"); }).find("no unlearn_manifest.json"),
            std::string::npos);
  EXPECT_EQ(entries(path_), Names{"model"});
  // At the end of a run nothing is refused: it steps aside.
  write_model("model", "new", ExistingFolder::kYield);
  EXPECT_EQ(read_file(path_ / "model/model.safetensors"), "new");
  const Names found = entries(path_);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_TRUE(found[1].starts_with("model.kept-"));
  EXPECT_EQ(read_file(path_ / found[1] / "model.safetensors"), "trained by hand");
  // A changed file alone, too.
  write_foreign(path_ / "model/config.json", "{1}");
  write_model("model", "newer", ExistingFolder::kYield);
  EXPECT_EQ(read_file(path_ / "model/config.json"), "{}");
  EXPECT_EQ(entries(path_).size(), 3U);
}

TEST_F(ManifestTest, AFolderBehindALinkIsReplacedAndTheLinkStays) {
  write_model("disk/model", "old");
  fs::create_directory_symlink("disk/model", path_ / "model");
  write_model("model", "new");
  EXPECT_TRUE(fs::is_symlink(path_ / "model"));
  EXPECT_EQ(read_file(path_ / "disk/model/model.safetensors"), "new");
  EXPECT_EQ(entries(path_ / "disk"), Names{"model"});
}

TEST_F(ManifestTest, KilledReplacementsAreEnded) {
  const std::string suffix = ".tmp.1-0123456789abcdef";
  // While it was built: its lock is free.
  write_model("model", "old");
  write_foreign(path_ / (".model" + suffix) / "model.safetensors", "half");
  write_foreign(path_ / (".model" + suffix) / FileLock::kName, "");
  write_model("model", "new");
  EXPECT_EQ(entries(path_), Names{"model"});
  // After the exchange: the old one, with what others put there.
  write_model((".model" + suffix), "old");
  write_foreign(path_ / (".model" + suffix) / "README.md", "mine");
  FolderWriter::remove_leftovers(path_ / "model");
  EXPECT_EQ(entries(path_), Names{"model"});
  EXPECT_EQ(read_file(path_ / "model/README.md"), "mine");
  // Between two renames: the name is empty.
  fs::rename(path_ / "model", path_ / (".model.old" + suffix));
  FolderWriter::remove_leftovers(path_ / "model");
  EXPECT_EQ(read_file(path_ / "model/model.safetensors"), "new");
  // Others' folders of such a name stay.
  write_foreign(path_ / (".model" + suffix) / "thesis.txt", "years");
  write_foreign(path_ / ".model.tmp.mine" / "thesis.txt", "years");
  FolderWriter::remove_leftovers(path_ / "model");
  EXPECT_EQ(read_file(path_ / (".model" + suffix) / "thesis.txt"), "years");
  EXPECT_EQ(entries(path_).size(), 3U);
}

TEST_F(ManifestTest, AWriterAtWorkIsNotDisturbed) {
  FolderWriter writer(path_ / "model", ExistingFolder::kRefuse);
  write_file_atomic(writer.path() / "config.json", "{}");
  FolderWriter::remove_leftovers(path_ / "model");
  EXPECT_TRUE(fs::exists(writer.path() / "config.json"));
  writer.commit();
  EXPECT_EQ(entries(path_ / "model"), (Names{"config.json", Manifest::kName}));
}

TEST_F(ManifestTest, ALockEndsWithItsOwner) {
  const fs::path file = path_ / FileLock::kName;
  {
    const FileLock lock(file, "--output run");
    const std::string message = refusal([&] { FileLock(file, "--output run"); });
    EXPECT_EQ(message.find(cat("--output run: another process is at work in it (process ",
                               ::getpid(), " on ")),
              0U)
        << message;
    EXPECT_FALSE(FileLock::take_free(file));
  }
  EXPECT_FALSE(fs::exists(file));
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FileLock lock(file, "child");
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_NE(refusal([&] { FileLock(file, "run"); }).find(cat("process ", child)),
            std::string::npos);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(fs::exists(file));  // its record, without its lock
  EXPECT_EQ(refusal([&] { FileLock(file, "run"); }), "accepted");
}

TEST_F(ManifestTest, OthersLockFilesStay) {
  write_foreign(path_ / FileLock::kName, "shopping list");
  EXPECT_NE(refusal([&] { FileLock(path_ / FileLock::kName, "run"); }).find("no lock of this"),
            std::string::npos);
  EXPECT_EQ(read_file(path_ / FileLock::kName), "shopping list");
  fs::remove(path_ / FileLock::kName);
  write_foreign(path_ / "list", "shopping");
  fs::create_symlink(path_ / "list", path_ / FileLock::kName);
  EXPECT_NE(refusal([&] { FileLock(path_ / FileLock::kName, "run"); }), "accepted");
  EXPECT_EQ(read_file(path_ / "list"), "shopping");
}

}  // namespace
}  // namespace unlearn
