#include "run/forget/ask_model.h"

#include <algorithm>
#include <optional>

#include "run/forget/measure.h"
#include "run/recorder.h"
#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/data/chat_template.h"
#include "unlearn/data/examples.h"
#include "unlearn/run/prompt_template.h"
#include "unlearn/scoring/score_examples.h"

namespace unlearn::run {
namespace {

// So much better must another template be.
constexpr double kMuchBetter = 0.5;
// Below this mean the rows were learnt under no template that was tried.
constexpr double kHardlyKnown = -4.0;
constexpr size_t kAskedRows = 32;

// Mean log-probability per token of the rows' answers; none where a row does not fit.
std::optional<double> mean_under(const data::Template& tmpl, const AskedModel& asked,
                                 const std::vector<data::QaRow>& rows) {
  std::vector<data::Example> examples;
  try {
    for (const data::QaRow& row : rows) {
      examples.push_back(
          data::make_row_example(asked.tokenizer, tmpl, row, row.answer, asked.max_length));
    }
  } catch (const UserError&) {
    return std::nullopt;
  }
  std::vector<const data::Example*> pointers;
  for (const data::Example& example : examples) pointers.push_back(&example);
  double sum = 0;
  for (const auto& score : scoring::score_examples(asked.model, pointers)) sum += score.mean();
  return sum / static_cast<double>(examples.size());
}

// All templates that the rows could have been learnt with.
std::vector<data::Template> candidate_templates(const std::filesystem::path& folder) {
  std::vector<data::Template> all;
  for (const std::string& name : data::template_names()) all.push_back(data::named_template(name));
  if (data::find_chat_template(folder).jinja.empty()) return all;
  try {
    all.push_back(chat_template_of(folder));
  } catch (const UserError& error) {
    log::warn(error.what());
  }
  return all;
}

}  // namespace

std::string better_template(const AskedModel& asked, std::vector<data::QaRow> rows) {
  if (rows.size() > kAskedRows) rows.resize(kAskedRows);
  const auto chosen = mean_under(asked.prompt_template, asked, rows);
  if (!chosen || *chosen > kUnknownLogprob) return "";  // learnt, whatever another template does
  std::string best;
  double best_mean = std::max(*chosen + kMuchBetter, kHardlyKnown);
  for (const data::Template& other : candidate_templates(asked.folder)) {
    const auto mean = mean_under(other, asked, rows);
    if (!mean || *mean <= best_mean) continue;
    best = other.name;
    best_mean = *mean;
  }
  if (best.empty()) return "";
  return cat("the forget rows' answers have a mean log-probability of ", number(*chosen, 3),
             " per token under template ", asked.prompt_template.name, " and of ",
             number(best_mean, 3), " under ", best, ": wrong template? --set model.template=", best,
             " takes the other");
}

std::string unknown_rows(const metrics::own_data::Measured& before, const std::string& tmpl,
                         double target) {
  const Standing now = standing(before, before);
  if (now.auc > target) return "";
  return cat("the model does not know these rows under template ", tmpl,
             ": their answers are no more likely than others (AUC ", number(now.auc, 3),
             "; 0.5 is no preference); wrong template, wrong model or already forgotten?");
}

}  // namespace unlearn::run
