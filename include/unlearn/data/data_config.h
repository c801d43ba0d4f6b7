// The `data:` section, beside the benchmark.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "unlearn/config/fields.h"
#include "unlearn/data/pair_stream.h"

namespace unlearn::data {

// How long texts become examples: as each benchmark published it, or as OpenUnlearning does.
enum class Chunking : uint8_t { kPublished, kOpenUnlearning };
inline constexpr config::Named<Chunking> kChunkings[] = {{Chunking::kPublished, "published"},
                                                         {Chunking::kOpenUnlearning, "ou"}};

// The other forms of a question that are known.
inline constexpr int64_t kMostQuestionForms = 4;

struct DataConfig {
  std::string root;                 // folder of the benchmark's files
  std::string forget = "forget01";  // split name or file (muse: "news", "news/scal/forget_2")
  std::string retain = "auto";      // split name, file, "auto" (by benchmark), "none"
  std::string train = "full";       // finetune: split name or file
  std::string alternate = "auto";   // refusal lines: file, or "auto" (<root>/idontknow.jsonl)
  int64_t max_length = 500;
  Chunking chunking = Chunking::kPublished;  // of muse and wmdp
  bool allow_overlap = false;                // forget rows may be retain rows too
  bool drop_overlap = false;                 // … and are taken out of the retain set
  double hold_out = 0;                       // share of the retain rows that is never trained on
  std::optional<Pairing> pairing;            // unset: by benchmark
  int64_t question_forms = 0;                // other forms of each question to train on
  std::string question_key = "question";
  std::string answer_key = "answer";
  std::string alternate_key = "alternate";
  std::string text_key = "text";
  std::string forget_keys, retain_keys;  // "question,answer" of these files; "": the keys above
  void visit(config::FieldVisitor& visitor);
};

// The section as it reads the file of `what` ("forget", "retain", …): its own keys are the keys.
DataConfig keys_of(const DataConfig& config, const std::string& what);

}  // namespace unlearn::data
