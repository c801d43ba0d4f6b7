#include "unlearn/data/data_config.h"

#include <algorithm>
#include <vector>

#include "data/question_forms.h"
#include "unlearn/core/error.h"

namespace unlearn::data {
namespace {

constexpr config::Named<std::optional<Pairing>> kPairings[] = {{std::nullopt, "auto"},
                                                               {Pairing::kFixed, "fixed"},
                                                               {Pairing::kRandom, "random"},
                                                               {Pairing::kCyclic, "cyclic"},
                                                               {Pairing::kByRow, "by_row"}};

}  // namespace

void DataConfig::visit(config::FieldVisitor& v) {
  v.field("root", root, {.help = "folder of the data files (--data)"});
  v.field("forget", forget, {.help = "what to forget: a split's name or a file"});
  v.field(
      "retain", retain,
      {.help = "what to keep: a split's name or a file; auto: TOFU's complement of forget, MUSE's "
               "retain1 of the corpus, WMDP's wikitext"});
  v.field("train", train, {.help = "what finetune trains on: a split's name or a file"});
  v.field("alternate", alternate,
          {.help = "refusal lines for methods that need them; auto: <root>/idontknow.jsonl"});
  v.field("max_length", max_length,
          {.help = "tokens per example; longer ones are cut", .min = 2, .max = 1 << 20});
  v.field(
      "chunking", chunking, kChunkings,
      {.help =
           "how MUSE's and WMDP's texts are cut: published (MUSE's chunks, WMDP's rows) or "
           "ou (OpenUnlearning: windows of all rows joined, each decoded and tokenised again)"});
  v.field("allow_overlap", allow_overlap, {.help = "go on where forget rows are retain rows too"});
  v.field("drop_overlap", drop_overlap,
          {.help = "take rows that are forget rows out of the retain set"});
  v.field("hold_out", hold_out,
          {.help = "share of the retain rows that is never trained on, to measure the damage by",
           .min = 0,
           .max = 0.9});
  v.field("question_forms", question_forms,
          {.help = "other forms of each forget and retain question to train on as well",
           .min = 0,
           .max = kMostQuestionForms});
  v.field("pairing", pairing, kPairings, {.help = "which retain row a forget row gets"});
  v.field("question_key", question_key, {.help = "field with the question (qa)"});
  v.field("answer_key", answer_key, {.help = "field with the answer (qa)"});
  v.field("alternate_key", alternate_key,
          {.help = "field of a forget row with its alternative answer or a list of them (altpo)"});
  v.field("text_key", text_key, {.help = "field with the text (text, wmdp)"});
  v.field(
      "forget_keys", forget_keys,
      {.help = "fields of the forget file where they have other names: QUESTION,ANSWER or TEXT"});
  v.field("retain_keys", retain_keys, {.help = "the same of the retain file"});
}

DataConfig keys_of(const DataConfig& config, const std::string& what) {
  const std::string& keys = what == "forget"   ? config.forget_keys
                            : what == "retain" ? config.retain_keys
                                               : std::string();
  DataConfig own = config;
  if (keys.empty()) return own;
  std::vector<std::string> names = split(keys, ',');
  for (std::string& name : names) name = std::string(trim(name));
  const bool is_empty =
      std::any_of(names.begin(), names.end(), [](const auto& name) { return name.empty(); });
  if (is_empty || names.size() > 2) {
    user_error("data.", what, "_keys: '", keys, "': QUESTION,ANSWER (or TEXT) names the fields");
  }
  if (names.size() == 1) {
    own.text_key = names[0];
  } else {
    own.question_key = names[0];
    own.answer_key = names[1];
  }
  return own;
}

}  // namespace unlearn::data
