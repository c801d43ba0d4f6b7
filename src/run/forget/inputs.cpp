// What is read and asked before anything is written, and the files that training will read.
#include "run/forget/ask_model.h"
#include "run/forget/forget_run.h"
#include "run/forget/own_samples.h"
#include "run/forget/verdict_files.h"
#include "unlearn/checkpoint/hf_folder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/plural.h"
#include "unlearn/data/chat_template.h"
#include "unlearn/data/layout.h"
#include "unlearn/data/rows.h"
#include "unlearn/run/device.h"
#include "unlearn/run/prompt_template.h"

namespace unlearn::run {
namespace fs = std::filesystem;

// Rows, model and folder; UserError for the first thing that is wrong.
void ForgetRun::read_inputs() {
  config_ = resolve_evaluation(settings_);
  is_text_ = config_.data.benchmark == "text";
  if (is_text_ && !has_retain_) {
    user_error("--retain: own texts need a file with texts to keep");
  }
  is_chat_left_out_ =
      is_text_ && !data::find_chat_template(fs::path(config_.model.path)).jinja.empty();
  if (is_chat_left_out_) log::warn(kPlainTextOnly);
  device_ = resolve_device(config_.device);
  if (request_.existing == train::ExistingOutput::kOverwrite) {
    for (const std::string& input :
         {config_.model.path, config_.data.forget, config_.data.retain}) {
      if (train::RunFolder::replaces(config_.output, input)) {
        user_error("--overwrite: ", input, " is part of the run that is to be replaced, ",
                   config_.output, "; give another --output");
      }
    }
  }
  std::error_code ignored;
  if (!request_.base.empty() && fs::equivalent(request_.base, config_.model.path, ignored)) {
    user_error("--base: ", request_.base, " is the model itself; it names the model before it ",
               "learnt the rows");
  }
  run_.emplace(prepare_model(config_, device_));
  check_repeats();
  measurements_.emplace(settings_, request_.base, device_);
}

// Rows that stand twice: training would refuse them, but only when the folder is there. Measuring
// takes them.
void ForgetRun::check_repeats() const {
  const fs::path folder = config_.model.path;
  const auto tokenizer =
      tokenizer::load_tokenizer(folder, resolve_rules(config_.model.tokenizer, folder));
  data::DataConfig config = config_.data;
  config.question_forms = 0;
  data::load_splits(
      config, config_.data.chosen().layout, {.forget = true, .for_training = true}, *tokenizer,
      resolve_template(config_, folder, is_text_ ? ForeignChat::kIgnore : ForeignChat::kRefuse),
      checkpoint::open_hf_folder(folder).size("vocab_size"));
}

void ForgetRun::refuse(const std::string& reason) const {
  if (reason.empty()) return;
  if (!request_.force) user_error(reason, " (--force goes on)");
  log::warn(reason, " (--force)");
}

// The template first: under a wrong one the rows may still be preferred.
void ForgetRun::ask_own_rows(const std::vector<data::QaRow>& rows) {
  const fs::path folder = config_.model.path;
  const auto tokenizer =
      tokenizer::load_tokenizer(folder, resolve_rules(config_.model.tokenizer, folder));
  const data::Template tmpl = resolve_template(config_, folder, ForeignChat::kRefuse);
  refuse(better_template({*tokenizer, tmpl, folder, *model_, config_.data.max_length}, rows));
  refuse(unknown_rows(measurements_->likelihoods(*model_), tmpl.name, request_.targets.auc));
  if (has_retain_) return;
  log::info("chosen: no retain file: the model's own samples are what is to stay, by their ",
            "divergence from it (KL)");
  samples_ = own_samples(
      {*tokenizer, tmpl, *model_, rows, kMostSamples, static_cast<uint64_t>(config_.train.seed)});
}

// Before the first step; also what it says by itself where there is no retain file.
void ForgetRun::ask_model() {
  source_.emplace(config_.model.path);
  model_hash_ = model_sha256_in_background(config_.model.path);
  model_ = load_model(config_, *run_);
  model_->eval();
  if (is_text_) {
    refuse(unknown_rows(measurements_->likelihoods(*model_), "none (plain text)",
                        request_.targets.auc));
    return;
  }
  const data::DataConfig keys = data::keys_of(config_.data, "forget");
  const fs::path file = data::named_file(config_.data, config_.data.forget, "forget");
  ask_own_rows(data::read_qa_rows(file, keys.question_key, keys.answer_key));
}

void ForgetRun::open_folder() {
  recorder_.emplace(config_, *run_, run_request_, begin_);
  train::RunFolder& folder = recorder_->folder();
  provide_rows(folder.path(),
               [&](const char* name, const std::string& text) { folder.write(name, text); });
  if (has_retain_) return;
  log::info("the model's own samples: ", counted(samples_.size(), "row"), " in ", kSamplesFile);
  measurements_.emplace(settings_, request_.base, device_);
}

// The files that training reads beside the user's own.
void ForgetRun::provide_rows(const fs::path& folder, const WriteFile& write) {
  if (!is_text_) {
    write(kRefusalsFile, refusals_text());
    set("data.alternate", (folder / kRefusalsFile).string());
  }
  if (has_retain_) return;
  std::string lines;
  for (const data::QaRow& row : samples_) {
    lines += Json{{"question", row.question}, {"answer", row.answer}}.dump() + "\n";
  }
  write(kSamplesFile, lines);
  settings_.set("data.retain", (folder / kSamplesFile).string(), kForgetOrigin);
  settings_.erase("data.retain_keys");
  set("method.retain_loss", "kl");
}

}  // namespace unlearn::run
