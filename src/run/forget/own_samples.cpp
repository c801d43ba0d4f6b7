#include "run/forget/own_samples.h"

#include <algorithm>
#include <set>

#include "unlearn/core/error.h"
#include "unlearn/core/log.h"
#include "unlearn/metrics/own_data/pieces.h"
#include "unlearn/metrics/own_data/prompts.h"
#include "unlearn/scoring/generate.h"

namespace unlearn::run {
namespace {

namespace own = metrics::own_data;

constexpr const char* kMark = "QUESTION-STANDS-HERE";
constexpr int64_t kQuestionTokens = 48;
constexpr int64_t kAnswerTokens = 96;
constexpr int64_t kBeginWords = 2;
constexpr size_t kLeast = 8;

std::vector<std::string> generated(const SampleRequest& request,
                                   const std::vector<std::string>& prompts, double temperature,
                                   int64_t most, bool with_marks) {
  scoring::GenerateOptions options;
  options.max_new_tokens = most;
  options.temperature = temperature;
  options.seed = request.seed;
  options.stop_ids = request.tokenizer.special().stops;
  std::vector<std::vector<int32_t>> ids;
  const bool special = request.prompt_template.add_special;
  for (const std::string& prompt : prompts) {
    ids.push_back(request.tokenizer.encode(prompt, special));
    if (ids.back().empty()) {
      // Nothing stands before the question, not even BOS: the end of another text does.
      const auto end = request.tokenizer.special().eos;
      if (!end)
        user_error(
            "data.retain: the tokenizer names no token that begins a text; give a "
            "retain file");
      ids.back() = {*end};
    }
  }
  std::vector<std::string> texts;
  for (const auto& output : scoring::generate(request.model, ids, options)) {
    texts.push_back(request.tokenizer.decode(output, /*skip_special=*/!with_marks));
  }
  return texts;
}

// The question of an output that may go on with the answer.
std::string question_of(const std::string& begun, std::string output, const PromptParts& parts) {
  output = begun + output;
  const std::string end(trim(parts.after));
  if (!end.empty()) output = output.substr(0, output.find(end));
  output = output.substr(0, output.find('\n'));
  for (const char* mark : {"<|", "</s>", "<end_of_turn>"})
    output = output.substr(0, output.find(mark));
  return std::string(trim(output));
}

// What tells the forget rows from others, their questions' names among it.
std::vector<own::Piece> private_pieces(const std::vector<data::QaRow>& forget) {
  std::vector<own::RowText> texts;
  for (const data::QaRow& row : forget) texts.push_back({"", row.question + " " + row.answer});
  std::vector<own::Piece> pieces;
  own::PieceOptions options;
  options.rare_needs = static_cast<int64_t>(forget.size()) + 1;  // names and numbers alone
  options.common_share = 1;  // what all forget rows say is theirs, too
  for (const auto& row : own::distinguishing_pieces(texts, {}, {}, options)) {
    for (const own::Piece& piece : row) {
      if (piece.kind == own::PieceKind::kRare) continue;
      pieces.push_back(piece);
      if (piece.kind != own::PieceKind::kName) continue;
      // Each word of a name by itself, too.
      for (const std::string& word : split(piece.text, ' ')) {
        constexpr size_t kTelling = 4;
        if (word.size() >= kTelling) pieces.push_back({word, piece.kind, {to_lower(word)}});
      }
    }
  }
  return pieces;
}

std::vector<std::string> question_beginnings(const SampleRequest& request) {
  std::vector<std::string> beginnings;
  for (int64_t i = 0; i < request.count; ++i) {
    const auto& row = request.forget[static_cast<size_t>(i / 2) % request.forget.size()];
    const auto starts = own::answer_starts(row.question, std::vector<int64_t>{kBeginWords});
    beginnings.push_back(i % 2 == 1 && !starts.empty() ? starts.front().given : "");
  }
  return beginnings;
}

}  // namespace

PromptParts prompt_parts(const data::Template& tmpl) {
  const std::string whole = tmpl.prompt(kMark, tmpl.mask_answer_tag);
  const size_t at = whole.find(kMark);
  UNLEARN_CHECK(at != std::string::npos, whole);
  return {whole.substr(0, at), whole.substr(at + std::string_view(kMark).size())};
}

std::vector<data::QaRow> own_samples(const SampleRequest& request) {
  const PromptParts parts = prompt_parts(request.prompt_template);
  const std::vector<std::string> beginnings = question_beginnings(request);
  std::vector<std::string> prompts;
  for (const std::string& beginning : beginnings) prompts.push_back(parts.before + beginning);
  // With the marks of turns, which end a question.
  const auto outputs =
      generated(request, prompts, /*temperature=*/1.0, kQuestionTokens, /*with_marks=*/true);
  const std::vector<own::Piece> pieces = private_pieces(request.forget);
  std::set<std::string> questions;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::string question = question_of(beginnings[i], outputs[i], parts);
    const bool is_private = !own::reappearing(pieces, question, "").empty();
    if (question.size() > 7 && is_valid_utf8(question) && !is_private) questions.insert(question);
  }
  prompts.clear();
  for (const std::string& question : questions) {
    prompts.push_back(
        request.prompt_template.prompt(question, request.prompt_template.mask_answer_tag));
  }
  const auto answers =
      generated(request, prompts, /*temperature=*/0, kAnswerTokens, /*with_marks=*/false);
  std::vector<data::QaRow> rows;
  size_t i = 0;
  for (const std::string& question : questions) {
    std::string answer = answers[i++];
    const std::string& tag = request.prompt_template.answer_tag;
    if (!request.prompt_template.mask_answer_tag && answer.starts_with(tag)) {
      answer.erase(0, tag.size());
    }
    answer = std::string(trim(answer));
    const bool usable =
        !answer.empty() && is_valid_utf8(answer) && own::reappearing(pieces, answer, "").empty();
    if (usable) rows.push_back({question, answer, static_cast<int64_t>(rows.size())});
  }
  if (rows.size() < kLeast) {
    user_error("data.retain: there is no retain file, and of ", request.count,
               " samples that the model was asked for only ", rows.size(),
               " can stand for one; give --retain FILE with rows to keep");
  }
  return rows;
}

}  // namespace unlearn::run
