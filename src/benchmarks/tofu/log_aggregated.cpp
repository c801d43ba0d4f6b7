#include <algorithm>
#include <cmath>
#include <functional>

#include "benchmarks/tofu/log_forms.h"
#include "unlearn/core/error.h"
#include "unlearn/metrics/or_null.h"

namespace unlearn::benchmarks::tofu {
namespace {

std::optional<int64_t> token_count(const Json& value, const std::string& where) {
  const double number = metrics::log_number(value, where);
  if (!std::isfinite(number)) return std::nullopt;
  if (number < 0 || number > 1e12 || number != std::floor(number)) {
    user_error(where, ": ", number, " is no token count");
  }
  return static_cast<int64_t>(number);
}

std::array<std::string, 3> text_triple(const Json& value, const std::string& where) {
  const bool fits =
      value.is_array() && value.size() == 3 &&
      std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_string(); });
  if (!fits) user_error(where, ": not [prompt, generation, ground truth]");
  return {value[0].get<std::string>(), value[1].get<std::string>(), value[2].get<std::string>()};
}

// One value per perturbed answer; the first field that is read fixes how many there are.
void each_perturbed(TofuRow& row, const Json& value, const std::string& where,
                    const std::function<void(AnswerLoss&, const Json&, const std::string&)>& set) {
  if (!value.is_array() || value.empty()) user_error(where, ": not a list of numbers");
  if (row.perturbed.empty()) row.perturbed.resize(value.size());
  if (row.perturbed.size() != value.size()) {
    user_error(where, ": ", value.size(), " values for ", row.perturbed.size(),
               " perturbed answers");
  }
  for (size_t k = 0; k < value.size(); ++k) set(row.perturbed[k], value[k], where);
}

struct Field {
  const char* name;
  bool required;
  void (*read)(TofuRow&, const Json&, const std::string&);
  // The stored form of a row's value, or null when the row has none.
  Json (*write)(const TofuRow&);
};

template <class T>
Json list_or_null(const std::vector<AnswerLoss>& answers, std::optional<T> AnswerLoss::*member) {
  Json list = Json::array();
  for (const AnswerLoss& answer : answers) {
    if (!(answer.*member)) return nullptr;
    list.push_back(*(answer.*member));
  }
  return list.empty() ? Json(nullptr) : list;
}

using Where = const std::string&;

const std::vector<Field>& fields() {
  static const std::vector<Field> table = {
      {"avg_gt_loss", true,
       [](TofuRow& r, const Json& v, Where w) { r.answer.mean = metrics::log_number(v, w); },
       [](const TofuRow& r) { return metrics::or_null(r.answer.mean); }},
      {"gt_loss", false,
       [](TofuRow& r, const Json& v, Where w) { r.answer.sum = metrics::log_number(v, w); },
       [](const TofuRow& r) { return metrics::or_null(r.answer.sum); }},
      {"num_token_gt", false,
       [](TofuRow& r, const Json& v, Where w) { r.answer.tokens = token_count(v, w); },
       [](const TofuRow& r) { return metrics::or_null(r.answer.tokens); }},
      {"rouge1_recall", false,
       [](TofuRow& r, const Json& v, Where w) { r.rouge1_recall = metrics::log_number(v, w); },
       [](const TofuRow& r) { return metrics::or_null(r.rouge1_recall); }},
      {"rougeL_recall", true,
       [](TofuRow& r, const Json& v, Where w) { r.rouge_l_recall = metrics::log_number(v, w); },
       [](const TofuRow& r) { return metrics::or_null(r.rouge_l_recall); }},
      {"average_perturb_loss", true,
       [](TofuRow& r, const Json& v, Where w) {
         each_perturbed(r, v, w, [](AnswerLoss& a, const Json& x, Where place) {
           a.mean = metrics::log_number(x, place);
         });
       },
       [](const TofuRow& r) { return list_or_null(r.perturbed, &AnswerLoss::mean); }},
      {"avg_paraphrased_loss", true,
       [](TofuRow& r, const Json& v, Where w) { r.paraphrase.mean = metrics::log_number(v, w); },
       [](const TofuRow& r) { return metrics::or_null(r.paraphrase.mean); }},
      {"paraphrased_loss", false,
       [](TofuRow& r, const Json& v, Where w) { r.paraphrase.sum = metrics::log_number(v, w); },
       [](const TofuRow& r) { return metrics::or_null(r.paraphrase.sum); }},
      {"perturb_loss", false,
       [](TofuRow& r, const Json& v, Where w) {
         each_perturbed(r, v, w, [](AnswerLoss& a, const Json& x, Where place) {
           a.sum = metrics::log_number(x, place);
         });
       },
       [](const TofuRow& r) { return list_or_null(r.perturbed, &AnswerLoss::sum); }},
      {"num_token_paraphrased", false,
       [](TofuRow& r, const Json& v, Where w) { r.paraphrase.tokens = token_count(v, w); },
       [](const TofuRow& r) { return metrics::or_null(r.paraphrase.tokens); }},
      {"num_token_perturb", false,
       [](TofuRow& r, const Json& v, Where w) {
         each_perturbed(r, v, w, [](AnswerLoss& a, const Json& x, Where place) {
           a.tokens = token_count(x, place);
         });
       },
       [](const TofuRow& r) { return list_or_null(r.perturbed, &AnswerLoss::tokens); }},
      {"generated_text", false,
       [](TofuRow& r, const Json& v, Where w) { r.text = text_triple(v, w); },
       [](const TofuRow& r) { return metrics::or_null(r.text); }},
      {"kl_divergence", false,
       [](TofuRow& r, const Json& v, Where w) { r.kl_divergence = metrics::log_number(v, w); },
       [](const TofuRow& r) { return metrics::or_null(r.kl_divergence); }},
  };
  return table;
}

