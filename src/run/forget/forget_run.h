// One run of `unlearn forget`: its state, and its steps in their order (execute).
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "run/forget/choices.h"
#include "run/forget/measure.h"
#include "run/forget/rounds.h"
#include "run/recorder.h"
#include "unlearn/data/rows.h"
#include "unlearn/model/model_source.h"
#include "unlearn/run/forget.h"
#include "unlearn/run/run.h"

namespace unlearn::run {

inline constexpr const char* kForgetOrigin = "unlearn forget";
inline constexpr const char* kPlainTextOnly =
    "The texts are asked for as plain text. This model has a chat template, too, and what it "
    "answers in a conversation is not asked: forget questions and answers about them as well.";

class ForgetRun {
 public:
  explicit ForgetRun(const ForgetRequest& request)
      : request_(request), settings_(first_choices(request)), begin_(Clock::now()) {
    settings_.begin_layer();
    settings_.overlay(request.user);
    const std::string retain = said(settings_, "data.retain");
    has_retain_ = !retain.empty() && retain != "auto" && retain != "none";
    run_request_.existing = request.existing;
    run_request_.command_line = request.command_line;
  }

  int execute();
  std::string plan();  // dry_run_forget

 private:
  // Before anything is written.
  void read_inputs();
  void check_repeats() const;
  void ask_model();
  void ask_own_rows(const std::vector<data::QaRow>& rows);
  void refuse(const std::string& reason) const;
  // In the run folder.
  void open_folder();
  using WriteFile = std::function<void(const char* name, const std::string& text)>;
  void provide_rows(const std::filesystem::path& folder, const WriteFile& write);
  void settle_run();
  void settle_pace();
  bool fits();
  void measure_before();
  void train_attempts();
  void train_once();
  Json described() const;
  int finish();
  // Sets a value that the user left open.
  void set(const std::string& key, Json value) {
    if (!request_.user.contains(key)) settings_.set(key, std::move(value), kForgetOrigin);
  }

  const ForgetRequest& request_;
  config::Settings settings_;  // choices below what the user says
  RunRequest run_request_;
  Clock::time_point begin_;
  bool has_retain_ = false;
  bool is_text_ = false;
  bool is_chat_left_out_ = false;  // texts, of a model that also has a chat template
  torch::Device device_ = torch::kCPU;
  std::vector<data::QaRow> samples_;  // where there is no retain file
  // The recorder refers to these; they are filled in behind it.
  RunConfig config_;
  std::optional<PreparedRun> run_;  // prepared anew in its place
  std::optional<Recorder> recorder_;
  std::optional<OwnMeasurements> measurements_;
  std::shared_ptr<model::CausalLM> model_;
  // Held from the start: the result is saved and judged also when the folder is gone by then.
  std::optional<model::ModelSource> source_;
  std::future<std::string> model_hash_;
  std::optional<WeightSnapshot> start_;
  metrics::own_data::Measured before_;
  int64_t steps_per_round_ = 1;
  RoundsResult rounds_;
};

}  // namespace unlearn::run
