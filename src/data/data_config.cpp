#include "unlearn/data/data_config.h"

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
  v.field("pairing", pairing, kPairings, {.help = "which retain row a forget row gets"});
  v.field("question_key", question_key, {.help = "field with the question (qa)"});
  v.field("answer_key", answer_key, {.help = "field with the answer (qa)"});
  v.field("alternate_key", alternate_key,
          {.help = "field of a forget row with its alternative answer or a list of them (altpo)"});
  v.field("text_key", text_key, {.help = "field with the text (text, wmdp)"});
}

}  // namespace unlearn::data