std::vector<TofuRow> parse_task(const Json& task, const std::string& where) {
  if (!task.is_object()) user_error(where, ": ", task.type_name(), " instead of an object");
  std::vector<TofuRow> rows;
  for (const Field& field : fields()) {
    const std::string place = cat(where, ": ", field.name);
    const auto column = task.find(field.name);
    if (column == task.end()) {
      if (field.required) user_error(place, ": this field is missing");
      continue;
    }
    const auto values = metrics::indexed_rows(*column, place);
    if (rows.empty()) {
      rows.resize(values.size());
      for (size_t i = 0; i < rows.size(); ++i) rows[i].index = values[i].first;
    }
    if (values.size() != rows.size()) {
      user_error(place, ": ", values.size(), " rows, but ", fields().front().name, " has ",
                 rows.size());
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto& [index, value] = values[i];
      if (index != rows[i].index) {
        user_error(place, ": row ", rows[i].index, " is missing, which ", fields().front().name,
                   " has");
      }
      field.read(rows[i], *value, cat(place, ": row ", index));
    }
  }
  return rows;
}

}  // namespace

TofuLog parse_aggregated_log(const Json& json, const std::string& source) {
  TofuLog log;
  log.source = source;
  log.form = TofuLogForm::kAggregated;
  for (const TofuTask task : kTofuTasks) {
    const char* key = names_of(task).log_key;
    const auto entry = json.find(key);
    if (entry != json.end()) log.rows(task) = parse_task(*entry, cat(source, ": ", key));
  }
  return log;
}

Json tofu_aggregated_json(const TofuLog& log, bool as_lists) {
  Json result = Json::object();
  for (const TofuTask task :
       {TofuTask::kRetain, TofuTask::kRealAuthors, TofuTask::kRealWorld, TofuTask::kForget}) {
    const std::vector<TofuRow>& rows = log.rows(task);
    if (rows.empty()) continue;
    Json& entry = result[names_of(task).log_key];
    entry = Json::object();
    for (const Field& field : fields()) {
      Json column = as_lists ? Json::array() : Json::object();
      for (const TofuRow& row : rows) {
        Json value = field.write(row);
        if (value.is_null()) break;
        if (as_lists) {
          column.push_back(std::move(value));
        } else {
          column[std::to_string(row.index)] = std::move(value);
        }
      }
      if (column.size() == rows.size()) entry[field.name] = std::move(column);
    }
  }
  return result;
}

}  // namespace unlearn::benchmarks::tofu
