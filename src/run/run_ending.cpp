#include "run/run_ending.h"

#include "unlearn/core/log.h"
#include "unlearn/core/strings.h"

namespace unlearn::run {
namespace {

std::string change_text(const std::string& name, double before, double after) {
  return cat(name, " ", number(before, 4), " -> ", number(after, 4));
}

}  // namespace

void Course::add(const train::StepRecord& record) {
  if (record.tokens == 0) return;  // all of its rows are left out
  if (!first_) first_ = record;
  last_ = record;
}

std::string Course::text() const {
  if (!first_) return "";
  std::string text = cat(": ", change_text("loss", first_->loss, last_.loss));
  for (size_t i = 0; i < last_.terms.size() && i < first_->terms.size(); ++i) {
    const auto& [name, value] = last_.terms[i];
    text += cat(", ", change_text(name, first_->terms[i].second, value));
  }
  return text;
}

void report_resuming(const RunConfig& config, const train::RunFolder& folder) {
  const std::vector<int64_t> steps = folder.complete_checkpoints();
  if (steps.empty()) return;
  log::warn("checkpoint of step ", steps.front(), ": ", folder.checkpoint(steps.front()).string(),
            "; go on with: unlearn ", config.purpose == Purpose::kFinetune ? "finetune" : "train",
            " --resume --output ", config.output);
}

std::string next_command(const RunConfig& config, const std::string& model) {
  const bool is_adapter = config.train.lora_rank > 0 && !config.train.lora_merge;
  if (config.purpose == Purpose::kFinetune) {
    return cat("unlearn --method simnpo --model ",
               is_adapter ? cat(config.model.path, " --set model.adapter=", model) : model, " …");
  }
  if (config.data.chosen().make_evaluation == nullptr) {
    return cat("unlearn score --model ",
               is_adapter ? cat(config.model.path, " --adapter ", model) : model,
               " --input ROWS.jsonl");
  }
  return cat("unlearn ", config.eval.at_end ? "report " : "eval ", config.output);
}

}  // namespace unlearn::run
