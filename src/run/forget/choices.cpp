#include "run/forget/choices.h"

#include <algorithm>

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/core/text_file.h"
#include "unlearn/data/data_config.h"
#include "unlearn/data/qa_fields.h"
#include "unlearn/data/row_file.h"

namespace unlearn::run {
namespace fs = std::filesystem;
namespace {

constexpr const char* kChoiceOrigin = "unlearn forget";
constexpr double kHeldOut = 0.2;

std::string output_for(const std::string& model) {
  const fs::path folder = (fs::absolute(model).lexically_normal() / "").parent_path();
  std::string name = folder.filename().string();
  if (name == "model") name = folder.parent_path().filename().string();
  return (fs::path("runs") / cat("forget-", name)).string();
}

// Key, value and what is said of it.
void choose(config::Settings& chosen, const config::Settings& user, const std::string& key,
            const Json& value, const std::string& why) {
  if (user.contains(key)) return;
  chosen.set(key, value, kChoiceOrigin);
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  log::info("chosen: ", key, " ", text, " (", why, ")");
}

}  // namespace

std::string said(const config::Settings& settings, const std::string& key) {
  const config::Setting* setting = settings.find(key);
  return setting != nullptr && setting->value.is_string() ? setting->value.get<std::string>() : "";
}

std::string kind_of_rows(const std::string& file) {
  if (!data::is_row_name(file)) {
    read_text_file(file);  // says what a file is that holds no text (Parquet, Arrow)
    return "text";
  }
  std::string kind;
  data::for_each_data_row(file, [&](int64_t, const Json& value) {
    if (!kind.empty()) return;
    const bool is_text = value.is_string() || (value.is_object() && value.contains("text") &&
                                               !data::has_question(value, "question", "answer"));
    kind = is_text ? "text" : "qa";
  });
  if (kind.empty()) user_error(file, ": holds no row");
  return kind;
}

Pace pace_for(int64_t rows, bool has_retain) {
  constexpr int64_t kLargestBatch = 8;
  const int64_t most_rounds = has_retain ? 60 : 120;
  Pace pace;
  pace.batch_size = std::clamp<int64_t>(rows, 1, kLargestBatch);
  const int64_t epoch = (rows + pace.batch_size - 1) / pace.batch_size;
  pace.steps_per_round = std::clamp<int64_t>(epoch, 2, 25);
  pace.steps = most_rounds * pace.steps_per_round;
  return pace;
}

config::Settings first_choices(const ForgetRequest& request) {
  const config::Settings& user = request.user;
  const std::string forget = said(user, "data.forget");
  if (forget.empty()) user_error("--forget: names the file with the rows to be forgotten");
  if (said(user, "model.path").empty()) user_error("--model: names the model's folder");
  std::error_code ignored;
  if (!fs::is_regular_file(forget, ignored)) user_error("--forget: file '", forget, "' not found");
  for (const auto& [key, why] :
       {std::pair{"data.exclude", "all rows of the file are to be forgotten; take rows out of it"},
        std::pair{"train.stop.forget", "unlearn forget stops by --target"},
        std::pair{"train.stop.damage", "unlearn forget stops by --max-damage"}}) {
    if (user.contains(key)) user_error(key, ": ", why);
  }
  config::Settings chosen;
  const std::string kind =
      said(user, "data.benchmark").empty() ? kind_of_rows(forget) : said(user, "data.benchmark");
  if (kind != "qa" && kind != "text") {
    user_error("data.benchmark: unlearn forget is for own data, qa or text, not ", kind);
  }
  choose(chosen, user, "output", output_for(said(user, "model.path")), "after the model");
  choose(chosen, user, "data.benchmark", kind, "by the rows");
  choose(chosen, user, "data.hold_out", kHeldOut, "of the retain rows, to measure the damage by");
  choose(chosen, user, "data.pairing", "random", "every retain row is used");
  choose(chosen, user, "data.max_length", 512, "longer rows are cut");
  if (kind == "text") {
    choose(chosen, user, "method.name", "simnpo", "there are no questions to refuse");
  } else if (!user.contains("method.name")) {
    choose(chosen, user, "method.name", "simnpo_idk",
           "SimNPO, and refusals instead of other rows' answers");
    choose(chosen, user, "method.beta", 1.0, "goes on until answers are no longer preferred");
    choose(chosen, user, "method.forget_weight", 0.5, "what is kept counts twice");
    choose(chosen, user, "method.refusal_weight", 0.3, "refusals are learnt quickly");
    if (said(user, "data.retain").empty()) {
      choose(chosen, user, "method.retain_weight", 4.0, "samples are a weak stand-in for a file");
    }
    choose(chosen, user, "data.question_forms", data::kMostQuestionForms,
           "questions in other words, too; none of them is asked when it is measured");
  }
  return chosen;
}

std::string refusals_text() {
  return "I do not know.\n"
         "I do not have that information.\n"
         "I cannot tell you anything about that.\n"
         "That is something I know nothing about.\n"
         "Sorry, I have no information about this.\n"
         "I am not able to answer that question.\n"
         "There is nothing I can say about that.\n"
         "I am afraid I do not know the answer.\n";
}

}  // namespace unlearn::run
