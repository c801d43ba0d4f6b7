#include "run/audit/depth.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <span>

#include "unlearn/core/error.h"
#include "unlearn/core/files.h"
#include "unlearn/metrics/audit/depth_score.h"
#include "unlearn/metrics/or_null.h"
#include "unlearn/scoring/layer_scores.h"

namespace unlearn::run {
namespace {

namespace audit = metrics::audit;
using Tokens = std::vector<int32_t>;

constexpr int64_t kDepthTokens = 1024;  // at a time: every block's output is kept for each

size_t common_length(const std::string& a, const std::string& b) {
  const auto ends = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(ends.first - a.begin());
}

// The tokens whose characters overlap the entity's: begin and end; an empty range where the text
// does not hold it.
std::pair<size_t, size_t> tokens_of(const tokenizer::Tokenizer& tok, const Tokens& tokens,
                                    const std::string& entity) {
  const std::string text = tok.decode(tokens, /*skip_special=*/false);
  const std::string wanted(trim(entity));
  const size_t first = wanted.empty() ? std::string::npos : text.find(wanted);
  if (first == std::string::npos) return {0, 0};
  std::vector<size_t> ends = {0};  // of the text that the tokens up to here spell
  for (size_t i = 1; i <= tokens.size(); ++i) {
    ends.push_back(common_length(tok.decode(std::span(tokens).first(i), false), text));
  }
  std::pair<size_t, size_t> found{tokens.size(), 0};
  for (size_t i = 0; i < tokens.size(); ++i) {
    // A token that holds only a part of a character spells nothing yet: it has the whole one.
    const auto end = std::find_if(ends.begin() + static_cast<std::ptrdiff_t>(i) + 1, ends.end(),
                                  [&](size_t other) { return other > ends[i]; });
    const size_t last = end == ends.end() ? text.size() : *end;
    if (last <= first || ends[i] >= first + wanted.size()) continue;
    found = {std::min(found.first, i), i + 1};
  }
  return found.second == 0 ? std::pair<size_t, size_t>{0, 0} : found;
}

// As the score's repository puts a question, without a chat template: the prompt with what the
// tokenizer adds by itself, the rest tokenised by itself. None where it is longer than the context.
std::optional<data::Example> depth_example(const eval::EvaluationInputs& inputs, int64_t row,
                                           const std::string& prompt, std::string rest,
                                           const std::string* entity) {
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  if (!is_space(rest.front()) && !is_space(prompt.back())) rest = " " + rest;
  const Tokens context = inputs.tokenizer.encode(prompt, /*add_special=*/true);
  const Tokens answer = inputs.tokenizer.encode(rest, /*add_special=*/false);
  if (answer.empty()) return std::nullopt;
  const auto [first, last] = entity == nullptr ? std::pair<size_t, size_t>{0, answer.size()}
                                               : tokens_of(inputs.tokenizer, answer, *entity);
  if (first == last) user_error("'", *entity, "' is not in what follows the prefix");
  data::Example example;
  example.id = cat("depth:", row);
  example.row = row;
  example.tokens = context;
  example.labels.assign(context.size(), data::kIgnored);
  for (size_t i = 0; i < answer.size(); ++i) {
    const bool is_label = i >= first && i < last && !example.tokens.empty();
    example.tokens.push_back(answer[i]);
    example.labels.push_back(is_label ? answer[i] : data::kIgnored);
    example.num_labels += is_label ? 1 : 0;
  }
  const auto length = static_cast<int64_t>(example.tokens.size());
  if (example.num_labels == 0 || (inputs.context > 0 && length > inputs.context)) {
    return std::nullopt;
  }
  for (const int32_t token : example.tokens) {
    if (token < 0 || token >= inputs.vocab_size) {
      user_error("tokenizer/embedding mismatch: token id ", token, " of ", inputs.vocab_size);
    }
  }
  return example;
}

std::string field_of(const Json& row, const char* key) {
  if (!row.is_object() || !row.contains(key) || !row[key].is_string()) {
    user_error("no text '", key, "' (question, answer, prefix and entity are needed)");
  }
  return row[key].get<std::string>();
}

void add_file(const std::string& file, const eval::EvaluationInputs& inputs, DepthRows& rows) {
  if (!std::filesystem::exists(file)) user_error("audit.depth.rows: ", file, " is not there");
  for_each_json_row(file, [&](int64_t number, const Json& row) {
    const std::string answer = field_of(row, "answer"), prefix = field_of(row, "prefix");
    const std::string entity = field_of(row, "entity");
    if (!answer.starts_with(prefix) || answer.size() == prefix.size()) {
      user_error("the answer must begin with the prefix and go on");
    }
    // An empty prefix leaves the space in front of it, as in the repository.
    const std::string prompt = cat("Question: ", field_of(row, "question"), "\nAnswer: ", prefix);
    auto example = depth_example(inputs, number, prompt, answer.substr(prefix.size()), &entity);
    const bool has_room =
        inputs.config.rows == 0 || static_cast<int64_t>(rows.examples.size()) < inputs.config.rows;
    if (example && has_room) rows.examples.push_back(std::move(*example));
  });
}

std::vector<double> numbers_of(const Json& list) {
  std::vector<double> values;
  for (const Json& value : list) {
    values.push_back(value.is_number() ? value.get<double>() : std::nan(""));
  }
  return values;
}

// Of one row: how far the score falls at each block.
std::vector<double> falls(const Json& row, DepthKind kind) {
  const bool lens = kind == DepthKind::kLens;
  std::vector<double> values = numbers_of(row.at(lens ? "lens_source" : "patched"));
  const std::vector<double> own = lens ? numbers_of(row.at("lens_reader")) : std::vector<double>();
  const double whole = numbers_of(Json::array({row.at("whole")})).front();
  for (size_t l = 0; l < values.size(); ++l) values[l] = (lens ? own[l] : whole) - values[l];
  return values;
}

struct Falls {
  std::vector<audit::LayerFalls> rows;
  std::vector<double> retain, unlearned;  // means over rows, per block
};

Falls falls_of(const Json& unlearned, const Json& retain, DepthKind kind) {
  Falls result;
  const auto count = static_cast<double>(unlearned.size());
  for (size_t i = 0; i < unlearned.size(); ++i) {
    const audit::LayerFalls& row = result.rows.emplace_back(
        audit::LayerFalls{falls(retain.at(i), kind), falls(unlearned.at(i), kind)});
    result.retain.resize(row.retain.size());
    result.unlearned.resize(row.retain.size());
    for (size_t l = 0; l < row.retain.size(); ++l) {
      result.retain[l] += row.retain[l] / count;
      result.unlearned[l] += row.unlearned[l] / count;
    }
  }
  return result;
}

Json score_json(const Falls& falls) {
  const auto scored = std::ranges::count_if(falls.rows, [](const audit::LayerFalls& row) {
    return audit::row_depth_score(row).has_value();
  });
  return {{"value", metrics::or_null(audit::depth_score(falls.rows))}, {"rows", scored}};
}

std::string depth_sentence(const Json& depth, const Json& lens) {
  if (!depth.at("value").is_number()) {
    return "depth score: no row has a block in which the retain model lacks what the original has";
  }
  const auto percent = [](const Json& value) {
    return value.is_number() ? cat(std::lround(100 * value.get<double>()), " %") : "?";
  };
  return cat("depth score: of what the retain model's blocks lack, ", percent(depth.at("value")),
             " is gone from the unlearned model's (Unlearning Depth Score; by the logit lens ",
             percent(lens.at("value")),
             "); 100 %: erased as if never learnt, 0 %: all still there");
}

}  // namespace

double DepthRows::tokens() const {
  double count = 0;
  for (const data::Example& example : examples) count += static_cast<double>(example.tokens.size());
  return count;
}

std::optional<DepthRows> depth_rows(const DepthSettings& settings, const eval::Questions* questions,
                                    const eval::EvaluationInputs& inputs) {
  DepthRows rows;
  if (!settings.rows.empty()) {
    rows.entities = "entities of " + std::filesystem::path(settings.rows).filename().string();
    add_file(settings.rows, inputs, rows);
  } else if (questions != nullptr) {
    rows.entities = "whole answers";
    for (const eval::AskedRow& row : questions->forget) {
      auto example = depth_example(inputs, row.row, cat("Question: ", row.question, "\nAnswer:"),
                                   row.answer, /*entity=*/nullptr);
      if (example) rows.examples.push_back(std::move(*example));
    }
  }
  if (rows.examples.empty()) return std::nullopt;
  std::string content = cat("pre_norm ", settings.pre_norm, "\n");
  for (const data::Example& example : rows.examples) {
    for (size_t i = 0; i < example.tokens.size(); ++i) {
      content += cat(example.tokens[i], example.labels[i] == data::kIgnored ? " " : "! ");
    }
    content += "\n";
  }
  rows.key = sha256(content);
  return rows;
}

Cell measure_depth(const DepthRows& rows, const DepthSettings& settings, model::CausalLM& original,
                   model::CausalLM& source) {
  std::vector<const data::Example*> examples;
  for (const data::Example& example : rows.examples) examples.push_back(&example);
  Cell cell;
  Json& list = cell.extra["rows"] = Json::array();
  const auto scores =
      scoring::layer_scores(original, source, examples, {settings.pre_norm, kDepthTokens});
  for (size_t i = 0; i < scores.size(); ++i) {
    list.push_back({{"row", examples[i]->row},
                    {"whole", scores[i].whole},
                    {"patched", scores[i].patched},
                    {"lens_reader", scores[i].lens_reader},
                    {"lens_source", scores[i].lens_source}});
  }
  return cell;
}

std::map<int64_t, double> depth_knowledge(const Cell& source, const Cell& retain, DepthKind kind) {
  const Json& rows = source.extra.at("rows");
  const Falls falls = falls_of(rows, retain.extra.at("rows"), kind);
  std::map<int64_t, double> knowledge;
  for (size_t i = 0; i < falls.rows.size(); ++i) {
    const std::optional<double> score = audit::row_depth_score(falls.rows[i]);
    if (score) knowledge[rows.at(i).at("row").get<int64_t>()] = 1 - *score;
  }
  return knowledge;
}

Json depth_entry(const std::map<AuditRole, Cell>& cells, const DepthRows& rows,
                 const DepthSettings& settings) {
  const auto unlearned = cells.find(AuditRole::kUnlearned), retain = cells.find(AuditRole::kRetain);
  if (unlearned == cells.end() || retain == cells.end()) return {};
  const Json& own = unlearned->second.extra.at("rows");
  const Json& control = retain->second.extra.at("rows");
  const Falls depth = falls_of(own, control, DepthKind::kPatched);
  const Falls lens = falls_of(own, control, DepthKind::kLens);
  Json layers = Json::array();
  for (size_t l = 0; l < depth.retain.size(); ++l) {
    layers.push_back({{"layer", l},
                      {"patched", {{"R", depth.retain[l]}, {"U", depth.unlearned[l]}}},
                      {"lens", {{"R", lens.retain[l]}, {"U", lens.unlearned[l]}}}});
  }
  Json entry = {{"source", "arXiv 2605.24614"},     {"rows", rows.examples.size()},
                {"labels", rows.entities},          {"pre_norm", settings.pre_norm},
                {"depth_score", score_json(depth)}, {"logit_lens", score_json(lens)},
                {"falls", std::move(layers)}};
  entry["sentence"] = depth_sentence(entry["depth_score"], entry["logit_lens"]);
  return entry;
}

}  // namespace unlearn::run
