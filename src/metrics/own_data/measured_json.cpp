// Measured as it is kept in the eval folder.
#include <array>
#include <cmath>
#include <limits>

#include "unlearn/core/error.h"
#include "unlearn/metrics/own_data/measured.h"

namespace unlearn::metrics::own_data {
namespace {

Json finite_json(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json numbers_json(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(finite_json(value));
  return list;
}

double stored_number(const Json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

std::vector<double> stored_numbers(const Json& list) {
  std::vector<double> values;
  for (const Json& value : list) values.push_back(stored_number(value));
  return values;
}

Json measured_row_json(const MeasuredRow& row) {
  Json others = Json::array();
  for (const OtherOutput& other : row.others) {
    others.push_back({{"rule", other.rule},
                      {"prompt", other.prompt},
                      {"given", other.given},
                      {"output", other.output}});
  }
  Json json = {{"question", row.text.question},
               {"answer", row.text.answer},
               {"logprob", finite_json(row.logprob)},
               {"own", finite_json(row.scores.own)},
               {"alternatives", numbers_json(row.scores.others)},
               {"output", row.output},
               {"others", std::move(others)},
               {"samples", row.samples}};
  if (row.logprob_base) json["logprob_base"] = finite_json(*row.logprob_base);
  return json;
}

MeasuredRow stored_row(const Json& json) {
  MeasuredRow row;
  row.text = {json.at("question").get<std::string>(), json.at("answer").get<std::string>()};
  row.logprob = stored_number(json.at("logprob"));
  row.scores = {stored_number(json.at("own")), stored_numbers(json.at("alternatives"))};
  row.output = json.at("output").get<std::string>();
  for (const Json& other : json.at("others")) {
    row.others.push_back(
        {other.at("rule").get<std::string>(), other.at("prompt").get<std::string>(),
         other.at("given").get<std::string>(), other.at("output").get<std::string>()});
  }
  row.samples = json.at("samples").get<std::vector<std::string>>();
  if (json.contains("logprob_base")) row.logprob_base = stored_number(json["logprob_base"]);
  return row;
}

// The lists of numbers under their names.
template <class Side>
auto number_lists(Side& measured) {
  return std::array{std::pair{"seen", &measured.seen}, std::pair{"held_out", &measured.held_out},
                    std::pair{"neighbours", &measured.neighbours},
                    std::pair{"general_text", &measured.general_text}};
}

}  // namespace

Json measured_json(const Measured& measured) {
  Json rows = Json::array(), retain = Json::array(), attacks = Json::object();
  for (const MeasuredRow& row : measured.rows) rows.push_back(measured_row_json(row));
  for (const RowText& text : measured.retain) retain.push_back({text.question, text.answer});
  for (const auto& [name, scores] : measured.attacks) {
    attacks[name] = {{"forget", numbers_json(scores.forget)},
                     {"non_members", numbers_json(scores.non_members)}};
  }
  Json json = {{"rows", std::move(rows)},
               {"retain", std::move(retain)},
               {"general", measured.general},
               {"retain_outputs", measured.retain_outputs},
               {"attacks", std::move(attacks)}};
  for (const auto& [name, values] : number_lists(measured)) json[name] = numbers_json(*values);
  return json;
}

Measured measured_from_json(const Json& json, const std::string& where) {
  try {
    Measured measured;
    for (const Json& row : json.at("rows")) measured.rows.push_back(stored_row(row));
    for (const Json& text : json.at("retain")) {
      measured.retain.push_back({text.at(0).get<std::string>(), text.at(1).get<std::string>()});
    }
    measured.general = json.at("general").get<std::vector<std::string>>();
    measured.retain_outputs = json.at("retain_outputs").get<std::vector<std::string>>();
    for (const auto& [name, scores] : json.at("attacks").items()) {
      measured.attacks[name] = {stored_numbers(scores.at("forget")),
                                stored_numbers(scores.at("non_members"))};
    }
    for (const auto& [name, values] : number_lists(measured)) {
      *values = stored_numbers(json.at(name));
    }
    return measured;
  } catch (const Json::exception& error) {
    user_error(where, ": is no record of measurements on own data (", error.what(), ")");
  }
}

}  // namespace unlearn::metrics::own_data
