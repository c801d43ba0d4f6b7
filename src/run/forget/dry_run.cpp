// unlearn forget --dry-run: the same inputs, choices and plan as of a run, without its weights.
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "run/forget/forget_run.h"
#include "run/forget/own_samples.h"
#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/core/log.h"
#include "unlearn/core/plural.h"
#include "unlearn/data/layout.h"
#include "unlearn/data/rows.h"
#include "unlearn/run/plan.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

// A folder of its own among the temporary files, gone with its owner.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "unlearn-plan-XXXXXX").string();
    if (error || mkdtemp(name.data()) == nullptr) {
      user_error("--dry-run: no folder for temporary files (TMPDIR): ",
                 error ? error.message() : std::strerror(errno));
    }
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// As many rows as the model would be asked for; the plan needs their number and length.
std::vector<data::QaRow> stand_ins(const std::vector<data::QaRow>& forget) {
  std::vector<data::QaRow> rows;
  for (int64_t i = 0; i < kMostSamples; ++i) {
    data::QaRow row = forget[static_cast<size_t>(i) % forget.size()];
    row.question = cat(i, ": ", row.question);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

std::string ForgetRun::plan() {
  read_inputs();
  try {
    train::RunFolder::check(config_.output, request_.existing);
  } catch (const UserError& error) {
    log::warn(error.what());  // a plan writes nothing, but the run would be refused
  }
  if (!has_retain_) {
    const data::DataConfig keys = data::keys_of(config_.data, "forget");
    samples_ =
        stand_ins(data::read_qa_rows(data::named_file(config_.data, config_.data.forget, "forget"),
                                     keys.question_key, keys.answer_key));
  }
  const ScratchFolder scratch;
  provide_rows(scratch.path(), [&](const char* name, const std::string& text) {
    write_file_atomic(scratch.path() / name, text);
  });
  settle_run();
  // As the run would have them.
  for (auto* split : {&run_->splits.alternate, &run_->splits.retain}) {
    if (!*split || (*split)->file.parent_path() != scratch.path()) continue;
    (*split)->file = fs::path(config_.output) / (*split)->file.filename();
  }
  std::string text = describe_plan(config_, *run_);
  if (!has_retain_) {
    text += cat("no retain   the model's own samples, at most ", kMostSamples,
                ", will stand for one; the plan counts as many rows of the forget rows' length\n");
  }
  const bool has_rate = request_.user.contains("train.lr");
  return cat(text, "rounds      measured every ", counted(steps_per_round_, "step"),
             "; the run ends at its target, or when nothing gets better\n", "not said    ",
             has_rate ? "" : "the learning rate, which a short test finds; ",
             "whether the model knows the rows, which it is asked before the first step\n");
}

std::string dry_run_forget(const ForgetRequest& request) { return ForgetRun(request).plan(); }

}  // namespace unlearn::run
